package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/configs"
	"maskline/numberdb"
)

// offline is a store that no edge runs on.
type offline struct {
	bindings     *bindings
	restrictions *numberdb.Restrictions
	blocks       *blocks
	inventory    *inventory
	audit        numberdb.AuditStore
}

// withStore opens the store without an edge and loads it. What it has to leave out
// is told of beside the output.
func withStore(ctx context.Context, cfg *configs.Config, c console, use func(*offline) error) error {
	store, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	o, refused, err := loadOffline(ctx, cfg, store)
	if err == nil {
		refused.tell(c.err)
		err = use(o)
	}
	return errors.Join(err, store.Close())
}

// refused counts rows of the store that are left out: they make no sense, or were
// written with another key.
type refused struct{ bindings, inventory int }

func (r refused) tell(w io.Writer) {
	if r.bindings > 0 {
		fmt.Fprintf(w, "maskline: rows of bindings in the store cannot be read and are left out: %d\n", r.bindings)
	}
	if r.inventory > 0 {
		fmt.Fprintf(w, "maskline: pools or masks in the store make no sense and are left out: %d\n", r.inventory)
	}
}

func loadOffline(ctx context.Context, cfg *configs.Config, store stores) (o *offline, left refused, err error) {
	records := newChanges(cfg, store, time.Now)
	table := numberdb.NewTable()
	err = table.Replace(func(put func(numberdb.Binding)) error {
		loaded, err := store.Load(ctx, put)
		left.bindings = loaded.Refused
		return err
	})
	if err != nil {
		return nil, left, err
	}
	restrictions, err := numberdb.NewRestrictions(byHand{auditedRestrictions{store, records}}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		return nil, left, err
	}
	if err := restrictions.Load(ctx); err != nil {
		return nil, left, err
	}
	bindings := newBindings(cfg, table, func(ctx context.Context, changes []numberdb.Change) error {
		if err := records.bindings(numberdb.WithActor(ctx, numberdb.OperatorActor), changes); err != nil {
			return err
		}
		_, err := store.Apply(ctx, changes)
		return err
	})
	stock, err := loadStock(ctx, store)
	if err != nil {
		return nil, left, err
	}
	left.inventory, stock.records = stock.refused, records
	return &offline{bindings, restrictions, &blocks{restrictions, bindings.hasTenant}, &inventory{stock: stock, bindings: bindings}, store}, left, nil
}
