package main

import (
	"context"
	"errors"

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

// withStore opens the store without an edge and loads it.
func withStore(ctx context.Context, cfg *configs.Config, use func(*offline) error) error {
	store, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	o, err := loadOffline(ctx, cfg, store)
	if err == nil {
		err = use(o)
	}
	return errors.Join(err, store.Close())
}

func loadOffline(ctx context.Context, cfg *configs.Config, store stores) (*offline, error) {
	records := newChanges(cfg, store)
	table := numberdb.NewTable()
	err := table.Replace(func(put func(numberdb.Binding)) error {
		_, err := store.Load(ctx, put)
		return err
	})
	if err != nil {
		return nil, err
	}
	restrictions, err := numberdb.NewRestrictions(byHand{auditedRestrictions{store, records}}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	if err := restrictions.Load(ctx); err != nil {
		return nil, err
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
		return nil, err
	}
	stock.records = records
	return &offline{bindings, restrictions, &blocks{restrictions, bindings.hasTenant}, &inventory{stock: stock, bindings: bindings}, store}, nil
}
