package sessions

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// A commit that fails has changed nothing; the people get the same masks when
// they ask again.
func TestWhatWasRefusedIsTakenBack(t *testing.T) {
	w, r := start(t, 2)
	group := &Request{Pool: "uk", Shape: numberdb.Group, Sides: between(1, 2).Sides, TTL: time.Hour}
	s := create(t, r, group)
	w.store.fault.Store(int32(refused_))
	for name, err := range map[string]error{
		"create": second(r.Create(t.Context(), between(3, 4))),
		"lease":  second(r.Create(t.Context(), &Request{Pool: "uk", Shape: numberdb.Lease, Sides: between(5).Sides})),
		"end":    second(r.End(t.Context(), "", s.ID, numberdb.Released)),
		"burn":   second(r.End(t.Context(), "", s.ID, numberdb.Burned)),
		"extend": second(r.Extend(t.Context(), "", s.ID, 2*time.Hour)),
		"rotate": second(r.Rotate(t.Context(), "", s.ID)),
		"join":   second(r.Join(t.Context(), "", s.ID, Side{Number: party(3)})),
	} {
		if !errors.Is(err, errFault) || errors.Is(err, numberdb.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.store.fault.Store(int32(noFault))
	wantHears(t, w, r, &s, numberdb.Exact)
	live, kept, masks := r.poolReport("uk")
	if live != 2 || kept != 0 || masks[numberdb.Free] != 2 {
		t.Errorf("%d live, %d kept, masks %v", live, kept, masks)
	}
	w.jump(61 * time.Minute) // the extension was not written
	wantHears(t, w, r, &s, numberdb.Ended)
}

// Who hears that the outcome is unknown finds out, and the edge, too.
func TestUnknownOutcomes(t *testing.T) {
	attempt := &numberdb.Attempt{Key: "k1", Fingerprint: []byte("f"), Until: time.Now().Add(24 * time.Hour).Truncate(time.Microsecond)}
	for _, tc := range []struct {
		name  string
		fault fault
		do    func(t *testing.T, r *running, old numberdb.ID) error
		live  int // bindings of the engine and the store when it is settled
	}{
		{"creation that was lost", lost, func(t *testing.T, r *running, _ numberdb.ID) error {
			return second(r.Create(t.Context(), between(3, 4)))
		}, 2},
		{"creation that was written", unanswered, func(t *testing.T, r *running, _ numberdb.ID) error {
			return second(r.Create(t.Context(), between(3, 4)))
		}, 2},
		{"creation that its client finds again", unanswered, func(t *testing.T, r *running, _ numberdb.ID) error {
			q := between(3, 4)
			q.Attempt = attempt
			return second(r.Create(t.Context(), q))
		}, 4},
		{"lease that was lost", lost, func(t *testing.T, r *running, _ numberdb.ID) error {
			return second(r.Create(t.Context(), &Request{Pool: "uk", Shape: numberdb.Lease, Sides: between(9).Sides}))
		}, 2},
		{"end that was lost", lost, func(t *testing.T, r *running, old numberdb.ID) error {
			return second(r.End(t.Context(), "", old, numberdb.Released))
		}, 2},
		{"end that was written", unanswered, func(t *testing.T, r *running, old numberdb.ID) error {
			return second(r.End(t.Context(), "", old, numberdb.Released))
		}, 0},
		{"rotation that was lost", lost, func(t *testing.T, r *running, old numberdb.ID) error { return second(r.Rotate(t.Context(), "", old)) }, 2},
		{"rotation that was written", unanswered, func(t *testing.T, r *running, old numberdb.ID) error {
			return second(r.Rotate(t.Context(), "", old))
		}, 2},
		{"join that was lost", lost, func(t *testing.T, r *running, old numberdb.ID) error {
			return second(r.Join(t.Context(), "", old, Side{Number: party(3)}))
		}, 2},
		{"join that was written", unanswered, func(t *testing.T, r *running, old numberdb.ID) error {
			return second(r.Join(t.Context(), "", old, Side{Number: party(3)}))
		}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, r := start(t, 8)
			s := create(t, r, &Request{Pool: "uk", Shape: numberdb.Group, Sides: between(1, 2).Sides})
			w.store.fault.Store(int32(tc.fault))
			if err := tc.do(t, r, s.ID); !errors.Is(err, numberdb.ErrOutcomeUnknown) {
				t.Fatal(err)
			}
			w.store.fault.Store(int32(noFault))
			w.jump(r.settled())
			eventually(t, "the truth", func() bool {
				r.doubtful.mu.Lock()
				settled := len(r.doubtful.list) == 0
				r.doubtful.mu.Unlock()
				live, _, masks := r.poolReport("uk")
				return settled && live == tc.live && liveRows(t, w) == tc.live && masks[numberdb.Free] == 8
			})
		})
	}
}

// liveRows counts the parties' bindings in the store that route now.
func liveRows(t *testing.T, w *world) (count int) {
	t.Helper()
	for key, b := range w.rows(t) {
		if key.Party != 0 && b.Live(w.now()) {
			count++
		}
	}
	return count
}

// A caller that gives up while the store writes hears that the outcome is
// unknown; what it began is undone or ended.
func TestACallerThatGivesUp(t *testing.T) {
	w, r := start(t, 4)
	ctx, cancel := context.WithCancel(t.Context())
	gate := make(chan struct{})
	hold := func(*numberdb.Writes) bool { cancel(); <-gate; return false }
	w.store.only.Store(&hold)
	if _, err := r.Create(ctx, between(1, 2)); !errors.Is(err, numberdb.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.store.only.Store(nil)
	close(gate)
	if _, err := r.Create(ctx, between(1, 2)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	after := create(t, r, between(3, 4)) // written after those
	if _, err := r.End(t.Context(), "", after.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	w.jump(r.settled())
	eventually(t, "the end of what nobody knows of", func() bool { live, _, _ := r.poolReport("uk"); return live == 0 && liveRows(t, w) == 0 })
}

// Where the feed is away the session is written, and its maker hears so.
func TestNotYetRouted(t *testing.T) {
	w := newWorld(t)
	w.cfg.Commit = 2 * time.Second
	r := w.edge(t)
	r.stock(t, numberdb.Pool{Name: "uk"}, 4)
	r.committer.table = never{}
	s, err := r.Create(t.Context(), between(1, 2))
	if !errors.Is(err, numberdb.ErrNotYetRouted) || s.ID == 0 {
		t.Fatal(s.ID, err)
	}
	if _, err := r.Get(t.Context(), "", s.ID); err != nil {
		t.Error(err)
	}
	if ended, err := r.End(t.Context(), "", s.ID, numberdb.Released); !errors.Is(err, numberdb.ErrNotYetRouted) || ended.Ended != numberdb.Released {
		t.Error(ended.Ended, err)
	}
}

type never struct{}

func (never) WaitFor(ctx context.Context, _ numberdb.Position) error {
	<-ctx.Done()
	return fmt.Errorf("waiting: %w", ctx.Err())
}

// Where pools and masks cannot be read, the table follows the store all the same.
// What was bound by hand meanwhile is heeded when they can.
func TestRoutingNeedsNoInventory(t *testing.T) {
	w, r := start(t, 1)
	r.stop()
	w.store.blind.Store(true)
	r = w.edge(t)
	for i := range 2 * heardQueue {
		if _, err := w.store.Commit(t.Context(), &numberdb.Writes{Bindings: []numberdb.Change{{Binding: numberdb.Binding{
			Mask: mask(0), Party: party(i), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party(999)}, Present: mask(0), Services: numberdb.SMS,
		}}}}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the table to have it", func() bool { return r.table.Len() == i+1 })
	}
	w.store.blind.Store(false)
	var exhausted *allocator.Exhausted
	if _, err := r.Create(t.Context(), &Request{Pool: "uk", Shape: numberdb.Shared, Sides: between(1, 500).Sides}); !errors.As(err, &exhausted) || exhausted.Reason != allocator.Degree {
		t.Errorf("a mask that is bound by hand is given to the same party: %v", err)
	}
}

// A key of idempotency is used once.
func TestAnAttemptIsMadeOnce(t *testing.T) {
	_, r := start(t, 8)
	q := between(1, 2)
	q.Attempt = &numberdb.Attempt{Key: "k1", Fingerprint: []byte("f"), Until: time.Now().Add(24 * time.Hour).Truncate(time.Microsecond)}
	create(t, r, q)
	var conflict *numberdb.Conflict
	if _, err := r.Create(t.Context(), q); !errors.As(err, &conflict) || len(conflict.Attempts) != 1 {
		t.Fatal(err)
	}
	if live, _, _ := r.poolReport("uk"); live != 2 {
		t.Errorf("%d bindings", live)
	}
}

// What waits when the edge ends is written, what comes later is refused.
func TestTheEndOfAnEdge(t *testing.T) {
	w, r := start(t, 8)
	entered, gate := make(chan struct{}, 8), make(chan struct{})
	hold := func(*numberdb.Writes) bool { entered <- struct{}{}; <-gate; return false }
	w.store.only.Store(&hold)
	created := make(chan error, 2)
	create := func(a, b int) { created <- second(r.Create(t.Context(), between(a, b))) }
	go create(1, 2)
	<-entered
	go create(3, 4)
	eventually(t, "the other one to wait", func() bool { return len(r.committer.queue) == 1 })
	w.store.only.Store(nil)
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	close(gate)
	<-stopped
	for range 2 {
		if err := <-created; err != nil && !errors.Is(err, numberdb.ErrNotYetRouted) {
			t.Error(err)
		}
	}
	if _, err := r.Create(t.Context(), between(7, 8)); !errors.Is(err, numberdb.ErrClosed) {
		t.Error(err)
	}
	if rows := liveRows(t, w); rows != 4 {
		t.Errorf("%d bindings were written", rows)
	}
}

// Two edges share a pool without knowing of one another's decisions in time: the
// unique key decides, and both go on.
func TestTwoEdgesOnOneStore(t *testing.T) {
	w, a := start(t, 12)
	b := w.edge(t)
	race(t, w, []*running{a, b}, 8, 40, 10)
}
