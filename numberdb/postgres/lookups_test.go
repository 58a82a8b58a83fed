//go:build peers

package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
	"maskline/testbench/await"
)

// waitingLookups waits until so many wait for the next query.
func waitingLookups(t *testing.T, store *Store, want int) {
	t.Helper()
	storetest.Eventually(t, "reads that wait", func() bool {
		store.lookups.mu.Lock()
		defer store.lookups.mu.Unlock()
		return len(store.lookups.waiting) == want
	})
}

// startLookups begins reads, which the server holds up, and returns their outcomes.
func startLookups(ctx context.Context, t *testing.T, store *Store, n int) <-chan error {
	t.Helper()
	ended := make(chan error, n)
	for i := range n {
		go func() {
			found, err := store.Sessions(ctx, numberdb.SessionQuery{ID: storetest.Session(i % 10).ID})
			if err == nil && (len(found) != 1 || found[0].ID != storetest.Session(i%10).ID) {
				err = errors.New("another session")
			}
			ended <- err
		}()
	}
	return ended
}

// Reads by id that come while others are at the server are one query; the deadline of
// one caller ends its own wait, and an error of the server reaches all of a query.
func TestReadsByIDAreJoined(t *testing.T) {
	store, name := newStore(t, func(c *Config) { c.Query = 3 * time.Second })
	for i := range 10 {
		storetest.Commit(t, store, numberdb.Writes{Sessions: []numberdb.Session{storetest.Session(i)}})
	}
	const many = 40
	conn := connect(t, name)
	exec(t, conn, `BEGIN; LOCK TABLE maskline.sessions`)
	var first [lookupQueries]<-chan error
	for i := range first {
		first[i] = startLookups(t.Context(), t, store, 1)
		storetest.Eventually(t, "a query at the server", func() bool {
			store.lookups.mu.Lock()
			defer store.lookups.mu.Unlock()
			return store.lookups.reading == i+1 && len(store.lookups.waiting) == 0
		})
	}
	others := startLookups(t.Context(), t, store, many)
	waitingLookups(t, store, many)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := await.From(t, storetest.Deadline, "a read that gives up", startLookups(short, t, store, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	waitingLookups(t, store, many)
	exec(t, conn, `COMMIT`)
	for _, ended := range first {
		if err := await.From(t, storetest.Deadline, "a first read", ended); err != nil {
			t.Error(err)
		}
	}
	for range many {
		if err := await.From(t, storetest.Deadline, "the others", others); err != nil {
			t.Error(err)
		}
	}

	exec(t, conn, `BEGIN; LOCK TABLE maskline.sessions`)
	refused := startLookups(t.Context(), t, store, many)
	for range many {
		if err := await.From(t, 2*storetest.Deadline, "reads that the server refuses", refused); err == nil {
			t.Error("read under a lock")
		}
	}
	exec(t, conn, `COMMIT`)
}

// BenchmarkSessionByID is by 64 at a time.
func BenchmarkSessionByID(b *testing.B) {
	const sessions = 50_000
	store, name := newStore(b, nil)
	for from := 0; from < sessions; from += 1000 {
		var w numberdb.Writes
		for i := range 1000 {
			w.Sessions = append(w.Sessions, storetest.Session(from+i))
		}
		storetest.Commit(b, store, w)
	}
	exec(b, connect(b, name), `VACUUM ANALYZE maskline.sessions`)
	b.ReportAllocs()
	b.SetParallelism(32) // for each of two cores
	before := storetest.CPUTime()
	var seed atomic.Int64
	b.RunParallel(func(p *testing.PB) {
		i := int(seed.Add(7919))
		for p.Next() {
			id := storetest.FirstSession + numberdb.ID(i%sessions)
			found, err := store.Sessions(context.Background(), numberdb.SessionQuery{ID: id, Limit: 1})
			if err != nil || len(found) != 1 || found[0].ID != id {
				b.Error(len(found), err)
				return
			}
			i += 104729
		}
	})
	b.ReportMetric(float64(storetest.CPUTime()-before)/float64(b.N)/1000, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}
