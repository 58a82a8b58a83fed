//go:build peers

package postgres

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
	"maskline/testbench/pgtest"
)

// server is the cluster of all tests; each test has its own database.
var (
	server    *pgtest.Server
	databases atomic.Int64
)

func TestMain(m *testing.M) {
	if url := os.Getenv(commitVariable); url != "" {
		commitInChild(url)
	}
	os.Exit(pgtest.Main(m, &server))
}

// newDatabase makes an empty database and returns its name.
func newDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return name
}

func opener(name string, change func(*Config)) storetest.Database {
	return func(t *testing.T) numberdb.Store { return openStore(t, name, change) }
}

func openStore(t testing.TB, name string, change func(*Config)) *Store {
	t.Helper()
	cfg := Config{URL: server.URL(name), Keys: storetest.Keys()}
	if change != nil {
		change(&cfg)
	}
	store, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// newStore opens a store of a new database until the test ends.
func newStore(t testing.TB, change func(*Config)) (*Store, string) {
	t.Helper()
	name := newDatabase(t)
	store := openStore(t, name, change)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store, name
}

// connect is another client of the database: an operator's or a team's.
func connect(t testing.TB, name string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx) // it may be broken on purpose
	})
	return conn
}

func exec(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// polling feeds by the changelog.
func polling(c *Config) { c.Sync = Changelog }

// replicating feeds by logical replication or not at all.
func replicating(c *Config) { c.Sync = Logical }

func TestContract(t *testing.T) {
	for name, change := range map[string]func(*Config){"changelog": polling, "logical": replicating} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Database { return opener(newDatabase(t), change) })
		})
	}
}

// put writes bindings by another connection, as another edge does.
func put(t testing.TB, conn *pgx.Conn, store *Store, changes ...numberdb.Change) {
	t.Helper()
	exec(t, conn, upsert, writeRows(byKey(store.vault, changes).puts)...)
}
