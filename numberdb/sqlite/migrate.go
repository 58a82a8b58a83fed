package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"maskline/numberdb"
)

//go:embed migrations/*.sql migrations/sealed/*.sql
var migrations embed.FS

func provider(db *sql.DB, keys numberdb.KeyWrapper) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName("schema_version"), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
		goose.WithGoMigrations(goose.NewGoMigration(sealedVersion, &goose.GoFunc{RunTx: (&sealing{keys: keys}).run}, nil)))
}

// migrate brings the schema to this version, or where that is left to the
// operator refuses an older one. A newer one is taken as it is.
func migrate(ctx context.Context, db *sql.DB, cfg *Config) error {
	p, err := provider(db, cfg.Keys)
	if err != nil {
		return fmt.Errorf("preparing the schema: %w", err)
	}
	if cfg.ManualMigrations {
		pending, err := p.HasPending(ctx)
		if err != nil {
			return fmt.Errorf("reading the schema's version: %w", err)
		}
		if pending {
			return numberdb.ErrSchemaOld
		}
		return scrub(ctx, db) // where a crash has kept migrate from it
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrading the schema: %w", err)
	}
	return scrub(ctx, db)
}
