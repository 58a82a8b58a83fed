package numberdb

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"maskline/e164"
)

const (
	driver, stranger = "447700900002", "447700900009"
	pairMask         = "441110000001"
)

func digitsOf(s string) e164.Number {
	if s == "" {
		return 0
	}
	return e164.MustParse(s)
}

// fakeRestrictions is a store that can be away.
type fakeRestrictions struct {
	mu      sync.Mutex
	away    error
	applied []RestrictionChange
	calls   int
}

func (f *fakeRestrictions) ReadRestrictions(_ context.Context, _ Position, tell func(RestrictionChange)) (RestrictionsRead, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.applied {
		tell(c)
	}
	return RestrictionsRead{Position: 1}, f.away
}

func (f *fakeRestrictions) ApplyRestrictions(_ context.Context, changes []RestrictionChange) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.away == nil {
		f.applied = append(f.applied, changes...)
	}
	return f.away
}

func newRestrictions(t testing.TB, store RestrictionStore) *Restrictions {
	t.Helper()
	r, err := NewRestrictions(store, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBlocked(t *testing.T) {
	type contact struct{ tenant, mask, party string }
	const rider = "447700900001"
	cases := []struct {
		name  string
		block contact
		hits  []contact
		free  []contact
	}{
		{"a party", contact{"", "", rider}, []contact{{"shop", pairMask, rider}, {"", pairMask, rider}}, []contact{{"shop", pairMask, driver}, {"shop", pairMask, ""}}},
		{"a party for one tenant", contact{"shop", "", rider}, []contact{{"shop", pairMask, rider}}, []contact{{"", pairMask, rider}, {"taxi", pairMask, rider}}},
		{"a mask", contact{"", pairMask, ""}, []contact{{"shop", pairMask, rider}, {"", pairMask, ""}}, []contact{{"", "441110000002", rider}}},
		{"a party at a mask", contact{"", pairMask, rider}, []contact{{"shop", pairMask, rider}}, []contact{{"shop", pairMask, driver}, {"shop", "441110000002", rider}}},
		{"another form of the number", contact{"", "", "541123456789"}, []contact{{"", pairMask, "5491123456789"}}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRestrictions(t, &fakeRestrictions{})
			block := Restriction{Kind: Block, Tenant: c.block.tenant, Mask: digitsOf(c.block.mask), Party: digitsOf(c.block.party)}
			r.Note(RestrictionChange{Restriction: block})
			blocked := func(k contact) bool { return r.Blocked(k.tenant, digitsOf(k.mask), digitsOf(k.party)) }
			for _, k := range c.hits {
				if !blocked(k) {
					t.Errorf("%v passes", k.tenant)
				}
			}
			for _, k := range c.free {
				if blocked(k) {
					t.Errorf("%v is blocked", k.tenant)
				}
			}
			r.Note(RestrictionChange{Restriction: block, Lifted: true})
			for _, k := range c.hits {
				if blocked(k) {
					t.Error("blocked after the block was lifted")
				}
			}
			if r.blocks.len() != 0 {
				t.Errorf("%d blocks are left", r.blocks.len())
			}
		})
	}
}

func TestOptedOut(t *testing.T) {
	r := newRestrictions(t, &fakeRestrictions{})
	tel := func(s string) Endpoint { return Endpoint{Kind: Tel, Number: digitsOf(s)} }
	r.Note(RestrictionChange{Restriction: Restriction{Kind: OptOut, Tenant: "shop", Party: digitsOf(driver), Peer: tel(stranger)}})
	for _, c := range []struct {
		name   string
		tenant string
		party  string
		peer   Endpoint
		want   bool
	}{
		{"from the other end", "shop", driver, tel(stranger), true},
		{"from somebody else", "shop", driver, tel("447700900001"), false},
		{"from an account", "shop", driver, Endpoint{Kind: Account, Name: "shop"}, false},
		{"of another tenant", "taxi", driver, tel(stranger), false},
		{"the other way", "shop", stranger, tel(driver), false},
		{"nobody", "shop", "", tel(stranger), false},
	} {
		if got := r.OptedOut(c.tenant, digitsOf(c.party), c.peer); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	r.Note(RestrictionChange{Restriction: Restriction{Kind: OptOut, Tenant: "shop", Party: digitsOf(driver)}})
	if !r.OptedOut("shop", digitsOf(driver), Endpoint{Kind: Account, Name: "shop"}) {
		t.Error("an opt-out of the whole tenant does not hold for an account")
	}
}

// What was noted while the store is away holds, and is stored when it is back.
func TestNotedWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeRestrictions{away: errors.New("away")}
		r := newRestrictions(t, store)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		out := Restriction{Kind: OptOut, Tenant: "shop", Party: digitsOf(driver)}
		for range 100 {
			r.Note(RestrictionChange{Restriction: out})
			time.Sleep(50 * time.Millisecond)
		}
		if !r.OptedOut("shop", digitsOf(driver), Endpoint{}) || r.waiting() != 1 {
			t.Fatalf("it does not hold, or %d wait", r.waiting())
		}
		if store.calls > 15 {
			t.Errorf("a store that is away was asked %d times in 5 s", store.calls)
		}
		store.mu.Lock()
		store.away = nil
		store.mu.Unlock()
		time.Sleep(restrictionRetry)
		synctest.Wait()
		if len(store.applied) != 1 || r.waiting() != 0 || !r.Loaded() {
			t.Fatalf("%d stored, %d wait", len(store.applied), r.waiting())
		}
		if !r.OptedOut("shop", digitsOf(driver), Endpoint{}) {
			t.Error("the first load dropped it")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

// An operator's change is not undone by what traffic noted before it.
func TestApplyAfterNote(t *testing.T) {
	store := &fakeRestrictions{}
	r := newRestrictions(t, store)
	out := Restriction{Kind: OptOut, Tenant: "shop", Party: digitsOf(driver)}
	r.Note(RestrictionChange{Restriction: out})
	if err := r.Apply(t.Context(), []RestrictionChange{{Restriction: out, Lifted: true}}); err != nil {
		t.Fatal(err)
	}
	if err := r.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(store.applied) != 1 || !store.applied[0].Lifted || r.OptedOut("shop", digitsOf(driver), Endpoint{}) {
		t.Fatalf("the older change was stored over the newer: %d", len(store.applied))
	}
	store.away = errors.New("away")
	r.Note(RestrictionChange{Restriction: out})
	if r.Apply(t.Context(), []RestrictionChange{{Restriction: out, Lifted: true}}) == nil || r.waiting() != 1 {
		t.Fatal("a change that was not stored took the pending one along")
	}
}

func TestApplyWaitsAsLongAsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeRestrictions{}
		r := newRestrictions(t, store)
		r.writing <- struct{}{} // a store that is slow
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		out := Restriction{Kind: OptOut, Tenant: "shop", Party: digitsOf(driver)}
		if err := r.Apply(ctx, []RestrictionChange{{Restriction: out}}); !errors.Is(err, context.DeadlineExceeded) || store.calls != 0 {
			t.Errorf("%d calls, %v", store.calls, err)
		}
	})
}

func TestTheEndTellsWhatCouldNotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestrictions(t, &fakeRestrictions{away: errors.New("away")})
		r.Note(RestrictionChange{Restriction: Restriction{Kind: OptOut, Party: digitsOf(driver)}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Run(ctx); err == nil {
			t.Fatal("an opt-out was lost in silence")
		}
	})
}

func TestReadersBesideAWriter(t *testing.T) {
	r := newRestrictions(t, &fakeRestrictions{})
	kept := Restriction{Kind: Block, Party: digitsOf(driver)}
	r.Note(RestrictionChange{Restriction: kept})
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !r.Blocked("shop", digitsOf(pairMask), digitsOf(driver)) {
					t.Error("a block that stands was not seen")
					return
				}
			}
		})
	}
	for i := range 2000 {
		other := Restriction{Kind: Block, Party: digitsOf(stranger) + e164.Number(i%50)}
		r.Note(RestrictionChange{Restriction: other, Lifted: i%2 == 1})
	}
	close(stop)
	group.Wait()
}

func TestQuestionsAllocateNothing(t *testing.T) {
	r := newRestrictions(t, &fakeRestrictions{})
	r.Note(RestrictionChange{Restriction: Restriction{Kind: Block, Party: digitsOf(driver)}})
	r.Note(RestrictionChange{Restriction: Restriction{Kind: OptOut, Tenant: "shop", Party: digitsOf(driver)}})
	mask, party := digitsOf(pairMask), digitsOf(stranger)
	if n := testing.AllocsPerRun(100, func() {
		r.Blocked("shop", mask, party)
		r.OptedOut("shop", party, Endpoint{Kind: Account, Name: "shop"})
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkBlocked(b *testing.B) {
	r := newRestrictions(b, &fakeRestrictions{})
	for i := range 10_000 {
		r.Note(RestrictionChange{Restriction: Restriction{Kind: Block, Party: digitsOf(driver) + e164.Number(i+1)}})
	}
	mask, party := digitsOf(pairMask), digitsOf(driver)
	b.ReportAllocs()
	for b.Loop() {
		r.Blocked("shop", mask, party)
	}
}

func TestOptOutsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 3
		core, logged := observer.New(zap.ErrorLevel)
		store := &fakeRestrictions{applied: []RestrictionChange{optOut(1)}}
		reg := prometheus.NewRegistry()
		r, err := NewRestrictions(store, zap.New(core), reg)
		if err != nil {
			t.Fatal(err)
		}
		r.Limit(limit)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		synctest.Wait()
		lifted := optOut(2)
		lifted.Lifted = true
		block := RestrictionChange{Restriction: Restriction{Kind: Block, Party: digitsOf(stranger)}}
		for i, c := range []struct {
			change RestrictionChange
			taken  bool
		}{
			{optOut(2), true},
			{optOut(3), true},
			{optOut(4), false},
			{optOut(3), true}, // again
			{block, true},
			{lifted, true},
			{optOut(4), true},
			{optOut(2), false},
			{optOut(2), false},
		} {
			if r.Note(c.change) != c.taken {
				t.Errorf("change %d: taken is not %v", i, c.taken)
			}
		}
		if r.OptedOut("", optOut(2).Party, Endpoint{}) || !r.OptedOut("", optOut(4).Party, Endpoint{}) {
			t.Error("what was refused is in memory, or what was taken is not")
		}
		time.Sleep(10 * time.Second)
		if n := counted(t, reg, "maskline_numberdb_restrictions_refused_total"); n != 3 || logged.Len() != 1 || logged.All()[0].ContextMap()["refused"] != int64(3) {
			t.Errorf("%v counted, logged %v", n, logged.All())
		}
		// Others' opt-outs, read from the store, are kept.
		store.mu.Lock()
		store.applied = append(store.applied, optOut(5))
		store.mu.Unlock()
		time.Sleep(2 * time.Second)
		if !r.OptedOut("", optOut(5).Party, Endpoint{}) {
			t.Error("an opt-out of the store was left out")
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func counted(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}

func optOut(i int) RestrictionChange {
	return RestrictionChange{Restriction: Restriction{Kind: OptOut, Party: digitsOf("447700900100") + e164.Number(i)}}
}

// BenchmarkOptOuts shows what an opt-out takes in memory, and to be noted among
// so many.
func BenchmarkOptOuts(b *testing.B) {
	const count = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := newRestrictions(b, nil)
	changes := make([]RestrictionChange, count)
	for i := range changes {
		changes[i] = optOut(1000 + i)
	}
	r.take(changes)
	runtime.GC()
	runtime.ReadMemStats(&after)
	i := 0
	for b.Loop() {
		i++
		r.Note(optOut(1000 + i%count))
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/count, "B/opt-out")
}
