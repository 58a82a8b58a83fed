package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
)

// KeepsTable runs a numberdb.Syncer over the store, applies changes through it
// with disturb after each round, and compares table and store at the end.
func KeepsTable(t *testing.T, store numberdb.Store, disturb func(round int)) {
	t.Helper()
	table := numberdb.NewTable()
	syncer, err := numberdb.NewSyncer(store, table, numberdb.SyncConfig{BackoffMin: 5 * time.Millisecond}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := syncer.Run(ctx); err != nil {
			t.Errorf("the syncer ended: %v", err)
		}
	})
	defer running.Wait()
	defer cancel()
	const rounds = 8
	for round := range rounds {
		for i := range 20 {
			put := Put(i, round, 100*round+i)
			Eventually(t, "an applied change", func() bool {
				bounded, cancel := context.WithTimeout(ctx, Deadline)
				defer cancel()
				return syncer.Apply(bounded, []numberdb.Change{put, Delete(i, (round+rounds-2)%rounds)}) == nil
			})
			if b, status := table.Lookup(put.Binding.Mask, put.Binding.Party, time.Now()); status != numberdb.Exact || b.To != put.Binding.To {
				t.Fatalf("round %d: Apply returned before the table routed by it", round)
			}
		}
		if disturb != nil {
			disturb(round)
		}
	}
	want := Rows(t, store)
	Eventually(t, "a table equal to the store", func() bool {
		rows := map[Key]numberdb.Binding{}
		table.Each(func(b numberdb.Binding) bool {
			rows[Key{b.Mask, b.Party}] = b
			return true
		})
		return Digest(rows) == Digest(want)
	})
	Eventually(t, "a store that is followed", func() bool {
		fresh := syncer.Fresh()
		return fresh.Loaded && fresh.Up && !fresh.Stale
	})
}
