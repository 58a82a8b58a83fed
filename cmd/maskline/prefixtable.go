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
	p := &prefixes{store: openPrefixes(e.cfg), config: e.routing(e.cfg)}
	cfg := p.config
	cfg.Contacts, cfg.Masks, cfg.Slots = e.sessions, e.sessions, e.sessions
	cfg.Replier = e.replies
	cfg.Witness = &witness{e.told.traffic, e.sessions}
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
// kept. A file that comes slowly keeps no reload waiting.
func (p *prefixes) Import(ctx context.Context, csv io.Reader, all bool) (int, error) {
	p.mu.Lock()
	carriers := p.config.Carriers
	p.mu.Unlock()
	next, err := parsePrefixes(ctx, csv, carriers)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	cfg := p.config
	return len(next.Rows), keepPrefixes(ctx, p.store, next, all, func(t *prefix.Table) (func(), error) {
		cfg.Prefixes = t
		return p.router.Prepare(cfg)
	})
}

// Export writes all imported prefixes.
func (p *prefixes) Export(ctx context.Context, w io.Writer) error {
	return exportPrefixes(ctx, p.store, w)
}

// parsePrefixes reads a CSV that names these carriers alone.
func parsePrefixes(ctx context.Context, csv io.Reader, carriers []routing.CarrierConfig) (*prefix.Table, error) {
	return prefix.Import(ctx, csv, func(name string) bool {
		return slices.ContainsFunc(carriers, func(c routing.CarrierConfig) bool { return c.Name == name })
	})
}

// keepPrefixes has the table that comes of next made ready, keeps it and applies it.
func keepPrefixes(ctx context.Context, store prefixStore, next *prefix.Table, all bool,
	prepare func(*prefix.Table) (apply func(), err error),
) error {
	next.Imported = time.Now().Truncate(time.Second)
	if !all {
		before, err := store.Load(ctx)
		if err != nil {
			return err
		}
		if next, err = before.Replace(next); err != nil {
			return err
		}
	}
	apply, err := prepare(next)
	if err != nil {
		return err
	}
	if err := store.Save(ctx, next); err != nil {
		return err
	}
	apply()
	return nil
}

// importPrefixesOffline is for a data directory that no edge runs on.
func importPrefixesOffline(ctx context.Context, cfg *configs.Config, csv io.Reader, all bool) (int, error) {
	next, err := parsePrefixes(ctx, csv, routingConfig(cfg, nil).Carriers)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(string(cfg.DataDir), 0o700); err != nil {
		return 0, fmt.Errorf("making data_dir: %w", err)
	}
	return len(next.Rows), keepPrefixes(ctx, openPrefixes(cfg), next, all, func(t *prefix.Table) (func(), error) {
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
