package sessions

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
	"maskline/numberdb/sqlite"
	"maskline/numberdb/storetest"
)

// childVariable names the directory of the store, or its URL, to a child of this
// test.
const childVariable = "MASKLINE_TEST_SESSIONS"

// inChild makes and ends sessions until it is killed, if this is a child. It
// tells of each when it is answered.
func inChild() {
	where := os.Getenv(childVariable)
	if where == "" {
		return
	}
	store, err := open(where, time.Now)
	if err != nil {
		panic(err)
	}
	table := numberdb.NewTable()
	syncer, err := numberdb.NewSyncer(store, table, numberdb.SyncConfig{}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	owner, err := New(Config{Quarantine: time.Hour}, store, syncer, table, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	syncer.Observe(owner.Observer())
	go func() { _ = syncer.Run(context.Background()) }()
	go func() { _ = owner.Run(context.Background()) }()
	for range 8 {
		go work8(owner)
	}
	select {}
}

// open opens a store by its directory, or by its URL.
func open(where string, now func() time.Time) (database, error) {
	if strings.Contains(where, "://") {
		return openURL(where, now)
	}
	return sqlite.Open(context.Background(), sqlite.Config{Dir: where, Keys: storetest.Keys(), Now: now})
}

// work8 is one of the clients in a child.
func work8(owner *Owner) {
	ctx := context.Background()
	for {
		a := rand.IntN(60)
		q := between(a, (a+1+rand.IntN(59))%60)
		if rand.IntN(5) == 0 {
			q = &Request{Pool: "uk", Shape: numberdb.Lease, Sides: between(a).Sides}
		}
		s, err := owner.Create(ctx, q)
		var exhausted *allocator.Exhausted
		if errors.As(err, &exhausted) {
			continue
		}
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(os.Stdout, "made %x\n", uint64(s.ID))
		if rand.IntN(2) == 0 {
			if _, err := owner.End(ctx, "", s.ID, numberdb.Released); err != nil {
				panic(err)
			}
			fmt.Fprintf(os.Stdout, "ended %x\n", uint64(s.ID))
		}
	}
}

// killed kills children while they make sessions, at random times. What they told
// of is there afterwards, nothing has half a session or a mask for two, and the
// next edge holds what the store does. Before each look quiet waits until nobody
// writes any more: a server may still commit what a dead child has sent.
func killed(t *testing.T, where string, rounds int, quiet func()) {
	w := &world{clock: &clock{}, cfg: Config{Quarantine: time.Hour, Refresh: 100 * time.Millisecond}}
	reopen(t, w, where, func(r *running) { r.stock(t, numberdb.Pool{Name: "uk"}, 3000) })
	random := rand.New(rand.NewPCG(9, 9))
	told := map[numberdb.ID]bool{} // whether it was ended
	for range rounds {
		before := len(told)
		runChild(t, where, time.Duration(random.IntN(60_000))*time.Microsecond, told)
		quiet()
		if len(told) < before+3 {
			t.Fatal("the child made nothing")
		}
		reopen(t, w, where, func(r *running) { agree(t, w, r, told) })
	}
	t.Logf("%d sessions in %d rounds", len(told), rounds)
}

// reopen runs an edge on the store for a while.
func reopen(t *testing.T, w *world, where string, do func(*running)) {
	t.Helper()
	store, err := open(where, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.store = &faulty{database: store}
	r := w.edge(t)
	do(r)
	r.stop()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func runChild(t *testing.T, where string, life time.Duration, told map[numberdb.ID]bool) {
	t.Helper()
	for _, line := range storetest.ToldUntilKilled(t, []string{childVariable + "=" + where}, 6, life) { // it is at work by then
		var what string
		var id uint64
		if _, err := fmt.Sscanf(line, "%s %x", &what, &id); err != nil {
			t.Fatal(err)
		}
		told[numberdb.ID(id)] = what == "ended"
	}
}

func agree(t *testing.T, w *world, r *running, told map[numberdb.ID]bool) {
	t.Helper()
	eventually(t, "the edge to begin", r.isReadyNow)
	all := storedSessions(t, w)
	for id, ended := range told {
		s, found := all[id]
		if !found || ended && s.Ended != numberdb.Released {
			t.Fatalf("session %x was acknowledged, ended %v; found %v, ended by %v", id, ended, found, s.Ended)
		}
	}
	consistent(t, w, r)
	leased := map[numberdb.BindingKey]bool{}
	for id, s := range all {
		if s.Shape == numberdb.Lease && s.Live(w.now()) {
			key := numberdb.BindingKey{Mask: s.Participants[0].Dial.Canonical()}
			if leased[key] {
				t.Fatalf("session %x leases what another one does", id)
			}
			leased[key] = true
		}
	}
	rows := w.rows(t)
	for _, m := range r.Masks("uk") {
		key := numberdb.BindingKey{Mask: m.Number}
		row, found := rows[key]
		if leased[key] != (m.State == numberdb.Held) || (found && row.Live(w.now())) != leased[key] {
			t.Fatalf("a mask is %v, leased: %v", m.State, leased[key])
		}
	}
}

func TestKilledWhileMakingSessions(t *testing.T) { killed(t, t.TempDir(), killRounds, func() {}) }
