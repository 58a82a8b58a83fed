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

// migrate brings the schema to this version, or where that is left to the
// operator refuses an older one. A newer one is taken as it is.
func migrate(ctx context.Context, db *sql.DB, cfg *Config) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName("schema_version"), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
		goose.WithGoMigrations(goose.NewGoMigration(sealedVersion, &goose.GoFunc{RunTx: (&sealing{keys: cfg.Keys}).run}, nil)))
	if err != nil {
		return fmt.Errorf("preparing the schema: %w", err)
	}
	if cfg.ManualMigrations {
		pending, err := provider.HasPending(ctx)
		if err != nil {
			return fmt.Errorf("reading the schema's version: %w", err)
		}
		if pending {
			return numberdb.ErrSchemaOld
		}
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("upgrading the schema: %w", err)
	}
	return scrub(ctx, db)
}
