package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"maskline/numberdb"
)

//go:embed migrations/*.sql migrations/sealed/*.sql
var migrations embed.FS

const (
	versionTable = "maskline.schema_version"
	oldestServer = 130000 // xid8 and pg_snapshot_xmin
	migrateTime  = 10 * time.Minute
	// Edges that start together wait for one another under this advisory lock.
	migrateLock = 0x6d61736b6c696e65
)

func provider(cfg *pgx.ConnConfig, keys numberdb.KeyWrapper) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrateLock), lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	// A migration may take longer than a statement of the edge.
	cfg = cfg.Copy()
	for _, name := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		cfg.RuntimeParams[name] = "0"
	}
	db := stdlib.OpenDB(*cfg)
	p, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(versionTable), goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
		goose.WithGoMigrations(goose.NewGoMigration(sealedVersion, &goose.GoFunc{RunTx: (&sealing{keys: keys}).run}, nil)))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

func migrate(ctx context.Context, cfg *pgx.ConnConfig, keys numberdb.KeyWrapper) (err error) {
	ctx, cancel := context.WithTimeout(ctx, migrateTime)
	defer cancel()
	if err := createSchema(ctx, cfg); err != nil {
		return explain(ctx, "creating the schema", err)
	}
	p, err := provider(cfg, keys)
	if err != nil {
		return fmt.Errorf("preparing the schema: %w", err)
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if _, err := p.Up(ctx); err != nil {
		return explain(ctx, "upgrading the schema", err)
	}
	return nil
}

// createSchema does what goose needs before it can keep its version table. It
// asks first: the right to create is needed only once.
func createSchema(ctx context.Context, cfg *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is left in it
	var version int
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, to_regnamespace('maskline') IS NOT NULL`).
		Scan(&version, &exists); err != nil {
		return err
	}
	if version < oldestServer {
		return errors.New("the server is older than Postgres 13")
	}
	if exists {
		return nil
	}
	_, err = conn.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS maskline`)
	// Two that create it at once: one of them meets the other's row.
	var server *ServerError
	if errors.As(clean(err), &server) && (server.State == "23505" || server.State == "42P06") {
		return nil
	}
	return err
}

// checkSchema refuses a schema older than this version, without changing
// anything.
func (s *Store) checkSchema(ctx context.Context) error {
	query, cancel := context.WithTimeout(ctx, s.cfg.Query)
	defer cancel()
	var exists bool
	if err := s.pool.QueryRow(query, `SELECT to_regclass($1) IS NOT NULL`, versionTable).Scan(&exists); err != nil {
		return explain(ctx, "reading the schema's version", err)
	}
	if !exists {
		return numberdb.ErrSchemaOld
	}
	var has int64
	if err := s.pool.QueryRow(query, `SELECT coalesce(max(version_id), 0) FROM `+versionTable+` WHERE is_applied`).Scan(&has); err != nil {
		return explain(ctx, "reading the schema's version", err)
	}
	needs, err := newestMigration()
	if err != nil {
		return err
	}
	if has < needs {
		return numberdb.ErrSchemaOld
	}
	return nil
}

func newestMigration() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	newest := int64(sealedVersion)
	for _, file := range files {
		version, err := goose.NumericComponent(file)
		if err != nil {
			return 0, fmt.Errorf("reading the migrations: %w", err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}
