//go:build peers

package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

func contextWithCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	t.Helper()
	bounded, stop := context.WithTimeout(t.Context(), storetest.Deadline)
	t.Cleanup(stop)
	return context.WithCancelCause(bounded)
}

// A transaction with a low number that commits late is what pollers lose.
func TestALongTransactionDelaysAndLosesNothing(t *testing.T) {
	store, name := newStore(t, polling)
	storetest.Apply(t, store, storetest.Put(0, 0, 1))
	snapshot, err := store.Load(t.Context(), func(numberdb.Binding) {})
	if err != nil {
		t.Fatal(err)
	}
	long := connect(t, name)
	exec(t, long, `BEGIN`)
	put(t, long, store, storetest.Put(1, 7, 8))
	position := storetest.Apply(t, store, storetest.Put(2, 2, 3), storetest.Delete(0, 0))

	told := map[storetest.Key]bool{}
	committed := false
	done := errors.New("told")
	ctx, cancel := contextWithCause(t)
	err = store.Follow(ctx, snapshot.Position, func(batch numberdb.Batch) {
		for _, c := range batch.Changes {
			told[storetest.Key{c.Binding.Mask, c.Binding.Party}] = c.Deleted
		}
		switch {
		case !committed && (len(told) > 0 || batch.Position >= position):
			cancel(errors.New("told past a transaction that still ran"))
		case !committed && batch.Delay > 300*time.Millisecond:
			committed = true
			if _, err := long.Exec(t.Context(), `COMMIT`); err != nil {
				cancel(err)
			}
		case batch.Position >= position:
			cancel(done)
		}
	})
	if !errors.Is(err, done) {
		t.Fatal(err)
	}
	if _, ok := told[storetest.Key{storetest.Mask(1), storetest.Party(7)}]; !ok || len(told) != 3 {
		t.Fatalf("%d changes were told, the late one: %v", len(told), ok)
	}
}

// writers apply until they are stopped and remember what was acknowledged.
type writers struct {
	store   *Store
	group   sync.WaitGroup
	stop    chan struct{}
	acked   [4]map[storetest.Key]int // last acknowledged value; -1: deleted
	doubted [4]map[storetest.Key]bool
	commits atomic.Int64
	faults  atomic.Int64
}

func startWriters(t *testing.T, store *Store) *writers {
	t.Helper()
	w := &writers{store: store, stop: make(chan struct{})}
	for n := range w.acked {
		w.acked[n], w.doubted[n] = map[storetest.Key]int{}, map[storetest.Key]bool{}
		w.group.Go(func() { w.write(t, n) })
	}
	return w
}

func (w *writers) write(t *testing.T, n int) {
	random := rand.New(rand.NewPCG(uint64(n), 5))
	for value := 1; ; value++ {
		select {
		case <-w.stop:
			return
		default:
		}
		mask, party := 1+n*100+random.IntN(50), random.IntN(5)
		change := storetest.Put(mask, party, value)
		if random.IntN(4) == 0 {
			change = storetest.Delete(mask, party)
		}
		key := storetest.Key{storetest.Mask(mask), storetest.Party(party)}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := w.store.Apply(ctx, []numberdb.Change{change})
		cancel()
		switch {
		case err == nil:
			w.commits.Add(1)
			w.acked[n][key] = value
			if change.Deleted {
				w.acked[n][key] = -1
			}
			delete(w.doubted[n], key)
		case errors.Is(err, numberdb.ErrOutcomeUnknown):
			w.doubted[n][key] = true
			w.faults.Add(1)
		default:
			w.faults.Add(1)
		}
	}
}

// check compares what was acknowledged with the database, of writers that met
// faults.
func (w *writers) check(t *testing.T) {
	t.Helper()
	w.verify(t)
	if w.faults.Load() == 0 {
		t.Error("no writer met a fault")
	}
}

// verify ends the writers and compares what was acknowledged with the database.
func (w *writers) verify(t *testing.T) {
	t.Helper()
	close(w.stop)
	w.group.Wait()
	rows := storetest.Rows(t, w.store)
	for n := range w.acked {
		for key, value := range w.acked[n] {
			row, there := rows[key]
			if w.doubted[n][key] || there == (value > 0) && (!there || row.To.Number == storetest.Party(value)) {
				continue
			}
			t.Errorf("writer %d: an acknowledged change is not in the database", n)
		}
	}
	if w.commits.Load() == 0 {
		t.Error("nothing was committed")
	}
}

func (w *writers) waitForCommits(t *testing.T, more int64) {
	t.Helper()
	target := w.commits.Load() + more
	storetest.Eventually(t, "more commits", func() bool { return w.commits.Load() >= target })
}

func TestPostmasterKilledUnderWrites(t *testing.T) {
	store, _ := newStore(t, nil)
	follower := storetest.Follow(t, store)
	w := startWriters(t, store)
	for range 3 {
		w.waitForCommits(t, 50)
		loads := follower.Loads()
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		storetest.Eventually(t, "another load", func() bool { return follower.Loads() > loads })
	}
	w.waitForCommits(t, 50)
	w.check(t)
	follower.WaitEqual(t, store)
}

func TestConnectionsCutUnderWrites(t *testing.T) {
	store, name := newStore(t, nil)
	follower := storetest.Follow(t, store)
	w := startWriters(t, store)
	conn := connect(t, name)
	for range 15 {
		w.waitForCommits(t, 10)
		exec(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.7`)
	}
	w.waitForCommits(t, 10)
	w.check(t)
	follower.WaitEqual(t, store)
}

func TestTheTableEqualsTheDatabaseThroughFaults(t *testing.T) {
	store, name := newStore(t, nil)
	storetest.KeepsTable(t, store, func(round int) {
		conn := connect(t, name)
		put(t, conn, store, storetest.Put(1000+round, 1, 2))
		exec(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	})
}

func TestEveryQueryHasADeadline(t *testing.T) {
	store, name := newStore(t, func(c *Config) { c.Query = 300 * time.Millisecond })
	conn := connect(t, name)
	exec(t, conn, `BEGIN; LOCK TABLE maskline.bindings IN ACCESS EXCLUSIVE MODE`)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
	defer cancel()
	for name, call := range map[string]func() error{
		"apply": func() error {
			_, err := store.Apply(ctx, []numberdb.Change{storetest.Put(1, 1, 2)})
			return err
		},
		"load": func() error {
			_, err := store.Load(ctx, func(numberdb.Binding) {})
			return err
		},
		"follow": func() error { return store.Follow(ctx, 10, func(numberdb.Batch) {}) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := call(); err == nil || ctx.Err() != nil {
				t.Fatalf("ended with %v", err)
			}
		})
	}
}

func countChangelog(t *testing.T, conn *pgx.Conn) (rows int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM maskline.changelog`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTrim(t *testing.T) {
	store, name := newStore(t, func(c *Config) { c.Sync, c.Keep = Changelog, 500*time.Millisecond })
	behind, err := store.Load(t.Context(), func(numberdb.Binding) {})
	if err != nil {
		t.Fatal(err)
	}
	follower := storetest.Follow(t, store)
	for i := range 300 {
		storetest.Apply(t, store, storetest.Put(i, 1, 2))
	}
	conn := connect(t, name)
	storetest.Eventually(t, "an empty changelog", func() bool { return countChangelog(t, conn) == 0 })
	ctx, cancel := contextWithCause(t)
	defer cancel(nil)
	if err := store.Follow(ctx, behind.Position, func(batch numberdb.Batch) {
		t.Error("a follower below the trim was told something")
	}); !errors.Is(err, numberdb.ErrFeedLost) {
		t.Fatalf("a follower below the trim: %v", err)
	}
	follower.WaitFor(t, storetest.Apply(t, store, storetest.Put(1, 1, 3)))
	follower.WaitEqual(t, store)
	if follower.Loads() != 1 {
		t.Errorf("the follower that kept up loaded %d times", follower.Loads())
	}
}

func TestTrimStaysBelowARunningTransaction(t *testing.T) {
	store, name := newStore(t, func(c *Config) { c.Sync, c.Keep = Changelog, time.Microsecond })
	following := storetest.Follow(t, store)
	trimmer := &follower{store: store, conn: connect(t, name)}
	left := func() int {
		t.Helper()
		if err := trimmer.trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		return countChangelog(t, trimmer.conn)
	}
	long := connect(t, name)
	exec(t, long, `BEGIN`)
	put(t, long, store, storetest.Put(1, 7, 8))
	storetest.Apply(t, store, storetest.Put(2, 2, 3))
	if rows := left(); rows != 1 {
		t.Errorf("%d rows in the changelog, one of a transaction above the oldest", rows)
	}
	exec(t, long, `COMMIT`)
	// The last transaction that ended may count as running a moment longer.
	storetest.Eventually(t, "a changelog without old rows", func() bool { return left() == 0 })
	following.WaitEqual(t, store)
}

// A dump restored into a cluster whose transaction counter is lower.
func TestADumpRestoredElsewhere(t *testing.T) {
	store, name := newStore(t, polling)
	storetest.Apply(t, store, storetest.Put(1, 1, 2))
	exec(t, connect(t, name), `UPDATE maskline.feed SET trimmed = '99999999999';
		INSERT INTO maskline.changelog (xid, mask, party) VALUES ('99999999999', 1, NULL)`)
	follower := storetest.Follow(t, store)
	follower.WaitFor(t, storetest.Apply(t, store, storetest.Put(2, 1, 2)))
	follower.WaitEqual(t, store)
	if rows := countChangelog(t, connect(t, name)); follower.Loads() != 1 || rows > 2 {
		t.Fatalf("%d loads, %d rows in the changelog", follower.Loads(), rows)
	}
}

func TestManualMigrations(t *testing.T) {
	name := newDatabase(t)
	manual := openStore(t, name, func(c *Config) { c.ManualMigrations = true })
	defer manual.Close()
	if err := manual.Prepare(t.Context()); !errors.Is(err, numberdb.ErrSchemaOld) {
		t.Fatalf("an empty database: %v", err)
	}
	var left bool
	if err := connect(t, name).QueryRow(t.Context(), `SELECT to_regnamespace('maskline') IS NOT NULL`).Scan(&left); err != nil || left {
		t.Fatalf("the check changed the database: %v, %v", left, err)
	}
	// Edges that start together.
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if err := Migrate(t.Context(), Config{URL: server.URL(name), Keys: storetest.Keys()}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := manual.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := about(t, manual); err != nil || info.Kind != numberdb.Logical {
		t.Errorf("the publication was not made: %+v, %v", info, err)
	}
	storetest.Apply(t, manual, storetest.Put(1, 1, 2))
	// A newer schema is taken as it is.
	exec(t, connect(t, name), `INSERT INTO maskline.schema_version (version_id, is_applied) VALUES (99, true)`)
	for _, isManual := range []bool{true, false} {
		newer := openStore(t, name, func(c *Config) { c.ManualMigrations = isManual })
		if err := newer.Prepare(t.Context()); err != nil {
			t.Error(err)
		}
		newer.Close()
	}
	// An older one is not.
	exec(t, connect(t, name), `DELETE FROM maskline.schema_version`)
	older := openStore(t, name, func(c *Config) { c.ManualMigrations = true })
	defer older.Close()
	if _, err := older.Load(t.Context(), func(numberdb.Binding) {}); !errors.Is(err, numberdb.ErrSchemaOld) {
		t.Fatalf("an older schema: %v", err)
	}
}
