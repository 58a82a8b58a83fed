//go:build peers

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// groupOf is the n-th group of sessions with their bindings.
func groupOf(n int) numberdb.Writes {
	const size = 16
	var w numberdb.Writes
	for i := n * size; i < (n+1)*size; i++ {
		w.Sessions, w.Claims = append(w.Sessions, storetest.Session(i)), append(w.Claims, storetest.SessionClaims(i)...)
	}
	return w
}

// A postmaster that is killed under commits: what was acknowledged is there, what
// failed is not, and what is unknown is whole or not there.
func TestPostmasterKilledUnderCommits(t *testing.T) {
	store, _ := newStore(t, nil)
	const committers, kills = 3, 3
	var mu sync.Mutex
	outcomes := map[int]error{}
	stop := make(chan struct{})
	var group sync.WaitGroup
	for c := range committers {
		group.Go(func() {
			for n := c; ; n += committers {
				select {
				case <-stop:
					return
				default:
				}
				w := groupOf(n)
				_, err := store.Commit(t.Context(), &w)
				mu.Lock()
				outcomes[n] = err
				mu.Unlock()
			}
		})
	}
	acknowledged := func() (count int) {
		mu.Lock()
		defer mu.Unlock()
		for _, err := range outcomes {
			if err == nil {
				count++
			}
		}
		return count
	}
	for range kills {
		before := acknowledged()
		storetest.Eventually(t, "commits", func() bool { return acknowledged() > before+5 })
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	group.Wait()
	counts := map[string]int{}
	rows := storetest.Rows(t, store)
	for n, err := range outcomes {
		w := groupOf(n)
		found := len(storetest.Sessions(t, store, numberdb.SessionQuery{After: w.Sessions[0].ID - 1, Limit: len(w.Sessions)}))
		if found > 0 && storetest.Sessions(t, store, numberdb.SessionQuery{After: w.Sessions[0].ID - 1, Limit: 1})[0].ID != w.Sessions[0].ID {
			found = 0 // they are of a later group
		}
		bound := 0
		for i := range w.Claims {
			if _, ok := rows[storetest.Key{w.Claims[i].Mask, w.Claims[i].Party}]; ok {
				bound++
			}
		}
		whole := found == len(w.Sessions) && bound == len(w.Claims)
		switch none := found == 0 && bound == 0; {
		case err == nil && whole:
			counts["acknowledged"]++
		case err != nil && none, errors.Is(err, numberdb.ErrOutcomeUnknown) && whole:
			counts["failed"]++
		default:
			t.Errorf("%d sessions and %d bindings of a group after: %v", found, bound, err)
		}
	}
	if counts["acknowledged"] < kills*5 || counts["failed"] == 0 {
		t.Errorf("the kills met nothing: %v", counts)
	}
}

// The rights that docs/numbers.md names are enough, and those that change the
// history are not among them.
func TestARoleThatOnlyServesTheRegistry(t *testing.T) {
	_, name := newStore(t, nil)
	role := name + "_edge"
	conn := connect(t, name)
	exec(t, conn, `CREATE ROLE `+role+` LOGIN;`+grants(t, "bindings.md", role)+grants(t, "numbers.md", role))
	edge := openStore(t, name, func(c *Config) {
		address, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		address.User = url.User(role)
		c.URL, c.ManualMigrations = address.String(), true
	})
	defer edge.Close()
	w := groupOf(1)
	mask := numberdb.Mask{Number: storetest.Mask(1), Pool: "london", Services: numberdb.SMS, Since: edge.clock().Truncate(time.Microsecond)}
	w.Pools, w.Masks = []numberdb.Pool{{Name: "london"}}, []numberdb.Mask{mask}
	w.Tenants = []numberdb.Tenant{{Name: "shop", Created: mask.Since}}
	w.Attempts = []numberdb.Attempt{storetest.Attempt(1)}
	w.Outbox = []numberdb.Event{{ID: 1, Tenant: "shop", Type: "session.created", Session: w.Sessions[0].ID, At: mask.Since}}
	w.Expired = []numberdb.Expiry{{Session: w.Sessions[0].ID, Event: 2}}
	for range 2 { // new ones, and then changes
		storetest.Commit(t, edge, w)
		w.Claims, w.Attempts = nil, nil
	}
	useWebhooks(t, edge)
	mask.Pool = ""
	storetest.Commit(t, edge, numberdb.Writes{
		Masks: []numberdb.Mask{mask}, Gone: numberdb.Gone{Pools: []string{"london"}, Sessions: []numberdb.ID{w.Sessions[0].ID}},
	})
	for round := false; !round; {
		purged, err := edge.Purge(t.Context(), edge.clock().Add(1000*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		round = purged.Round
	}
	if rows := storetest.Rows(t, edge); len(rows) != 0 {
		t.Errorf("%d bindings were not purged", len(rows))
	}
	if _, err := edge.Inventory(t.Context(), numberdb.InventoryQuery{}, func(numberdb.Pool) {}, func(numberdb.Mask) {}); err != nil {
		t.Error(err)
	}
	if _, err := edge.pool.Exec(t.Context(), `DELETE FROM maskline.mask_history`); err == nil {
		t.Error("it may delete the history")
	}
}

// Edges on one database do not purge at once.
func TestOneEdgePurges(t *testing.T) {
	store, name := newStore(t, nil)
	other := connect(t, name)
	exec(t, other, fmt.Sprintf(`SELECT pg_advisory_lock(%d)`, int64(purgeLock)))
	if purged, err := store.Purge(t.Context(), store.clock()); err != nil || !purged.Elsewhere {
		t.Errorf("%+v, %v", purged, err)
	}
	exec(t, other, fmt.Sprintf(`SELECT pg_advisory_unlock(%d)`, int64(purgeLock)))
	if purged, err := store.Purge(t.Context(), store.clock()); err != nil || purged.Elsewhere {
		t.Errorf("%+v, %v", purged, err)
	}
}

// Before Postgres 14 a part of a table is read by its places, and no whole table.
func TestPurgingByPlaces(t *testing.T) {
	store, name := newStore(t, nil)
	store.purging.places = true
	now := store.clock().Truncate(time.Microsecond)
	var changes []numberdb.Change
	const count = 6000
	for i := range count {
		put := storetest.Put(i%50, i, i)
		put.Binding.Session, put.Binding.Expires = 1, now.Add(-time.Hour)
		if i%5 == 0 {
			put.Binding.Expires = now.Add(time.Hour)
		}
		changes = append(changes, put)
	}
	storetest.Apply(t, store, changes...)
	sum := 0
	for round := false; !round; {
		purged, err := store.Purge(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		sum, round = sum+purged.Bindings, purged.Round
	}
	if left := len(storetest.Rows(t, store)); sum != count-count/5 || left != count/5 {
		t.Errorf("%d purged and %d left of %d", sum, left, count)
	}
	conn := connect(t, name)
	exec(t, conn, `ANALYZE maskline.bindings`)
	rows, err := conn.Query(t.Context(), `EXPLAIN `+fmt.Sprintf(purgeText, purgeTables[0].table, purgeTables[0].over, atPlaces),
		now.UnixMicro(), now.UnixMicro(), int64(0), int64(placeBlocks), purgeDelete)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if text := strings.Join(plan, "\n"); err != nil || strings.Contains(text, "Seq Scan") || strings.Count(text, "Tid Scan") != 2 {
		t.Errorf("%v\n%s", err, text)
	}
}

// Every connection is taken: what is not sent yet ends with its caller, or with the
// store, and not at the bound of all its statements.
func TestACommitThatWaitsForAConnectionEnds(t *testing.T) {
	for name, end := range map[string]func(s *Store, cancel func()){
		"the caller gives up": func(_ *Store, cancel func()) { cancel() },
		"the store is closed": func(s *Store, _ func()) { s.end() },
	} {
		t.Run(name, func(t *testing.T) {
			store, _ := newStore(t, func(c *Config) { c.Query = 5 * time.Minute })
			for range store.cfg.Connections {
				conn, err := store.pool.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Release()
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			w := groupOf(1)
			go func() {
				_, err := store.Commit(ctx, &w)
				ended <- err
			}()
			const soon = 300 * time.Millisecond // it waits by then
			later := time.AfterFunc(soon, func() { end(store, cancel) })
			defer later.Stop()
			select {
			case err := <-ended:
				if err == nil || errors.Is(err, numberdb.ErrOutcomeUnknown) {
					t.Errorf("ended with %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it waits on")
			}
		})
	}
}
