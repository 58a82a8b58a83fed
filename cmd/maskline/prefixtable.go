package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"maskline/configs"
	"maskline/routing"
	"maskline/routing/prefix"
)

// prefixStore keeps the imported prefixes. prefix.File is one.
type prefixStore interface {
	Load(ctx context.Context) (*prefix.Table, error)
	Save(ctx context.Context, t *prefix.Table) error
}

func openPrefixes(cfg *configs.Config) prefixStore {
	return prefix.File(filepath.Join(string(cfg.DataDir), "prefixes.csv"))
}

// prefixes are those of a running edge.
type prefixes struct {
	store  prefixStore
	router *routing.Router

	mu     sync.Mutex     // one change of what the router decides by at a time
	config routing.Config // in effect, without the imported prefixes
}

// newRouter makes the router of an edge with the imported prefixes.
func (e *edge) newRouter(ctx context.Context) (err error) {
	p := &prefixes{store: openPrefixes(e.cfg), config: routingConfig(e.cfg, e.restrict)}
	cfg := p.config
	cfg.Contacts, cfg.Masks, cfg.Slots = e.sessions, e.sessions, e.sessions
	if cfg.Prefixes, err = p.store.Load(ctx); err != nil {
		return err
	}
	if p.router, err = routing.New(e.table, cfg, e.metrics); err != nil {
		return err
	}
	e.router, e.prefixes = p.router, p
	return nil
}

// reload makes a configuration ready, with the prefixes as they are kept now. The
// caller holds mu until it has called apply, or does not want to.
func (p *prefixes) reload(ctx context.Context, cfg routing.Config) (apply func(), err error) {
	with := cfg
	if with.Prefixes, err = p.store.Load(ctx); err != nil {
		return nil, err
	}
	change, err := p.router.Prepare(with)
	if err != nil {
		return nil, err
	}
	return func() { change(); p.config = cfg }, nil
}

// Import replaces the rows of the carriers that a CSV names, or all, once they are
// kept.
func (p *prefixes) Import(ctx context.Context, csv io.Reader, all bool) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cfg := p.config
	rows, err := importPrefixes(ctx, p.store, csv, all, &cfg, func(t *prefix.Table) (func(), error) {
		cfg.Prefixes = t
		return p.router.Prepare(cfg)
	})
	return rows, err
}

// Export writes all imported prefixes.
func (p *prefixes) Export(ctx context.Context, w io.Writer) error {
	return exportPrefixes(ctx, p.store, w)
}

// importPrefixes reads a CSV, has the table that comes of it made ready, keeps it
// and applies it.
func importPrefixes(ctx context.Context, store prefixStore, csv io.Reader, all bool, cfg *routing.Config,
	prepare func(*prefix.Table) (apply func(), err error),
) (int, error) {
	next, err := prefix.Import(ctx, csv, func(name string) bool {
		return slices.ContainsFunc(cfg.Carriers, func(c routing.CarrierConfig) bool { return c.Name == name })
	})
	if err != nil {
		return 0, err
	}
	rows := len(next.Rows)
	next.Imported = time.Now().Truncate(time.Second)
	if !all {
		before, err := store.Load(ctx)
		if err != nil {
			return 0, err
		}
		if next, err = before.Replace(next); err != nil {
			return 0, err
		}
	}
	apply, err := prepare(next)
	if err != nil {
		return 0, err
	}
	if err := store.Save(ctx, next); err != nil {
		return 0, err
	}
	apply()
	return rows, nil
}

// importPrefixesOffline is for a data directory that no edge runs on.
func importPrefixesOffline(ctx context.Context, cfg *configs.Config, csv io.Reader, all bool) (int, error) {
	if err := os.MkdirAll(string(cfg.DataDir), 0o700); err != nil {
		return 0, fmt.Errorf("making data_dir: %w", err)
	}
	r := routingConfig(cfg, nil)
	return importPrefixes(ctx, openPrefixes(cfg), csv, all, &r, func(t *prefix.Table) (func(), error) {
		_, err := prefix.Build(t.Rows)
		return func() {}, err
	})
}

func exportPrefixes(ctx context.Context, store prefixStore, w io.Writer) error {
	t, err := store.Load(ctx)
	if err != nil {
		return err
	}
	return t.Export(w)
}
