package sessions

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// race lets clients of some edges make sessions for the same few people at once,
// and end some of them. No person may have a mask twice: by what the clients were
// told, and by the store.
func race(t *testing.T, w *world, edges []*running, clients, each, people int) {
	t.Helper()
	var mu sync.Mutex
	held := map[numberdb.BindingKey]numberdb.ID{}
	made, refused := 0, 0
	take := func(s *numberdb.Session) {
		mu.Lock()
		defer mu.Unlock()
		made++
		for _, b := range allocator.Bindings(s) {
			if other, taken := held[b.Key()]; taken {
				t.Errorf("sessions %x and %x have one mask for one person", other, s.ID)
			}
			held[b.Key()] = s.ID
		}
	}
	var racing sync.WaitGroup
	for c := range clients {
		racing.Go(func() {
			r := edges[c%len(edges)]
			random := rand.New(rand.NewPCG(uint64(c), 5))
			for range each {
				a := random.IntN(people)
				s, err := r.Create(t.Context(), between(a, (a+1+random.IntN(people-1))%people))
				var exhausted *allocator.Exhausted
				var conflict *numberdb.Conflict
				switch {
				case err == nil:
					take(&s)
				case errors.As(err, &exhausted), errors.As(err, &conflict) && len(edges) > 1:
					mu.Lock()
					refused++
					mu.Unlock()
					continue
				default:
					t.Error(err)
					return
				}
				if random.IntN(4) == 0 {
					if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	racing.Wait()
	if made < clients {
		t.Errorf("only %d sessions, %d refused", made, refused)
	}
	t.Logf("%d sessions, %d refused", made, refused)
	rows := w.rows(t)
	if len(rows) != len(held) {
		t.Errorf("%d rows for %d that were given", len(rows), len(held))
	}
	for key, session := range held { // an end keeps the row
		if row, found := rows[key]; !found || row.Session != session {
			t.Errorf("a row of session %x is %x's, there: %v", session, row.Session, found)
		}
	}
	for _, r := range edges {
		consistent(t, w, r)
	}
}

// consistent compares an edge's memory with the store: who lives has a row that
// lives, on both sides.
func consistent(t *testing.T, w *world, r *running) {
	t.Helper()
	sessions := storedSessions(t, w)
	now := w.now()
	eventually(t, "the engine to hold as many as the store", func() bool {
		live := 0
		for key, b := range w.rows(t) {
			if key.Party != 0 && b.Live(w.now()) {
				live++
			}
		}
		held, _, _ := r.poolReport("uk")
		return live == held && r.table.Len() == len(w.rows(t))
	})
	for key, b := range w.rows(t) {
		s, known := sessions[b.Session]
		if !known || b.Live(now) && !s.Live(now) {
			t.Errorf("a binding lives without its session %x", b.Session)
		}
		if got, _ := r.table.Lookup(key.Mask, key.Party, time.Unix(0, 0)); got.Session != b.Session {
			t.Errorf("the table has session %x, the store %x", got.Session, b.Session)
		}
	}
	for id, s := range sessions {
		if !s.Live(now) {
			continue
		}
		for _, want := range allocator.Bindings(&s) {
			b, status := r.table.Lookup(want.Mask, want.Party, now)
			if !status.Found() || b.Session != id || b.To.Number != want.To.Number || b.Present.Canonical() != want.Present.Canonical() {
				t.Errorf("session %x lives without a binding of its: %v", id, status)
			}
		}
	}
}

func storedSessions(t *testing.T, w *world) map[numberdb.ID]numberdb.Session {
	t.Helper()
	all := map[numberdb.ID]numberdb.Session{}
	query := numberdb.SessionQuery{Limit: 10_000}
	for {
		page, err := w.store.Sessions(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page {
			all[s.ID] = s
		}
		if len(page) < query.Limit {
			return all
		}
		query.After = page[len(page)-1].ID
	}
}

// What others document as a race of their product: sessions for the same people
// made at the same time. 64 clients, some 3,000 sessions, 20 people.
func TestSimultaneousCreationForTheSamePeople(t *testing.T) {
	w, r := start(t, 500)
	race(t, w, []*running{r}, 64, 50, 20)
}
