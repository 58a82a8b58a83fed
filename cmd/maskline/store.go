package main

import (
	"context"
	"fmt"
	"time"

	"maskline/configs"
	"maskline/numberdb"
	"maskline/numberdb/postgres"
	"maskline/numberdb/sessions"
	"maskline/numberdb/sqlite"
)

// stores is a store of everything that one keeps.
type stores interface {
	numberdb.Store
	outboundStore
	numberdb.RestrictionStore
	numberdb.AuditStore
	numberdb.ConsentStore
	numberdb.UsageStore
	sessions.Store
	numberdb.Purger
	numberdb.APIKeyStore
	numberdb.TokenStore
	numberdb.EventStore
	numberdb.EndpointStore
	numberdb.DeliveryStore
	numberdb.DeliveryLog
}

// openStore opens the store that the configuration names.
func openStore(ctx context.Context, cfg *configs.Config) (stores, error) {
	return openStoreAt(ctx, cfg, time.Now)
}

// openStoreAt opens it with a clock by which rows are over. Postgres has its own.
func openStoreAt(ctx context.Context, cfg *configs.Config, now func() time.Time) (stores, error) {
	manual := cfg.Database.Migrate == configs.MigrateManual
	if url := cfg.Database.URL.Reveal(); url != "" {
		return opened(postgres.Open(postgres.Config{
			URL: url, Keys: dataKeys(cfg), ManualMigrations: manual, Sync: syncOf(cfg.Database.Sync), Slot: cfg.Database.Slot,
		}))
	}
	return opened(sqlite.Open(ctx, sqlite.Config{Dir: string(cfg.DataDir), Keys: dataKeys(cfg), ManualMigrations: manual, Now: now}))
}

func syncOf(sync configs.Sync) postgres.Sync {
	switch sync {
	case configs.SyncLogical:
		return postgres.Logical
	case configs.SyncChangelog:
		return postgres.Changelog
	default:
		return postgres.Auto
	}
}

// opened keeps the store that failed to open from looking like one.
func opened[S stores](store S, err error) (stores, error) {
	if err != nil {
		return nil, err
	}
	return store, nil
}

// checkKey reports a store whose data key cannot be unwrapped; one that is away
// is no fault.
func checkKey(ctx context.Context, store stores) error {
	if s, remote := store.(interface{ CheckKey(context.Context) error }); remote {
		return s.CheckKey(ctx)
	}
	return nil // it was unwrapped when it was opened
}

type migrateCommand struct {
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run brings the schema up to date.
func (cmd *migrateCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	if url := cfg.Database.URL.Reveal(); url != "" {
		err = postgres.Migrate(ctx, postgres.Config{URL: url, Keys: dataKeys(cfg)})
	} else {
		err = sqlite.Migrate(ctx, sqlite.Config{Dir: string(cfg.DataDir), Keys: dataKeys(cfg)})
	}
	if err != nil {
		return fmt.Errorf("migrating the store: %w", err)
	}
	fmt.Fprintln(c.out, "the schema is up to date")
	return nil
}
