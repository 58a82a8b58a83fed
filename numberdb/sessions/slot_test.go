package sessions

import (
	"errors"
	"sync"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

var driver = party(900)

// lease gives the driver a public mask.
func (r *running) lease(t *testing.T) numberdb.Session {
	t.Helper()
	s, err := r.Create(t.Context(), &Request{Pool: "uk", Shape: numberdb.Lease, Sides: []Side{{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: driver}}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// meets follows a caller to the driver and back.
func (r *running) meets(t *testing.T, public, caller e164.Number) (slot e164.Number) {
	t.Helper()
	in, status := r.table.Lookup(public, caller, time.Now())
	if status != numberdb.Exact || in.To.Number != driver || in.Present == public {
		t.Fatalf("the caller's way in: %v", status)
	}
	back, status := r.table.Lookup(in.Present, driver, time.Now())
	if status != numberdb.Exact || back.To.Number != caller || back.Present != public {
		t.Fatalf("the owner's way back: %v", status)
	}
	return in.Present
}

func TestEachCallerGetsASlot(t *testing.T) {
	_, r := start(t, 6)
	s := r.lease(t)
	public := s.Participants[0].Dial
	seen := map[e164.Number]bool{}
	for i := range 3 {
		for range 2 { // the second time all stands
			if err := r.Slot(t.Context(), s.ID, public, party(i)); err != nil {
				t.Fatal(err)
			}
		}
		seen[r.meets(t, public, party(i))] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d slots for three callers", len(seen))
	}
	if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	for slot := range seen {
		if _, status := r.table.Lookup(slot, driver, time.Now()); status != numberdb.Ended {
			t.Errorf("a way back is %v after the session's end", status)
		}
	}
	if _, status := r.table.Lookup(public, party(1), time.Now()); status != numberdb.Ended {
		t.Errorf("a way in is %v after the session's end", status)
	}
	if err := r.Slot(t.Context(), s.ID, public, party(4)); !errors.Is(err, ErrNoSession) {
		t.Errorf("a slot of an ended session: %v", err)
	}
}

func TestManyFirstContactsAtOnce(t *testing.T) {
	_, r := start(t, 30)
	s := r.lease(t)
	public := s.Participants[0].Dial
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			if err := r.Slot(t.Context(), s.ID, public, party(i%20)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[e164.Number]bool{}
	for i := range 20 {
		seen[r.meets(t, public, party(i))] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d slots for 20 callers", len(seen))
	}
}

func TestNoSlot(t *testing.T) {
	_, r := start(t, 3)
	s := r.lease(t)
	public := s.Participants[0].Dial
	for i := range 2 {
		if err := r.Slot(t.Context(), s.ID, public, party(i)); err != nil {
			t.Fatal(err)
		}
	}
	var exhausted *allocator.Exhausted
	if err := r.Slot(t.Context(), s.ID, public, party(2)); !errors.As(err, &exhausted) {
		t.Errorf("no mask is left: %v", err)
	}
	r.meets(t, public, party(0)) // nobody's slot was taken
	r.meets(t, public, party(1))
	pair, err := r.Create(t.Context(), &Request{Pool: "uk", Sides: []Side{{Number: party(11)}, {Number: party(12)}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		session numberdb.ID
		public  e164.Number
		caller  e164.Number
		want    error
	}{
		{"the owner to itself", s.ID, public, driver, allocator.ErrSelf},
		{"not the session's mask", s.ID, mask(99), party(5), allocator.ErrUnknown},
		{"a session without a public mask", pair.ID, pair.Participants[0].Dial, party(5), ErrNoSlots},
		{"no session", 12345, public, party(5), ErrNoSession},
	} {
		if err := r.Slot(t.Context(), c.session, c.public, c.caller); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A commit that fails leaves nothing behind: the next try is as the first.
func TestASlotThatWasNotWritten(t *testing.T) {
	w, r := start(t, 2) // the public one and one slot
	s := r.lease(t)
	public := s.Participants[0].Dial
	w.store.fault.Store(int32(refused_))
	if err := r.Slot(t.Context(), s.ID, public, party(1)); !errors.Is(err, errFault) {
		t.Fatalf("%v", err)
	}
	if _, status := r.table.Lookup(public, party(1), time.Now()); status == numberdb.Exact {
		t.Fatal("it is routed")
	}
	w.store.fault.Store(int32(noFault))
	if err := r.Slot(t.Context(), s.ID, public, party(2)); err != nil {
		t.Fatal(err)
	}
	r.meets(t, public, party(2))
}

// One whose outcome was unknown is written when its caller comes again.
func TestASlotInDoubtIsWrittenAgain(t *testing.T) {
	w, r := start(t, 3)
	s := r.lease(t)
	public := s.Participants[0].Dial
	w.store.fault.Store(int32(lost))
	if err := r.Slot(t.Context(), s.ID, public, party(1)); !errors.Is(err, numberdb.ErrOutcomeUnknown) {
		t.Fatalf("%v", err)
	}
	w.store.fault.Store(int32(noFault))
	if err := r.Slot(t.Context(), s.ID, public, party(1)); err != nil {
		t.Fatal(err)
	}
	r.meets(t, public, party(1))
}

// A slot that was written, though nobody was told, ends with its session, though the
// table did not show it then.
func TestASlotInDoubtEndsWithItsSession(t *testing.T) {
	for name, change := range map[string]func(r *running, s *numberdb.Session) error{
		"ended": func(r *running, s *numberdb.Session) error {
			return second(r.End(t.Context(), "", s.ID, numberdb.Released))
		},
		"burned": func(r *running, s *numberdb.Session) error {
			return second(r.End(t.Context(), "", s.ID, numberdb.Burned))
		},
		"rotated": func(r *running, s *numberdb.Session) error { return second(r.Rotate(t.Context(), "", s.ID)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cfg.Commit = 300 * time.Millisecond // for the table, which stands still
			r := w.edge(t)
			r.stock(t, numberdb.Pool{Name: "uk"}, 4)
			s := r.lease(t)
			public := s.Participants[0].Dial
			gate := make(chan struct{})
			goOn := sync.OnceFunc(func() { close(gate) })
			defer goOn()
			w.store.stuck.Store(&gate)
			w.store.fault.Store(int32(unanswered))
			if err := r.Slot(t.Context(), s.ID, public, party(1)); !errors.Is(err, numberdb.ErrOutcomeUnknown) {
				t.Fatal(err)
			}
			w.store.fault.Store(int32(noFault))
			if err := change(r, &s); !errors.Is(err, numberdb.ErrNotYetRouted) {
				t.Fatal(err)
			}
			slots := func() (live int) {
				for _, b := range w.rows(t) {
					if b.Party != 0 && b.Live(w.now()) {
						live++
					}
				}
				return live
			}
			if n := slots(); n != 2 {
				t.Fatalf("%d rows of a slot that nobody could see", n)
			}
			w.store.stuck.Store(nil)
			goOn()
			w.jump(r.settled())
			eventually(t, "the end of the slot", func() bool { return slots() == 0 })
			if _, status := r.table.Lookup(public, party(1), w.now()); status == numberdb.Exact {
				t.Error("the caller has a way in yet")
			}
		})
	}
}

// A slot at rest that its caller would get again is somebody else's by now: another
// edge was faster. It stays theirs.
func TestASlotThatAnotherEdgeHasGiven(t *testing.T) {
	w, r := start(t, 4)
	s := r.lease(t)
	if err := r.Slot(t.Context(), s.ID, s.Participants[0].Dial, party(1)); err != nil {
		t.Fatal(err)
	}
	slot := r.meets(t, s.Participants[0].Dial, party(1))
	if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	s = r.lease(t)
	theirs := numberdb.Binding{
		Mask: slot, Party: driver, To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party(7)}, Present: slot,
		Services: numberdb.SMS, Expires: w.now().Add(time.Hour).Truncate(time.Microsecond), Session: 999,
	}
	once := sync.OnceFunc(func() {
		if _, err := w.store.database.Commit(t.Context(), &numberdb.Writes{Bindings: []numberdb.Change{{Binding: theirs}}}); err != nil {
			t.Error(err)
		}
	})
	between := func(*numberdb.Writes) bool { once(); return false }
	w.store.only.Store(&between)
	if err := r.Slot(t.Context(), s.ID, s.Participants[0].Dial, party(1)); err != nil {
		t.Fatal(err)
	}
	w.store.only.Store(nil)
	if other := r.meets(t, s.Participants[0].Dial, party(1)); other == slot {
		t.Error("the caller has it again")
	}
	if row := w.rows(t)[theirs.Key()]; row.Session != 999 {
		t.Errorf("the row is session %d's", row.Session)
	}
}

func TestOpen(t *testing.T) {
	_, r := start(t, 3)
	s := r.lease(t)
	opened := make(chan bool, 1)
	r.Open(s.ID, s.Participants[0].Dial, party(1), time.Now().Add(10*time.Second), func(ok bool) { opened <- ok })
	if !<-opened {
		t.Fatal("no slot")
	}
	r.meets(t, s.Participants[0].Dial, party(1))
	r.Open(s.ID, s.Participants[0].Dial, party(2), time.Now().Add(-time.Second), func(ok bool) { opened <- ok })
	if <-opened {
		t.Error("it is too late, and a slot is opened")
	}
	r.openings.close()
	r.Open(s.ID, s.Participants[0].Dial, party(2), time.Now().Add(time.Second), func(ok bool) { opened <- ok })
	if <-opened {
		t.Error("the owner has ended, and a slot is opened")
	}
}

// Whoever has no more time does not wait for another change of the session.
func TestASlotWaitsForItsTimeOnly(t *testing.T) {
	w, r := start(t, 3)
	s := r.lease(t)
	entered, gate := make(chan struct{}), make(chan struct{})
	hold := func(*numberdb.Writes) bool { close(entered); <-gate; return false }
	w.store.only.Store(&hold)
	ended := make(chan error)
	go func() { ended <- second(r.End(t.Context(), "", s.ID, numberdb.Released)) }()
	<-entered
	w.store.only.Store(nil)
	opened := make(chan bool, 1)
	r.Open(s.ID, s.Participants[0].Dial, party(1), time.Now().Add(10*time.Millisecond), func(ok bool) { opened <- ok })
	if <-opened {
		t.Error("it is opened beside the session's end")
	}
	close(gate)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOpeningsAreBounded(t *testing.T) {
	var x openings
	for range mostOpening {
		if !x.enter() {
			t.Fatal("refused too early")
		}
	}
	if x.enter() {
		t.Error("one too many")
	}
	x.leave()
	if !x.enter() {
		t.Error("no room although one has left")
	}
}
