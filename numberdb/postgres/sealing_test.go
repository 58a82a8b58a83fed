//go:build peers

package postgres

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// clearDatabase makes a database of schema 3.
func clearDatabase(t *testing.T, rows *storetest.ClearStore) string {
	t.Helper()
	name := newDatabase(t)
	cfg, err := pgx.ParseConfig(server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	if err := createSchema(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	p, err := provider(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, name)
	exec(t, conn, `BEGIN`)
	for _, text := range rows.SQL("maskline.", func(names []string) string { return "'{" + strings.Join(names, ",") + "}'" },
		func(at time.Time) string { return "'" + at.Format("2006-01-02 15:04:05.999999+00") + "'" }) {
		exec(t, conn, text)
	}
	// A row that made no binding was never used.
	exec(t, conn, `INSERT INTO maskline.bindings (mask, party, to_kind, to_value, present, services) VALUES ('441110000009', '*', 'sip', 'a@b@c', '441110000009', 'voice')`)
	exec(t, conn, `COMMIT; ANALYZE`)
	return name
}

func dump(t *testing.T, name string) []byte {
	t.Helper()
	data, err := server.Dump(t.Context(), name)
	if err != nil || len(data) < 10_000 {
		t.Fatalf("%d octets dumped, %v", len(data), err)
	}
	return data
}

func TestADatabaseInClearIsSealed(t *testing.T) {
	rows := storetest.NewClearStore(1000)
	scanner := storetest.NewScanner(rows.Numbers)
	name := clearDatabase(t, rows)
	if found := scanner.Found(dump(t, name)); found != len(rows.Numbers) {
		t.Fatalf("the scan finds %d of %d numbers where they stand in clear", found, len(rows.Numbers))
	}
	// Edges that start together make one key.
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if err := Migrate(t.Context(), Config{URL: server.URL(name), Keys: storetest.Keys()}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if found := scanner.Found(dump(t, name)); found != 0 {
		t.Errorf("%d numbers in clear after the migration", found)
	}
	store := openStore(t, name, nil)
	defer store.Close()
	follower := storetest.Follow(t, store)
	if diff := cmp.Diff(rows.Bindings, storetest.Rows(t, store)); diff != "" {
		t.Fatal(diff)
	}
	got, want := map[numberdb.Restriction]bool{}, map[numberdb.Restriction]bool{}
	if _, err := store.ReadRestrictions(t.Context(), 0, func(c numberdb.RestrictionChange) { got[c.Restriction] = c.Lifted }); err != nil {
		t.Fatal(err)
	}
	for r, lifted := range rows.Restrictions {
		if !lifted {
			want[r] = false
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	var lifted int
	conn := connect(t, name)
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM maskline.restrictions WHERE lifted`).Scan(&lifted); err != nil || lifted == 0 {
		t.Fatalf("%d lifted restrictions were kept, %v", lifted, err)
	}
	// What is written from here on shows nothing either.
	var changes []numberdb.Change
	for _, b := range rows.Bindings {
		changes = append(changes, numberdb.Change{Binding: b})
	}
	follower.WaitFor(t, storetest.Apply(t, store, changes...))
	if found := scanner.Found(dump(t, name)); found != 0 {
		t.Errorf("%d numbers in clear after writing", found)
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	store, name := newStore(t, nil)
	storetest.Apply(t, store, storetest.Put(1, 1, 2))
	foreign := openStore(t, name, func(c *Config) { c.Keys = storetest.MasterKey("1").Wrapper() })
	defer foreign.Close()
	if err := foreign.CheckKey(t.Context()); !errors.Is(err, numberdb.ErrAnotherKey) {
		t.Errorf("the check: %v", err)
	}
	if _, err := foreign.Apply(t.Context(), []numberdb.Change{storetest.Delete(1, 1)}); !errors.Is(err, numberdb.ErrAnotherKey) {
		t.Errorf("writing: %v", err)
	}
	if _, err := foreign.Load(t.Context(), func(numberdb.Binding) {}); !errors.Is(err, numberdb.ErrAnotherKey) {
		t.Errorf("loading: %v", err)
	}
	if _, err := Open(Config{URL: server.URL(name)}); !errors.Is(err, numberdb.ErrNoKey) {
		t.Errorf("opened without a key: %v", err)
	}
	if err := store.CheckKey(t.Context()); err != nil || len(storetest.Rows(t, store)) != 1 {
		t.Errorf("the right key: %v", err)
	}
	empty := openStore(t, newDatabase(t), nil)
	defer empty.Close()
	if err := empty.CheckKey(t.Context()); err != nil {
		t.Errorf("a database without key: %v", err)
	}
}

// An older edge on a newer schema, which has only more columns and tables.
func TestColumnsOfANewerVersion(t *testing.T) {
	store, name := newStore(t, nil)
	storetest.Apply(t, store, storetest.Put(3, 1, 2))
	for _, table := range []string{"bindings", "restrictions", "keys", "changelog", "feed"} {
		exec(t, connect(t, name), `ALTER TABLE maskline.`+table+` ADD COLUMN later text NOT NULL DEFAULT 'x'`)
	}
	started := openStore(t, name, func(c *Config) { c.ManualMigrations = true })
	defer started.Close()
	for _, old := range []*Store{store, started} {
		follower := storetest.Follow(t, old)
		storetest.Apply(t, old, storetest.Put(1, 1, 2), storetest.Put(2, 1, 2))
		follower.WaitFor(t, storetest.Apply(t, old, storetest.Put(1, 1, 3), storetest.Delete(2, 1)))
		follower.WaitEqual(t, old)
		if err := old.ApplyRestrictions(t.Context(), []numberdb.RestrictionChange{block(1, 1)}); err != nil {
			t.Fatal(err)
		}
		told := 0
		if _, err := old.ReadRestrictions(t.Context(), 0, func(numberdb.RestrictionChange) { told++ }); err != nil || told != 1 {
			t.Fatalf("%d restrictions, %v", told, err)
		}
		follower.Stop()
	}
}
