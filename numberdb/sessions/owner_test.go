package sessions

import (
	"errors"
	"slices"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

func TestASessionRoutesWhenItIsAnswered(t *testing.T) {
	for _, tc := range []struct {
		name    string
		request Request
	}{
		{"a mask for each side", *between(1, 2)},
		{"one mask for both", Request{Shape: numberdb.Shared, Pool: "uk", Sides: between(1, 2).Sides}},
		{"a group", Request{Shape: numberdb.Group, Pool: "uk", Sides: between(1, 2, 3, 4).Sides}},
		{"for everybody", Request{Shape: numberdb.Open, Pool: "uk", Sides: between(1).Sides}},
		{"a lease", Request{Shape: numberdb.Lease, Pool: "uk", Sides: between(1).Sides}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, r := start(t, 6)
			s := create(t, r, &tc.request)
			open := s.Shape == numberdb.Open || s.Shape == numberdb.Lease
			for i, p := range s.Participants {
				caller, want := p.Number, s.Participants[min(1, len(s.Participants)-1)]
				if i > 0 {
					want = s.Participants[0]
				}
				status := numberdb.Exact
				if open {
					caller, status = party(99), numberdb.Public
				}
				b, got := r.table.Lookup(p.Dial, caller, w.now())
				if got != status || b.To.Number != want.Number || b.Present != want.Dial || b.Session != s.ID {
					t.Errorf("side %d: %v %v", i, got, b)
				}
			}
			stored, err := r.Get(t.Context(), "", s.ID)
			if err != nil || !slices.Equal(stored.Participants, s.Participants) {
				t.Errorf("the store has %v: %v", stored.Participants, err)
			}
			if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
				t.Fatal(err)
			}
			if _, status := r.table.Lookup(s.Participants[0].Dial, s.Participants[0].Number, w.now()); status.Found() {
				t.Errorf("after the end: %v", status)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	r := w.edge(t)
	r.stock(t, numberdb.Pool{Name: "uk", Tenant: "shop", Policy: numberdb.PoolPolicy{MinTTL: time.Minute, MaxTTL: time.Hour}}, 1)
	ask := func(change func(*Request)) *Request {
		q := between(1, 2)
		q.Tenant = "shop"
		change(q)
		return q
	}
	for name, tc := range map[string]struct {
		request *Request
		want    error
	}{
		"no such pool":      {ask(func(q *Request) { q.Pool = "fr" }), allocator.ErrPool},
		"another's pool":    {ask(func(q *Request) { q.Tenant = "other" }), allocator.ErrPool},
		"too short":         {ask(func(q *Request) { q.TTL = time.Second }), ErrTTL},
		"too long":          {ask(func(q *Request) { q.TTL = 2 * time.Hour }), ErrTTL},
		"negative":          {ask(func(q *Request) { q.TTL = -time.Hour }), ErrTTL},
		"alone":             {ask(func(q *Request) { q.Sides = q.Sides[:1] }), allocator.ErrParticipants},
		"with themselves":   {ask(func(q *Request) { q.Sides[1] = q.Sides[0] }), allocator.ErrSelf},
		"a mask takes part": {ask(func(q *Request) { q.Sides[0].Number = mask(0) }), allocator.ErrMask},
		"everybody and one": {ask(func(q *Request) { q.Sides[0].Number = 0 }), allocator.ErrParticipants},
	} {
		if _, err := r.Create(t.Context(), tc.request); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	q := ask(func(q *Request) { q.Shape = numberdb.Shared })
	create(t, r, q)
	var exhausted *allocator.Exhausted
	if _, err := r.Create(t.Context(), q); !errors.As(err, &exhausted) || exhausted.Reason != allocator.Degree {
		t.Errorf("with the only mask: %v", err)
	}
}

func TestTheEndIsHeardWhileTheMasksRest(t *testing.T) {
	w, r := start(t, 2)
	s := create(t, r, between(1, 2))
	ended, err := r.End(t.Context(), "", s.ID, numberdb.Released)
	if err != nil || ended.Ended != numberdb.Released {
		t.Fatal(ended.Ended, err)
	}
	wantHears(t, w, r, &s, numberdb.Ended)
	// Both masks are kept from both of them, not from others.
	q := between(1, 3)
	if _, err := r.Create(t.Context(), &Request{Pool: "uk", Shape: numberdb.Group, Sides: between(1, 2, 3).Sides}); err == nil {
		t.Error("a mask at rest was given to its party")
	}
	create(t, r, q) // the other mask for 1, and either for 3
	w.jump(61 * time.Minute)
	eventually(t, "the masks' rest to end", func() bool {
		_, err := r.Create(t.Context(), &Request{Pool: "uk", Shape: numberdb.Shared, Sides: between(2, 4).Sides})
		return err == nil
	})
	again, err := r.End(t.Context(), "", s.ID, numberdb.Burned)
	if err != nil || again.Ended != numberdb.Released {
		t.Errorf("ended twice: %v %v", again.Ended, err)
	}
}

func TestASessionIsItsTenants(t *testing.T) {
	_, r := start(t, 4)
	q := between(1, 2)
	q.Tenant = "shop"
	s := create(t, r, q)
	for name, err := range map[string]error{
		"get":    second(r.Get(t.Context(), "other", s.ID)),
		"end":    second(r.End(t.Context(), "other", s.ID, numberdb.Released)),
		"extend": second(r.Extend(t.Context(), "other", s.ID, time.Hour)),
		"rotate": second(r.Rotate(t.Context(), "other", s.ID)),
		"join":   second(r.Join(t.Context(), "other", s.ID, Side{Number: party(3)})),
	} {
		if !errors.Is(err, ErrNoSession) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Get(t.Context(), numberdb.AnyTenant, s.ID); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestExpiry(t *testing.T) {
	w, r := start(t, 2)
	q := between(1, 2)
	q.TTL = time.Minute
	s := create(t, r, q)
	w.jump(30 * time.Second)
	wantHears(t, w, r, &s, numberdb.Exact)
	w.jump(30 * time.Second)
	wantHears(t, w, r, &s, numberdb.Ended) // at once: the table knows the time
	eventually(t, "the engine to end it", func() bool { live, kept, _ := r.poolReport("uk"); return live == 0 && kept == 2 })
	w.jump(2 * time.Hour)
	eventually(t, "the masks to be free", func() bool { _, kept, _ := r.poolReport("uk"); return kept == 0 })
	create(t, r, q)
}

func TestExtend(t *testing.T) {
	w, r := start(t, 2)
	q := between(1, 2)
	q.TTL = time.Minute
	s := create(t, r, q)
	if _, err := r.Extend(t.Context(), "", s.ID, 721*time.Hour); !errors.Is(err, ErrTTL) {
		t.Errorf("beyond the bound: %v", err)
	}
	longer, err := r.Extend(t.Context(), "", s.ID, time.Hour)
	if err != nil || longer.Keep.Sub(longer.Expires).Round(time.Second) != time.Hour {
		t.Fatal(longer.Expires, longer.Keep, err)
	}
	w.jump(30 * time.Minute)
	wantHears(t, w, r, &s, numberdb.Exact)
	if _, err := r.Extend(t.Context(), "", s.ID, time.Minute); err != nil {
		t.Fatal(err)
	}
	w.jump(time.Minute)
	wantHears(t, w, r, &s, numberdb.Ended)
	if _, err := r.Extend(t.Context(), "", s.ID, time.Hour); !errors.Is(err, ErrNoSession) {
		t.Errorf("after its end: %v", err)
	}
}

func TestRotateKeepsTheConversation(t *testing.T) {
	w, r := start(t, 8)
	s := create(t, r, between(1, 2))
	other, err := r.Rotate(t.Context(), "", s.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantHears(t, w, r, &s, numberdb.Ended)
	wantHears(t, w, r, &other, numberdb.Exact)
	for i := range other.Participants {
		b, _ := r.table.Lookup(other.Participants[i].Dial, other.Participants[i].Number, w.now())
		if b.Present != other.Participants[1-i].Dial || b.Session != s.ID || other.Participants[i].Dial == s.Participants[i].Dial {
			t.Errorf("side %d: %v", i, b)
		}
	}
	if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	wantHears(t, w, r, &other, numberdb.Ended)
}

func TestRotateStaysInTheCountry(t *testing.T) {
	_, r := start(t, 8)
	var list []numberdb.Mask
	for i := range 4 {
		list = append(list, numberdb.Mask{Number: mask(100 + i), Pool: "uk", Country: "IE", Services: numberdb.SMS | numberdb.Voice})
	}
	if err := r.PutMasks(t.Context(), list, "import", "test"); err != nil {
		t.Fatal(err)
	}
	q := between(1, 2)
	q.Sides[1].Country = "IE"
	q.Sides[0].Country = "GB"
	s := create(t, r, q)
	for range 3 {
		var err error
		if s, err = r.Rotate(t.Context(), "", s.ID); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"GB", "IE"} {
			if m, _ := r.Mask(s.Participants[i].Dial); m.Country != want {
				t.Errorf("side %d has a mask of %s", i, m.Country)
			}
		}
	}
}

func TestARotationWithoutOtherMasksChangesNothing(t *testing.T) {
	w, r := start(t, 2)
	s := create(t, r, &Request{Pool: "uk", Shape: numberdb.Group, Sides: between(1, 2, 3).Sides})
	create(t, r, &Request{Pool: "uk", Shape: numberdb.Shared, Sides: between(1, 4).Sides})
	var exhausted *allocator.Exhausted
	if _, err := r.Rotate(t.Context(), "", s.ID); !errors.As(err, &exhausted) {
		t.Fatal(err)
	}
	wantHears(t, w, r, &s, numberdb.Exact)
}

func TestJoin(t *testing.T) {
	w, r := start(t, 2)
	s := create(t, r, &Request{Pool: "uk", Shape: numberdb.Group, Sides: between(1, 2).Sides})
	joined, err := r.Join(t.Context(), "", s.ID, Side{Number: party(3)})
	if err != nil || len(joined.Participants) != 3 {
		t.Fatal(err)
	}
	wantHears(t, w, r, &joined, numberdb.Exact)
	if _, err := r.Join(t.Context(), "", s.ID, Side{Number: party(3)}); err == nil {
		t.Error("a member joined twice")
	}
	if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	wantHears(t, w, r, &joined, numberdb.Ended)
	pair := create(t, r, between(5, 6))
	if _, err := r.Join(t.Context(), "", pair.ID, Side{Number: party(7)}); !errors.Is(err, allocator.ErrParticipants) {
		t.Errorf("to two: %v", err)
	}
}

func TestBurnWatchlists(t *testing.T) {
	w, r := start(t, 3)
	s := create(t, r, &Request{Pool: "uk", Shape: numberdb.Shared, Sides: between(1, 2).Sides})
	if _, err := r.End(t.Context(), "", s.ID, numberdb.Burned); err != nil {
		t.Fatal(err)
	}
	burned := s.Participants[0].Dial
	for i := range 2 { // all that is left
		if other := create(t, r, &Request{Pool: "uk", Shape: numberdb.Shared, Sides: between(10, 11+i).Sides}); other.Participants[0].Dial == burned {
			t.Error("a burned mask was given out")
		}
	}
	r.stop()
	next := w.edge(t)
	eventually(t, "the next edge to know", func() bool { m, known := next.Mask(burned); return known && m.State == numberdb.Watchlisted })
}

func TestLeasesEndAndTheirMasksRest(t *testing.T) {
	w, r := start(t, 1)
	lease := &Request{Pool: "uk", Shape: numberdb.Lease, Sides: between(1).Sides, TTL: time.Minute}
	state := func(r *running) numberdb.MaskState {
		if m, known := r.Mask(mask(0)); known {
			return m.State
		}
		return numberdb.Retired // it is not read yet
	}
	for name, end := range map[string]func(numberdb.ID) *running{
		"asked for": func(id numberdb.ID) *running {
			if _, err := r.End(t.Context(), "", id, numberdb.Released); err != nil {
				t.Fatal(err)
			}
			return r
		},
		"by its time": func(numberdb.ID) *running { w.jump(time.Minute); return r },
		"while no edge ran": func(numberdb.ID) *running {
			r.stop()
			w.jump(time.Minute)
			r = w.edge(t)
			return r
		},
		"while the store was away": func(numberdb.ID) *running {
			w.store.fault.Store(int32(refused_))
			w.jump(time.Minute)
			eventually(t, "the engine to notice", func() bool { _, _, masks := r.poolReport("uk"); return masks[numberdb.Quarantined] == 1 })
			w.store.fault.Store(int32(noFault))
			return r
		},
	} {
		s := create(t, r, lease)
		if _, err := r.Create(t.Context(), lease); err == nil || state(r) != numberdb.Held {
			t.Fatalf("%s: leased twice, or %v", name, state(r))
		}
		r = end(s.ID)
		eventually(t, name+": its rest", func() bool { return state(r) == numberdb.Quarantined && inStore(t, w, mask(0)) == numberdb.Quarantined })
		w.jump(61 * time.Minute)
		eventually(t, name+": it is free", func() bool { return state(r) == numberdb.Free && inStore(t, w, mask(0)) == numberdb.Free })
	}
}

func inStore(t *testing.T, w *world, number e164.Number) (state numberdb.MaskState) {
	t.Helper()
	if _, err := w.store.Inventory(t.Context(), numberdb.InventoryQuery{}, func(numberdb.Pool) {}, func(m numberdb.Mask) {
		if m.Number == number {
			state = m.State
		}
	}); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestContactsEndASession(t *testing.T) {
	w, r := start(t, 4)
	used, idle := between(1, 2), between(3, 4)
	used.MaxUses, idle.IdleTTL = 2, time.Minute
	u, i := create(t, r, used), create(t, r, idle)
	for n := range 3 {
		if may := r.Contact(u.ID, mask(0), mask(1), w.now()); may != (n < 2) {
			t.Errorf("contact %d: %v", n, may)
		}
	}
	eventually(t, "the used one to end", func() bool { status, _ := r.hears(w, &u, 0); return status == numberdb.Ended })
	w.jump(50 * time.Second)
	if !r.Contact(i.ID, mask(0), mask(1), w.now()) {
		t.Error("an idle one may not be used")
	}
	w.jump(50 * time.Second)
	r.stop()
	r = w.edge(t) // the time counts anew
	eventually(t, "the next edge to route", func() bool { status, _ := r.hears(w, &i, 0); return status == numberdb.Exact })
	eventually(t, "it to count", func() bool { p := r.uses.part(i.ID); p.mu.Lock(); defer p.mu.Unlock(); return p.of[i.ID] != nil })
	w.jump(time.Minute)
	eventually(t, "the idle one to end", func() bool { status, _ := r.hears(w, &i, 0); return status == numberdb.Ended })
	for s, want := range map[numberdb.ID]numberdb.EndReason{u.ID: numberdb.UsedUp, i.ID: numberdb.Idle} {
		if stored, err := r.Get(t.Context(), "", s); err != nil || stored.Ended != want {
			t.Errorf("ended by %v, want %v: %v", stored.Ended, want, err)
		}
	}
}

// A session whose row has gone is counted no more, and not looked for again.
func TestContactsOfASessionThatIsGone(t *testing.T) {
	w, r := start(t, 2)
	q := between(1, 2)
	q.IdleTTL = time.Minute
	s := create(t, r, q)
	if _, err := w.store.Commit(t.Context(), &numberdb.Writes{Gone: numberdb.Gone{Sessions: []numberdb.ID{s.ID}}}); err != nil {
		t.Fatal(err)
	}
	w.jump(time.Minute)
	eventually(t, "it to be counted no more", func() bool { p := r.uses.part(s.ID); p.mu.Lock(); defer p.mu.Unlock(); return p.of[s.ID] == nil })
}

func TestTheSamePairSticks(t *testing.T) {
	for _, tc := range []struct {
		name   string
		expire bool
	}{{"after an end", false}, {"after its time", true}} {
		t.Run(tc.name, func(t *testing.T) {
			w, r := start(t, 8)
			q := between(1, 2)
			prefer := numberdb.PreferStick
			q.Selection, q.TTL = &prefer, time.Minute
			s := create(t, r, q)
			if tc.expire {
				w.jump(61 * time.Second)
				eventually(t, "the end", func() bool { live, _, _ := r.poolReport("uk"); return live == 0 })
			} else if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
				t.Fatal(err)
			}
			again := create(t, r, q)
			for i := range again.Participants {
				if again.Participants[i].Dial != s.Participants[i].Dial {
					t.Errorf("side %d has another mask", i)
				}
			}
			wantHears(t, w, r, &again, numberdb.Exact)
		})
	}
}

// Who reads masks, and writes them back with another description, has not seen the
// lease that was made meanwhile: it stays.
func TestMasksAreShelvedBesideALease(t *testing.T) {
	w, r := start(t, 1)
	read := r.Masks("uk")
	s := create(t, r, &Request{Pool: "uk", Shape: numberdb.Lease, Sides: between(1).Sides})
	read[0].Region = "London"
	if err := r.ShelveMasks(t.Context(), append(read, numberdb.Mask{Number: mask(9), Pool: "uk", Services: numberdb.SMS, State: numberdb.Draining}), "imported", "test"); err != nil {
		t.Fatal(err)
	}
	want := func(state numberdb.MaskState) {
		t.Helper()
		if m, _ := r.Mask(mask(0)); m.State != state || m.Region != "London" {
			t.Errorf("it is %v here, in %q", m.State, m.Region)
		}
		if _, err := w.store.Inventory(t.Context(), numberdb.InventoryQuery{}, func(numberdb.Pool) {}, func(m numberdb.Mask) {
			if m.Number == mask(0).Canonical() && (m.State != state || m.Region != "London") {
				t.Errorf("it is %v in the store, in %q", m.State, m.Region)
			}
		}); err != nil {
			t.Error(err)
		}
		_, _, masks := r.poolReport("uk")
		if masks[state] != 1 || masks[numberdb.Draining] != 1 {
			t.Errorf("the allocator has %v", masks)
		}
	}
	want(numberdb.Held)
	if _, err := r.End(t.Context(), "", s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	want(numberdb.Quarantined)
}
