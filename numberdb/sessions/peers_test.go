//go:build peers

package sessions

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
	"maskline/numberdb/postgres"
	"maskline/numberdb/storetest"
	"maskline/testbench/pgtest"
)

// server is the cluster of all tests.
var server *pgtest.Server

func TestMain(m *testing.M) {
	inChild()
	os.Exit(pgtest.Main(m, &server))
}

func openURL(url string, now func() time.Time) (database, error) {
	store, err := postgres.Open(postgres.Config{URL: url, Keys: storetest.Keys(), Now: now})
	if err != nil {
		return nil, err
	}
	return store, store.Prepare(context.Background())
}

func newURL(t *testing.T, name string) string {
	t.Helper()
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return server.URL(name)
}

func TestKilledWhileMakingSessionsOnPostgres(t *testing.T) {
	url := newURL(t, "killed")
	watch, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watch.Close(context.WithoutCancel(t.Context())) }()
	killed(t, url, killRounds, func() {
		eventually(t, "the connections of the dead to end", func() bool {
			var others int
			if err := watch.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&others); err != nil {
				t.Fatal(err)
			}
			return others == 0
		})
	})
}

// postgresEdges are edges of one database, each with a store of its own.
func postgresEdges(t *testing.T, name string, count, masks int) (*world, []*running) {
	t.Helper()
	url := newURL(t, name)
	w := &world{clock: &clock{}, cfg: Config{Quarantine: time.Hour, Refresh: 100 * time.Millisecond}}
	var edges []*running
	for i := range count {
		store, err := openURL(url, w.now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		w.store = &faulty{database: store}
		edges = append(edges, w.edge(t))
		if i == 0 {
			edges[0].stock(t, numberdb.Pool{Name: "uk"}, masks)
		}
	}
	return w, edges
}

func TestTwoEdgesOnOnePostgres(t *testing.T) {
	w, edges := postgresEdges(t, "two", 2, 60)
	eventually(t, "the other edge to have the pool", func() bool { return len(edges[1].Masks("uk")) == 60 })
	race(t, w, edges, 16, 30, 10)
}

func TestSimultaneousCreationOnPostgres(t *testing.T) {
	w, edges := postgresEdges(t, "race", 1, 500)
	race(t, w, edges, 64, 50, 20)
}

func TestTwoEdgesChangeOneSessionOnPostgres(t *testing.T) {
	w, edges := postgresEdges(t, "changes", 2, 300)
	eventually(t, "the other edge to have the pool", func() bool { return len(edges[1].Masks("uk")) == 300 })
	t.Run("a group", func(t *testing.T) { joinOnTwoEdges(t, w, edges) })
	t.Run("new ones", func(t *testing.T) { newOnTwoEdges(t, w, edges) })
	t.Run("changes", func(t *testing.T) { changeOnTwoEdges(t, w, edges) })
}

func TestTwoEdgesAndAReplySlotOnPostgres(t *testing.T) {
	w, edges := postgresEdges(t, "slots", 2, 60)
	eventually(t, "the other edge to have the pool", func() bool { return len(edges[1].Masks("uk")) == 60 })
	slotOnTwoEdges(t, w, edges)
}
