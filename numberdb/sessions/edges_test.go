package sessions

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// twoEdges are two edges on one store, as far as one process can be two.
func twoEdges(t *testing.T, masks int) (*world, []*running) {
	t.Helper()
	w, r := start(t, masks)
	edges := []*running{r, w.edge(t)}
	eventually(t, "the other edge to have the pool", func() bool { return len(edges[1].Masks("uk")) == masks })
	return w, edges
}

// known waits until an edge knows a session's bindings.
func (r *running) known(t *testing.T, s *numberdb.Session) {
	t.Helper()
	eventually(t, "the other edge to know the session", func() bool { return len(r.engine.Keys(s.ID)) == len(allocator.Bindings(s)) })
}

// atOnce runs operations beside one another.
func atOnce(operations ...func()) {
	var running sync.WaitGroup
	for _, do := range operations {
		running.Go(do)
	}
	running.Wait()
}

// What one edge has made another one changes at once, before the feed has told it.
func newOnTwoEdges(t *testing.T, w *world, edges []*running) {
	t.Helper()
	const rounds = 30
	for i := range rounds {
		q := between(2*i, 2*i+1)
		q.Shape = numberdb.Group
		s := create(t, edges[0], q)
		if _, err := edges[1].Join(t.Context(), "", s.ID, Side{Number: party(1000 + i)}); err != nil {
			t.Errorf("join: %v", err)
		}
		s = create(t, edges[0], between(2*i, 2*i+1))
		if _, err := edges[1].Extend(t.Context(), "", s.ID, 2*time.Hour); err != nil {
			t.Errorf("extend: %v", err)
		}
		s = create(t, edges[0], between(2*i, 2*i+1))
		if _, err := edges[1].Rotate(t.Context(), "", s.ID); err != nil {
			t.Errorf("rotate: %v", err)
		}
	}
	whole(t, w)
}

// whole wants each session of the store to live with all of its bindings, or with
// none of them.
func whole(t *testing.T, w *world) {
	t.Helper()
	sessions, rows, now := storedSessions(t, w), w.rows(t), w.now()
	for key, b := range rows {
		if s := sessions[b.Session]; b.Live(now) && !s.Live(now) {
			t.Errorf("a binding of session %x lives, which ended by %v", b.Session, s.Ended)
		} else if b.Live(now) && !s.Has(key.Party) && key.Party != 0 && !isPublic(&s) {
			t.Errorf("a binding of session %x lives for nobody of it", b.Session)
		}
	}
	live := map[numberdb.ID]int{}
	for _, b := range rows {
		if b.Live(now) {
			live[b.Session]++
		}
	}
	for id, s := range sessions {
		if !s.Live(now) {
			continue
		}
		want := allocator.Bindings(&s)
		for _, b := range want {
			if row := rows[b.Key()]; row.Session != id || !row.Expires.Equal(s.Expires) || row.Present.Canonical() != b.Present.Canonical() {
				t.Errorf("session %x lives without a binding of its, or with one of other times", id)
			}
		}
		if live[id] != len(want) && !isPublic(&s) {
			t.Errorf("session %x has %d live bindings, not %d", id, live[id], len(want))
		}
	}
}

// Nobody who was told that he joined is lost, though two edges add to one group.
func joinOnTwoEdges(t *testing.T, w *world, edges []*running) {
	t.Helper()
	const joining = 12
	q := between(0, 1)
	q.Shape = numberdb.Group
	s := create(t, edges[0], q)
	edges[1].known(t, &s)
	joined := make([]bool, joining)
	var operations []func()
	for i := range joined {
		operations = append(operations, func() {
			_, err := edges[i%2].Join(t.Context(), "", s.ID, Side{Number: party(10 + i)})
			var conflict *numberdb.Conflict
			if joined[i] = err == nil; err != nil && !errors.As(err, &conflict) {
				t.Error(err)
			}
		})
	}
	atOnce(operations...)
	got := storedSessions(t, w)[s.ID]
	members := 2
	for i := range joined {
		if joined[i] {
			members++
		}
		if got.Has(party(10+i)) != joined[i] {
			t.Errorf("person %d was told %v, and the group says otherwise", i, joined[i])
		}
	}
	if members < 2+joining/2 || len(got.Participants) != members {
		t.Errorf("%d members of %d who joined", len(got.Participants), members)
	}
	whole(t, w)
	eventually(t, "both edges to route for all", func() bool {
		return !slices.ContainsFunc(edges, func(r *running) bool {
			return slices.ContainsFunc(got.Participants, func(p numberdb.Participant) bool {
				_, status := r.table.Lookup(p.Dial, p.Number, w.now())
				return status != numberdb.Exact
			})
		})
	})
}

// One edge gives other masks or ends, the other one prolongs or ends: both are
// done in some order, or one of them is refused.
func changeOnTwoEdges(t *testing.T, w *world, edges []*running) {
	t.Helper()
	const rounds = 15
	do := map[string]func(r *running, id numberdb.ID) error{
		"rotate": func(r *running, id numberdb.ID) error { return second(r.Rotate(t.Context(), "", id)) },
		"extend": func(r *running, id numberdb.ID) error { return second(r.Extend(t.Context(), "", id, 3*time.Hour)) },
		"end":    func(r *running, id numberdb.ID) error { return second(r.End(t.Context(), "", id, numberdb.Released)) },
	}
	for _, c := range [][2]string{{"rotate", "extend"}, {"rotate", "end"}, {"extend", "end"}, {"rotate", "rotate"}} {
		t.Run(fmt.Sprint(c[0], " and ", c[1]), func(t *testing.T) {
			for i := range rounds {
				s := create(t, edges[0], between(2*i, 2*i+1))
				edges[1].known(t, &s)
				var errs [2]error
				atOnce(func() { errs[0] = do[c[0]](edges[0], s.ID) }, func() { errs[1] = do[c[1]](edges[1], s.ID) })
				for k, err := range errs {
					if err != nil && (c[1] != "end" || !errors.Is(err, ErrNoSession)) {
						t.Errorf("%s: %v", c[k], err)
					}
				}
				got := storedSessions(t, w)[s.ID]
				if ended := c[1] == "end"; ended == got.Live(w.now()) {
					t.Errorf("it lives: %v", !ended)
				}
				if c[1] == "extend" && !got.Expires.After(s.Expires) {
					t.Error("it was prolonged, and is not")
				}
				if c[0] == "rotate" && c[1] != "end" && got.Participants[0].Dial == s.Participants[0].Dial {
					t.Error("it was rotated, and has its masks")
				}
			}
			whole(t, w)
		})
	}
}

// A reply slot that one edge opens while the other one ends the session routes no
// longer than the session.
func slotOnTwoEdges(t *testing.T, w *world, edges []*running) {
	t.Helper()
	const rounds = 10
	for i := range rounds {
		s := create(t, edges[0], &Request{Pool: "uk", Shape: numberdb.Lease, Sides: []Side{{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party(i)}}}})
		edges[1].known(t, &s)
		public := s.Participants[0].Dial
		for k := range 3 { // one after the other, without a pause for the feed
			if err := edges[0].Slot(t.Context(), s.ID, public, party(100+10*i+k)); err != nil {
				t.Fatal(err)
			}
		}
		var slot, ended error
		atOnce(
			func() { slot = edges[0].Slot(t.Context(), s.ID, public, party(109+10*i)) },
			func() { ended = second(edges[1].End(t.Context(), "", s.ID, numberdb.Released)) },
		)
		if ended != nil || slot != nil && !errors.Is(slot, ErrNoSession) && !errors.Is(slot, allocator.ErrUnknown) {
			t.Errorf("the end: %v; the slot: %v", ended, slot)
		}
	}
	whole(t, w)
	for _, b := range w.rows(t) {
		if b.Live(w.now()) {
			t.Fatal("a binding outlives its session")
		}
	}
}

func TestTwoEdgesAddToOneGroup(t *testing.T) {
	w, edges := twoEdges(t, 60)
	joinOnTwoEdges(t, w, edges)
}

func TestTwoEdgesChangeOneSession(t *testing.T) {
	w, edges := twoEdges(t, 200)
	changeOnTwoEdges(t, w, edges)
}

func TestTwoEdgesAndANewSession(t *testing.T) {
	w, edges := twoEdges(t, 200)
	newOnTwoEdges(t, w, edges)
}

func TestTwoEdgesAndAReplySlot(t *testing.T) {
	w, edges := twoEdges(t, 60)
	slotOnTwoEdges(t, w, edges)
}
