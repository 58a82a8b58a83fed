//go:build peers

package postgres

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
	"maskline/testbench/pgtest"
)

// about opens a feed and tells what it is.
func about(t *testing.T, store *Store) (numberdb.FeedInfo, error) {
	t.Helper()
	feed, err := store.Feed(t.Context(), 0)
	if err != nil {
		return numberdb.FeedInfo{}, err
	}
	info := feed.About()
	if err := feed.Close(); err != nil {
		t.Error(err)
	}
	return info, nil
}

// Where the server or the role forbids logical replication, auto says why and
// takes the changelog; logical refuses.
func TestWhatLogicalReplicationNeeds(t *testing.T) {
	small, err := pgtest.Start(t.Context(), "wal_level=logical", "max_wal_senders=5", "max_replication_slots=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := small.Stop(); err != nil {
			t.Error(err)
		}
	})
	at := func(cfg *Config) { cfg.URL = small.URL("postgres") }
	prepared := openStore(t, "", at)
	if err := prepared.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	sql := func(text string) {
		t.Helper()
		if err := small.Exec(t.Context(), "postgres", text); err != nil {
			t.Fatal(err)
		}
	}
	sql(`CREATE ROLE serves LOGIN; GRANT USAGE ON SCHEMA maskline TO serves;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA maskline TO serves`)
	serving := func(cfg *Config) {
		at(cfg)
		cfg.URL, cfg.ManualMigrations = strings.Replace(cfg.URL, "postgres@", "serves@", 1), true
	}
	for _, c := range []struct {
		name, setUp, reason string
		change              func(*Config)
	}{
		{"no publication, and none may be made", `SELECT`, "there is no publication maskline; run maskline migrate", serving},
		{"a role that may not replicate", `CREATE PUBLICATION maskline FOR TABLE maskline.bindings`, "REPLICATION", serving},
		{"a publication of less", `ALTER PUBLICATION maskline SET (publish = 'insert')`, "does not publish all changes", at},
		{
			"no slot left", `ALTER PUBLICATION maskline SET (publish = 'insert, update, delete, truncate');
			SELECT pg_create_physical_replication_slot('taken')`, "max_replication_slots", at,
		},
		{"a lower wal_level", `SELECT pg_drop_replication_slot('taken')`, "wal_level is replica", at},
	} {
		t.Run(c.name, func(t *testing.T) {
			sql(c.setUp)
			if strings.Contains(c.reason, "wal_level") {
				if err := small.Reconfigure(t.Context(), "wal_level=replica"); err != nil {
					t.Fatal(err)
				}
			}
			for _, way := range []Sync{Auto, Logical} {
				store := openStore(t, "", func(cfg *Config) {
					c.change(cfg)
					cfg.Sync = way
				})
				info, err := about(t, store)
				switch way {
				case Auto:
					if err != nil || info.Kind != numberdb.Changelog || !strings.Contains(info.Reason, c.reason) {
						t.Errorf("auto: %+v, %v", info, err)
					}
				default:
					if err == nil || !strings.Contains(err.Error(), c.reason) {
						t.Errorf("logical: %+v, %v", info, err)
					}
				}
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A slot waits for every transaction that writes: meanwhile the changelog feeds.
func TestALongTransactionBeforeTheSlot(t *testing.T) {
	short := func(c *Config) { c.Query = 500 * time.Millisecond }
	store, name := newStore(t, short)
	storetest.Apply(t, store, storetest.Put(1, 1, 2))
	long := connect(t, name)
	exec(t, long, `BEGIN; SELECT pg_current_xact_id()`)
	info, err := about(t, store)
	if err != nil || info.Kind != numberdb.Changelog || !strings.Contains(info.Reason, "open for long") {
		t.Fatalf("%+v, %v", info, err)
	}
	follower := storetest.Follow(t, store)
	follower.WaitEqual(t, store)
	exec(t, long, `COMMIT`)
	// No walsender may be left waiting.
	conn := connect(t, name)
	storetest.Eventually(t, "no replication connection", func() bool { return walsenders(t, conn, name) == 0 })
	if info, err := about(t, store); err != nil || info.Kind != numberdb.Logical {
		t.Fatalf("%+v, %v", info, err)
	}
}

func walsenders(t *testing.T, conn *pgx.Conn, database string) (count int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender' AND datname = $1`, database).
		Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// Once it streams, a long transaction delays nobody.
func TestALongTransactionBesideTheStream(t *testing.T) {
	store, name := newStore(t, replicating)
	follower := storetest.Follow(t, store)
	long := connect(t, name)
	exec(t, long, `BEGIN`)
	put(t, long, store, storetest.Put(7, 7, 8))
	follower.WaitFor(t, storetest.Apply(t, store, storetest.Put(1, 1, 2), storetest.Put(2, 2, 3)))
	exec(t, long, `COMMIT`)
	follower.WaitEqual(t, store)
	if follower.Loads() != 1 {
		t.Errorf("loaded %d times", follower.Loads())
	}
}

// What the stream cannot tell makes the table be loaded again.
func TestTheTableIsMadeAnew(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"TRUNCATE", `TRUNCATE maskline.bindings`},
		{"a migration adds a column", `ALTER TABLE maskline.bindings ADD COLUMN note text NOT NULL DEFAULT 'x'`},
		{"rows are written anew", `VACUUM FULL maskline.bindings`},
		{"a table dropped and made again", `CREATE TABLE copy (LIKE maskline.bindings INCLUDING ALL); DROP TABLE maskline.bindings;
			ALTER TABLE copy RENAME TO bindings; ALTER TABLE bindings SET SCHEMA maskline; ALTER PUBLICATION maskline ADD TABLE maskline.bindings`},
		{"another publication of the name", `DROP PUBLICATION maskline; CREATE PUBLICATION maskline`},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, name := newStore(t, func(c *Config) { c.Watch = 200 * time.Millisecond })
			storetest.Apply(t, store, storetest.Put(1, 1, 2), storetest.Put(2, 2, 3))
			follower := storetest.Follow(t, store)
			conn := connect(t, name)
			for _, statement := range strings.Split(c.sql, ";") {
				exec(t, conn, statement)
			}
			storetest.Apply(t, store, storetest.Put(3, 3, 4), storetest.Delete(2, 2))
			storetest.Eventually(t, "another load", func() bool { return follower.Loads() > 1 })
			follower.WaitEqual(t, store)
		})
	}
}

func TestBigTransactionsAreToldInParts(t *testing.T) {
	store, name := newStore(t, replicating)
	feed := storetest.Opened(t, store)
	var changes []numberdb.Change
	for i := range 5000 {
		changes = append(changes, storetest.Put(i, 1, 2))
	}
	put(t, connect(t, name), store, changes...)
	done := errors.New("told")
	ctx, cancel := contextWithCause(t)
	told, most := 0, 0
	if err := feed.Follow(ctx, func(batch numberdb.Batch) {
		most = max(most, len(batch.Changes))
		if told += len(batch.Changes); told == len(changes) {
			cancel(done)
		}
	}); !errors.Is(err, done) {
		t.Fatal(err)
	}
	if most > batchRows {
		t.Errorf("%d changes at once", most)
	}
}

// A named slot goes on after a loss of the connection, and is made anew where
// it was dropped or belongs to a process of before.
func TestANamedSlotGoesOn(t *testing.T) {
	named := func(c *Config) { c.Sync, c.Slot = Logical, "edge_1" }
	store, name := newStore(t, named)
	follower := storetest.Follow(t, store)
	conn := connect(t, name)
	cut := func() {
		exec(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walsender' AND datname = current_database()`)
		storetest.Eventually(t, "the end of the walsender", func() bool {
			var active bool
			err := conn.QueryRow(t.Context(), `SELECT coalesce(bool_or(active), false) FROM pg_replication_slots WHERE slot_name = 'edge_1'`).Scan(&active)
			return err == nil && !active || walsenders(t, conn, name) > 0
		})
	}
	for i := range 3 {
		storetest.Apply(t, store, storetest.Put(i, 1, 2))
		cut()
		storetest.Apply(t, store, storetest.Put(i, 2, 3), storetest.Delete(i, 1))
	}
	follower.WaitFor(t, storetest.Apply(t, store, storetest.Put(9, 1, 2)))
	follower.WaitEqual(t, store)
	if follower.Loads() != 1 {
		t.Errorf("loaded %d times, though the slot was there", follower.Loads())
	}
	follower.Stop()
	storetest.Eventually(t, "a slot that is dropped", func() bool {
		_, err := conn.Exec(t.Context(), `SELECT pg_drop_replication_slot('edge_1')`)
		return err == nil
	})
	again := storetest.Follow(t, store)
	again.WaitFor(t, storetest.Apply(t, store, storetest.Put(9, 1, 3)))
	again.WaitEqual(t, store)
	again.Stop()
	storetest.Eventually(t, "a slot that nobody reads is told", func() bool {
		slots, err := store.lookAtSlots(t.Context())
		return err == nil && slots.Inactive == 1
	})
	exec(t, conn, `SELECT pg_drop_replication_slot('edge_1')`)
}

func TestTemporarySlotsLeaveNothing(t *testing.T) {
	store, name := newStore(t, replicating)
	for range 3 {
		follower := storetest.Follow(t, store)
		follower.WaitFor(t, storetest.Apply(t, store, storetest.Put(1, 1, 2)))
		follower.Stop()
	}
	if _, err := about(t, store); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, name)
	storetest.Eventually(t, "no slot", func() bool {
		var slots int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_replication_slots WHERE database = current_database()`).Scan(&slots)
		return err == nil && slots == 0
	})
}

func TestCompareWithPostgres(t *testing.T) {
	store, name := newStore(t, replicating)
	for i := range 300 {
		storetest.Apply(t, store, storetest.Put(i, i%7, i))
	}
	conn := connect(t, name)
	exec(t, conn, `UPDATE maskline.bindings SET sealed = 'x' WHERE mask = $1`, int64(storetest.Mask(5)))
	const parts = 16
	sums, position, err := store.Sums(t.Context(), parts)
	if err != nil || position == 0 {
		t.Fatal(err)
	}
	want, digests := make([]numberdb.Sum, parts), map[numberdb.BindingKey]uint64{}
	for key, b := range rowsOf(t, store) {
		digests[numberdb.BindingKey{Mask: key[0], Party: key[1]}] = store.Digest(&b)
		want[numberdb.PartOf(b.Mask, parts)].Add(store.Digest(&b))
	}
	altered := storetest.Put(5, 5, 5).Binding
	want[numberdb.PartOf(altered.Mask, parts)].Add(store.Digest(&altered))
	for part := range want {
		if want[part] != sums[part] {
			t.Errorf("part %d: %+v, expected %+v", part, sums[part], want[part])
		}
	}
	all := make([]int, parts)
	for i := range all {
		all[i] = i
	}
	told := 0
	if _, err := store.Digests(t.Context(), parts, all, func(key numberdb.BindingKey, digest uint64) {
		told++
		if want, there := digests[key]; there && want != digest {
			t.Error("a row's digest is not its binding's")
		}
	}); err != nil || told != 300 {
		t.Fatalf("%d digests, %v", told, err)
	}
	var found []numberdb.Binding
	keys := []numberdb.BindingKey{
		{Mask: storetest.Mask(3), Party: storetest.Party(3)}, {Mask: altered.Mask, Party: altered.Party}, {Mask: storetest.Mask(999), Party: 0},
	}
	if _, err := store.Find(t.Context(), keys, func(b numberdb.Binding) { found = append(found, b) }); err != nil || len(found) != 1 ||
		found[0].Mask != storetest.Mask(3) {
		t.Fatalf("%d found, %v", len(found), err)
	}
}

func rowsOf(t *testing.T, store *Store) map[storetest.Key]numberdb.Binding {
	t.Helper()
	var mu sync.Mutex
	rows := map[storetest.Key]numberdb.Binding{}
	if _, err := store.Load(t.Context(), func(b numberdb.Binding) {
		mu.Lock()
		defer mu.Unlock()
		rows[storetest.Key{b.Mask, b.Party}] = b
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}
