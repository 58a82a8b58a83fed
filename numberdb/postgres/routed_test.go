//go:build peers

package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
	"maskline/testbench/pgtest"
)

// routed is an edge's table that is asked without end, with writers beside it.
type routed struct {
	*writers
	store  *Store
	table  *numberdb.Table
	syncer *numberdb.Syncer
	stop   context.CancelFunc
	group  sync.WaitGroup
	asked  atomic.Int64
	unmet  atomic.Int64
}

// startRouted starts an edge over the store, and writers once it serves.
func startRouted(t *testing.T, store *Store) *routed {
	t.Helper()
	standing := storetest.Put(9999, 1, 2)
	storetest.Apply(t, store, standing)
	r := &routed{store: store, table: numberdb.NewTable()}
	var err error
	r.syncer, err = numberdb.NewSyncer(store, r.table, numberdb.SyncConfig{BackoffMin: 20 * time.Millisecond, BackoffMax: 200 * time.Millisecond},
		zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.group.Go(func() {
		if err := r.syncer.Run(ctx); err != nil {
			t.Errorf("the syncer ended: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		r.group.Wait()
	})
	storetest.Eventually(t, "the first load", func() bool { return r.syncer.Fresh().Up })
	r.group.Go(func() {
		pace := time.NewTicker(200 * time.Microsecond) // leaves the machine to the server
		defer pace.Stop()
		for ctx.Err() == nil {
			b, status := r.table.Lookup(standing.Binding.Mask, standing.Binding.Party, time.Now())
			if r.asked.Add(1); status != numberdb.Exact || b.To != standing.Binding.To {
				r.unmet.Add(1)
			}
			<-pace.C
		}
	})
	r.writers = startWriters(t, store)
	return r
}

// settle ends the writers and checks that routing never stopped, that nothing
// acknowledged is lost, and that the table equals the database by digest.
func (r *routed) settle(t *testing.T) {
	t.Helper()
	r.waitForCommits(t, 20)
	r.verify(t)
	const parts = 64
	storetest.Eventually(t, "a table equal to the database", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
		defer cancel()
		stored, _, err := r.store.Sums(ctx, parts)
		held := make([]numberdb.Sum, parts)
		r.table.Each(func(b numberdb.Binding) bool {
			held[numberdb.PartOf(b.Mask, parts)].Add(r.store.Digest(&b))
			return true
		})
		return err == nil && slices.Equal(stored, held) && r.syncer.Fresh().Up
	})
	if r.asked.Load() == 0 || r.unmet.Load() > 0 {
		t.Errorf("%d of %d lookups did not route", r.unmet.Load(), r.asked.Load())
	}
}

// impatient is a store that notices silence soon.
func impatient(c *Config) { c.Sync, c.Query = Logical, time.Second }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What befalls the server of all tests.
func TestRoutingThroughFaults(t *testing.T) {
	for _, c := range []struct {
		name    string
		disturb func(t *testing.T, r *routed, name string)
	}{
		{"the postmaster is killed", func(t *testing.T, r *routed, _ string) {
			must(t, server.Kill())
			must(t, server.Restart(t.Context()))
		}},
		{"the server restarts", func(t *testing.T, r *routed, _ string) {
			must(t, server.Shutdown())
			must(t, server.Restart(t.Context()))
		}},
		{"the server stands still", func(t *testing.T, r *routed, _ string) { standStill(t, 3*time.Second) }},
		{"the slot is dropped", func(t *testing.T, _ *routed, name string) {
			exec(t, connect(t, name), `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database()`)
		}},
		{"the schema is migrated", func(t *testing.T, _ *routed, name string) {
			exec(t, connect(t, name), `ALTER TABLE maskline.bindings ADD COLUMN note text NOT NULL DEFAULT ''`)
		}},
		{"a transaction stays open", func(t *testing.T, r *routed, name string) {
			long := connect(t, name)
			exec(t, long, `BEGIN; SELECT pg_current_xact_id()`)
			r.waitForCommits(t, 100)
			exec(t, long, `COMMIT`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, name := newStore(t, impatient)
			r := startRouted(t, store)
			for range 2 {
				r.waitForCommits(t, 50)
				c.disturb(t, r, name)
				if c.name == "the schema is migrated" {
					break
				}
			}
			r.settle(t)
		})
	}
}

func standStill(t *testing.T, long time.Duration) {
	t.Helper()
	must(t, server.Freeze())
	<-time.After(long) // the fault itself
	must(t, server.Thaw())
}

func TestRoutingWithConnectionsCutAtRandom(t *testing.T) {
	relay, err := pgtest.NewRelay(server)
	must(t, err)
	t.Cleanup(func() { must(t, relay.Close()) })
	name := newDatabase(t)
	store := openStore(t, name, func(c *Config) {
		impatient(c)
		c.URL = relay.URL(name)
	})
	t.Cleanup(func() { must(t, store.Close()) })
	r := startRouted(t, store)
	for range 12 {
		r.waitForCommits(t, 10)
		relay.Cut(func() bool { return rand.IntN(2) == 0 })
	}
	r.settle(t)
}

// The disk of the bindings is full: writers are refused, all else goes on.
func TestRoutingWithAFullDisk(t *testing.T) {
	dir, err := server.SmallDisk(12 << 20)
	must(t, err)
	store, name := newStore(t, impatient)
	conn := connect(t, name)
	t.Cleanup(func() {
		must(t, store.Close())
		_ = conn.Close(context.Background()) // the database is dropped
		must(t, server.Exec(context.Background(), "postgres", `DROP DATABASE `+name+` WITH (FORCE)`))
		must(t, server.Exec(context.Background(), "postgres", `DROP TABLESPACE small`))
		must(t, server.RemoveDisk(dir))
	})
	exec(t, conn, `CREATE TABLESPACE small LOCATION '`+dir+`'`)
	exec(t, conn, `ALTER TABLE maskline.bindings SET TABLESPACE small`)
	r := startRouted(t, store)
	r.waitForCommits(t, 50)
	exec(t, conn, `CREATE TABLE filler (data text) TABLESPACE small`)
	full := false
	for range 100 {
		if _, err := conn.Exec(t.Context(), `INSERT INTO filler SELECT md5(g::text) FROM generate_series(1, 10000) g`); err != nil {
			full = true
			break
		}
	}
	if !full {
		t.Fatal("the disk did not fill")
	}
	var big []numberdb.Change
	for i := range 20_000 {
		big = append(big, storetest.Put(5000+i%50, i, 2))
	}
	if _, err := store.Apply(t.Context(), big); err == nil {
		t.Error("the full disk took 20,000 rows")
	}
	exec(t, conn, `DROP TABLE filler`)
	r.settle(t)
}

// A standby takes over: the URL names both, and what was acknowledged had
// reached it.
func TestRoutingThroughAFailover(t *testing.T) {
	primary, err := pgtest.Start(t.Context(), pgtest.Replicating()...)
	must(t, err)
	t.Cleanup(func() { must(t, primary.Stop()) })
	must(t, primary.CreateDatabase(t.Context(), "numbers"))
	standby, err := primary.Standby(t.Context())
	must(t, err)
	t.Cleanup(func() { must(t, standby.Stop()) })
	must(t, primary.Exec(t.Context(), "postgres", `ALTER SYSTEM SET synchronous_standby_names = 'walreceiver'`))
	must(t, primary.Exec(t.Context(), "postgres", `SELECT pg_reload_conf()`))
	store := openStore(t, "", func(c *Config) {
		impatient(c)
		c.URL = fmt.Sprintf("postgres://postgres@/numbers?host=%s,%s&target_session_attrs=read-write", primary.Dir(), standby.Dir())
	})
	t.Cleanup(func() { must(t, store.Close()) })
	r := startRouted(t, store)
	r.waitForCommits(t, 100)
	before := r.syncer.Fresh().Position
	must(t, primary.Kill())
	must(t, standby.Promote(t.Context()))
	r.settle(t)
	if after := r.syncer.Fresh().Position; after <= before {
		t.Errorf("the position went from %d to %d", before, after)
	}
}
