package sessions

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

const slotIdle = 2 * time.Hour

// recycling is an edge alone on its store, with a public mask of the driver's and a
// number of slots for it.
func recycling(t *testing.T, slots int, change func(*Config, *numberdb.Pool, *Request)) (*world, *running, numberdb.Session) {
	t.Helper()
	w := newWorld(t)
	w.cfg.Alone = true
	pool := numberdb.Pool{Name: "uk"}
	q := &Request{
		Pool: "uk", Shape: numberdb.Lease, TTL: 700 * time.Hour, IdleTTL: slotIdle,
		Sides: []Side{{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: driver}}},
	}
	if change != nil {
		change(&w.cfg, &pool, q)
	}
	r := w.edge(t)
	r.stock(t, pool, 1+slots)
	return w, r, create(t, r, q)
}

// slotFor opens a slot that has to be had.
func (r *running) slotFor(t *testing.T, s *numberdb.Session, caller int) e164.Number {
	t.Helper()
	public := s.Participants[0].Dial
	if err := r.Slot(t.Context(), s.ID, public, party(caller)); err != nil {
		t.Fatal(err)
	}
	return r.meets(t, public, party(caller))
}

func (r *running) wantNoSlot(t *testing.T, s *numberdb.Session, caller int) {
	t.Helper()
	var exhausted *allocator.Exhausted
	if err := r.Slot(t.Context(), s.ID, s.Participants[0].Dial, party(caller)); !errors.As(err, &exhausted) {
		t.Errorf("caller %d: %v", caller, err)
	}
}

// in and out are a contact of a caller, and of the driver by a slot.
func (r *running) in(w *world, s *numberdb.Session, slot e164.Number) bool {
	return r.Contact(s.ID, s.Participants[0].Dial, slot, w.now())
}

func (r *running) out(w *world, s *numberdb.Session, slot e164.Number) bool {
	return r.Contact(s.ID, slot, s.Participants[0].Dial, w.now())
}

// The slot out of use for longest goes to another caller, when the owner has used up
// all and its time is over. Who had it is a stranger again.
func TestSlotsOutOfUseGoToOthers(t *testing.T) {
	w, r, s := recycling(t, 3, nil)
	public := s.Participants[0].Dial
	slots := map[int]e164.Number{}
	for caller := 1; caller <= 3; caller++ {
		slots[caller] = r.slotFor(t, &s, caller)
		w.jump(time.Minute)
	}
	w.jump(time.Hour)
	r.in(w, &s, slots[1])
	w.jump(30 * time.Minute)
	r.out(w, &s, slots[3])
	r.wantNoSlot(t, &s, 4) // that of caller 2 is 92 minutes old
	w.jump(30 * time.Minute)
	if got := r.slotFor(t, &s, 4); got != slots[2] {
		t.Error("caller 4 has not the slot that was out of use for longest")
	}
	if b, status := r.table.Lookup(public, party(2), w.now()); status != numberdb.Public || b.Present == slots[2] {
		t.Errorf("who had it is %v", status)
	}
	r.wantNoSlot(t, &s, 2)
	for caller, slot := range map[int]e164.Number{1: slots[1], 3: slots[3], 4: slots[2]} {
		if got := r.slotFor(t, &s, caller); got != slot {
			t.Errorf("caller %d has another slot", caller)
		}
	}
	w.jump(90 * time.Minute)
	r.in(w, &s, slots[2])
	r.out(w, &s, slots[3])
	w.jump(45 * time.Minute)
	if got := r.slotFor(t, &s, 2); got != slots[1] {
		t.Error("caller 2 has not the slot of caller 1")
	}
}

func TestSlotsThatStay(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config, *numberdb.Pool, *Request)
		after  time.Duration // since when they go to others; 0: never
	}{
		"the quarantine is longer":                   {func(_ *Config, p *numberdb.Pool, _ *Request) { p.Policy.Quarantine = 5 * time.Hour }, 5 * time.Hour},
		"the session has no idle time":               {func(_ *Config, _ *numberdb.Pool, q *Request) { q.IdleTTL = 0 }, 0},
		"it has a number of uses and no idle time":   {func(_ *Config, _ *numberdb.Pool, q *Request) { q.IdleTTL, q.MaxUses = 0, 100 }, 0},
		"other edges may have seen what this didn't": {func(cfg *Config, _ *numberdb.Pool, _ *Request) { cfg.Alone = false }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, r, s := recycling(t, 2, c.change)
			r.slotFor(t, &s, 1)
			used := r.slotFor(t, &s, 2)
			for range 7 { // the other one is in use
				w.jump(50 * time.Minute)
				r.in(w, &s, used)
				if c.after == 0 || w.now().Before(s.Created.Add(c.after)) {
					r.wantNoSlot(t, &s, 3)
				}
			}
			if c.after > 0 {
				r.slotFor(t, &s, 3)
			}
		})
	}
}

// After a start nobody knows how long slots have been out of use.
func TestSlotsAreInUseAtAStart(t *testing.T) {
	w, r, s := recycling(t, 1, nil)
	r.slotFor(t, &s, 1)
	w.jump(110 * time.Minute)
	r.stop()
	r = w.edge(t)
	eventually(t, "the edge to begin", func() bool { return r.isReadyNow() && r.uses.slotUses(s.ID) != nil })
	w.jump(20 * time.Minute)
	r.wantNoSlot(t, &s, 2)
	w.jump(105 * time.Minute)
	r.slotFor(t, &s, 2)
}

// While a slot goes to another caller nobody comes through it, and one that is used
// at that moment does not go.
func TestNobodyComesThroughASlotThatGoes(t *testing.T) {
	w, r, s := recycling(t, 2, nil)
	slot, other := r.slotFor(t, &s, 1), r.slotFor(t, &s, 2)
	w.jump(100 * time.Minute)
	r.in(w, &s, other)
	w.jump(time.Hour)
	looked := false
	between := func(writes *numberdb.Writes) bool {
		if len(writes.Claims) > 0 && !looked {
			looked = true
			if r.in(w, &s, slot) || r.out(w, &s, slot) || !r.in(w, &s, other) {
				t.Error("who had the slot comes through, or others do not")
			}
		}
		return false
	}
	w.store.only.Store(&between)
	if got := r.slotFor(t, &s, 3); got != slot || !looked {
		t.Fatal("it did not go")
	}
	if !r.in(w, &s, slot) || !r.out(w, &s, slot) {
		t.Error("nobody comes through afterwards")
	}
	if _, ok := r.uses.passOn(s.ID, slot, w.now().Add(-time.Second)); ok {
		t.Error("it goes though it is in use")
	}
}

// Where nobody knows whether a slot has gone, no other one goes until that is known,
// and all end with their session.
func TestASlotThatGoesInDoubt(t *testing.T) {
	for name, c := range map[string]struct {
		fault fault
		ended bool
	}{
		"lost": {lost, false}, "written": {unanswered, false}, "lost, and the session ends": {lost, true}, "written, and the session ends": {unanswered, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, r, s := recycling(t, 2, nil)
			public := s.Participants[0].Dial
			slot, other := r.slotFor(t, &s, 1), r.slotFor(t, &s, 2)
			w.jump(100 * time.Minute)
			r.in(w, &s, other)
			w.jump(30 * time.Minute)
			w.store.fault.Store(int32(c.fault))
			if err := r.Slot(t.Context(), s.ID, public, party(3)); !errors.Is(err, numberdb.ErrOutcomeUnknown) {
				t.Fatal(err)
			}
			w.store.fault.Store(int32(noFault))
			if err := r.Slot(t.Context(), s.ID, public, party(4)); !errors.Is(err, errSlotInDoubt) {
				t.Errorf("another one: %v", err)
			}
			if c.ended {
				if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
					t.Fatal(err)
				}
				if n := liveRows(t, w); n != 0 {
					t.Errorf("%d rows outlive the session", n)
				}
				return
			}
			consistentSlots(t, w, r, public)
			if r.in(w, &s, slot) || !r.in(w, &s, other) {
				t.Error("the slot in doubt is used, or another is not")
			}
			w.jump(r.settled())
			eventually(t, "the truth", func() bool { _, doubtful := r.passing.Load(s.ID); return !doubtful })
			eventually(t, "contacts", func() bool {
				part := r.uses.part(s.ID)
				part.mu.Lock()
				defer part.mu.Unlock()
				return part.of[s.ID].slots.passes == 0
			})
			consistentSlots(t, w, r, public)
			if got := r.slotFor(t, &s, 3); got != slot {
				t.Error("caller 3 has another slot")
			}
			consistentSlots(t, w, r, public)
		})
	}
}

// consistentSlots: whoever a way in shows as a slot is whom the driver reaches by it.
func consistentSlots(t *testing.T, w *world, r *running, public e164.Number) {
	t.Helper()
	r.table.Each(func(in numberdb.Binding) bool {
		if in.Mask != public.Canonical() || in.Party == 0 || !in.Live(w.now()) {
			return true
		}
		back, status := r.table.Lookup(in.Present, driver, w.now())
		if status != numberdb.Exact || back.To.Number != in.Party {
			t.Errorf("the answer to a caller is %v, or another's", status)
		}
		return true
	})
}

// Callers come and go by chance, commits fail by chance: an answer reaches who was
// answered.
func TestSlotsAtRandom(t *testing.T) {
	for seed := range uint64(3) {
		w, r, s := recycling(t, 4, nil)
		public := s.Participants[0].Dial
		random := rand.New(rand.NewPCG(seed, 5))
		given := map[e164.Number]int{}
		for range 300 {
			caller := random.IntN(12)
			w.store.fault.Store(int32(noFault))
			if random.IntN(8) == 0 {
				w.store.fault.Store(int32(1 + random.IntN(int(faults)-1)))
			}
			in, status := r.table.Lookup(public, party(caller), w.now())
			if status != numberdb.Exact {
				if r.Slot(t.Context(), s.ID, public, party(caller)) == nil {
					given[r.meets(t, public, party(caller))]++
				}
			} else if _, doubtful := r.passing.Load(s.ID); !r.in(w, &s, in.Present) && !doubtful {
				t.Fatal("a contact is refused though nothing goes on")
			}
			w.store.fault.Store(int32(noFault))
			consistentSlots(t, w, r, public)
			w.jump(time.Duration(random.IntN(25)) * time.Minute)
			if random.IntN(10) == 0 {
				eventually(t, "the end of doubt", func() bool { _, doubtful := r.passing.Load(s.ID); return !doubtful })
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		passed := 0
		for _, n := range given {
			passed += n - 1
		}
		if passed < 10 {
			t.Errorf("seed %d: slots were passed on %d times", seed, passed)
		}
	}
}
