package storetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"maskline/numberdb"
)

func claimsTold(t *testing.T, db Database) {
	r := openRegistry(t, db)
	follower := Follow(t, r)
	Apply(t, r, Put(500, 500, 1), Put(501, 501, 2))
	before := Apply(t, r, Put(502, 502, 3))
	w := numberdb.Writes{Bindings: []numberdb.Change{Delete(500, 500), Put(503, 503, 4), Put(501, 501, 9)}}
	for i := range 20 {
		w.Claims = append(w.Claims, SessionClaims(i)...)
		w.Sessions = append(w.Sessions, Session(i))
	}
	slices.Reverse(w.Claims)
	position := Commit(t, r, w)
	if position <= before {
		t.Errorf("position %d after %d", position, before)
	}
	follower.WaitFor(t, position)
	follower.WaitEqual(t, r)
	rows := Rows(t, r)
	if len(rows) != 3+40 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, want := range w.Claims {
		if diff := gocmp.Diff(want, rows[Key{want.Mask, want.Party}]); diff != "" {
			t.Fatal(diff)
		}
	}
}

// wantConflict commits and wants exactly those keys and attempts taken.
func wantConflict(t *testing.T, r numberdb.Registry, w numberdb.Writes, keys []numberdb.BindingKey, attempts []numberdb.AttemptKey) {
	t.Helper()
	_, err := r.Commit(t.Context(), &w)
	var c *numberdb.Conflict
	if !errors.As(err, &c) || errors.Is(err, numberdb.ErrOutcomeUnknown) {
		t.Fatalf("not a conflict: %v", err)
	}
	byMask := func(a, b numberdb.BindingKey) int {
		return cmp.Or(cmp.Compare(a.Mask, b.Mask), cmp.Compare(a.Party, b.Party))
	}
	byKey := func(a, b numberdb.AttemptKey) int { return cmp.Compare(a.Key, b.Key) }
	slices.SortFunc(c.Keys, byMask)
	slices.SortFunc(c.Attempts, byKey)
	slices.SortFunc(keys, byMask)
	slices.SortFunc(attempts, byKey)
	if !slices.Equal(c.Keys, keys) || !slices.Equal(c.Attempts, attempts) {
		t.Fatalf("%d bindings and %d keys are taken, wanted %d and %d", len(c.Keys), len(c.Attempts), len(keys), len(attempts))
	}
}

func conflictLeavesNothing(t *testing.T, db Database) {
	r := openRegistry(t, db)
	follower := Follow(t, r)
	Commit(t, r, numberdb.Writes{Claims: SessionClaims(1), Sessions: []numberdb.Session{Session(1)}})
	forever := Put(600, 600, 1) // by hand, without an end
	Apply(t, r, forever)
	rows := Rows(t, r)

	free, taken := SessionClaims(2), SessionClaims(1)
	taken[0].Session, taken[1].Session = Session(2).ID, Session(2).ID
	w := numberdb.Writes{
		Bindings: []numberdb.Change{Put(700, 700, 1), Delete(601, 600)},
		Claims:   []numberdb.Binding{free[0], taken[1], free[1], taken[0], forever.Binding},
		Sessions: []numberdb.Session{Session(2)},
		Attempts: []numberdb.Attempt{Attempt(1)},
		Tenants:  []numberdb.Tenant{{Name: "shop", Created: moment(1)}},
		Pools:    samplePools(),
		Masks:    sampleMasks(),
		Events:   []numberdb.MaskEvent{{Mask: Mask(1), At: moment(1), Actor: "x"}},
		Gone:     numberdb.Gone{Sessions: []numberdb.ID{Session(1).ID}},
	}
	wantConflict(t, r, w, []numberdb.BindingKey{taken[0].Key(), taken[1].Key(), forever.Binding.Key()}, nil)
	if !maps.EqualFunc(rows, Rows(t, r), equal) {
		t.Error("bindings have changed")
	}
	wantInventory(t, r, nil, nil)
	if got := Sessions(t, r, numberdb.SessionQuery{}); len(got) != 1 || got[0].ID != Session(1).ID {
		t.Errorf("%d sessions", len(got))
	}
	tenants, err := r.Tenants(t.Context())
	if len(tenants) != 0 || err != nil {
		t.Error("a tenant was written", err)
	}
	history, err := r.History(t.Context(), Mask(1), 0)
	if len(history) != 0 || err != nil {
		t.Error("a line of the history was written", err)
	}
	// Without what is taken the same writes are fine.
	w.Claims = free
	follower.WaitFor(t, Commit(t, r, w))
	follower.WaitEqual(t, r)
}

func claimsOver(t *testing.T, db Database) {
	r := openRegistry(t, db)
	now, session := clock(), numberdb.ID(7)
	for i, c := range []struct {
		name          string
		session       numberdb.ID
		expires, keep time.Time
		over          bool
	}{
		{"live", session, now.Add(time.Hour), now.Add(2 * time.Hour), false},
		{"ended and kept", session, now.Add(-time.Hour), now.Add(time.Hour), false},
		{"ended and no longer kept", session, now.Add(-2 * time.Hour), now.Add(-time.Second), true},
		{"ended and never kept", session, now.Add(-time.Second), time.Time{}, true},
		{"by hand, without end", 0, time.Time{}, time.Time{}, false},
		{"by hand, ended lately", 0, now.Add(-numberdb.KeepByHand + time.Hour), time.Time{}, false},
		{"by hand, ended long ago", 0, now.Add(-numberdb.KeepByHand - time.Second), time.Time{}, true},
		{"by hand, without end, no longer kept", 0, time.Time{}, now.Add(-time.Hour), false},
		{"by hand, kept", 0, time.Time{}, now.Add(time.Hour), false},
	} {
		old := Put(i, i, i)
		old.Binding.Session, old.Binding.Expires, old.Binding.Keep = c.session, c.expires, c.keep
		if old.Binding.Over(now) != c.over {
			t.Errorf("%s: Over", c.name)
		}
		Apply(t, r, old)
		claim := Put(i, i, i+1).Binding
		claim.Session, claim.Expires = 8, now.Add(time.Hour)
		if !c.over {
			wantConflict(t, r, numberdb.Writes{Claims: []numberdb.Binding{claim}}, []numberdb.BindingKey{claim.Key()}, nil)
			continue
		}
		Commit(t, r, numberdb.Writes{Claims: []numberdb.Binding{claim}})
		if got := Rows(t, r)[Key{claim.Mask, claim.Party}]; !equal(got, claim) || got.Session != 8 {
			t.Errorf("%s: the old binding stands", c.name)
		}
	}
}

func claimsReplaced(t *testing.T, db Database) {
	r := openRegistry(t, db)
	follower := Follow(t, r)
	now := clock()
	binding := func(i int, session numberdb.ID, expires time.Time) numberdb.Binding {
		b := Put(i, i, int(session)).Binding
		b.Session, b.Expires, b.Keep = session, expires, now.Add(24*time.Hour)
		return b
	}
	ended, live := binding(1, 7, now.Add(-time.Minute)), binding(2, 7, now.Add(time.Hour))
	Commit(t, r, numberdb.Writes{Claims: []numberdb.Binding{ended, live}})
	again := func(old numberdb.Binding, of numberdb.ID) numberdb.Writes {
		claim := old
		claim.Session, claim.Expires = 8, now.Add(2*time.Hour)
		return numberdb.Writes{Claims: []numberdb.Binding{claim}, Replaced: []numberdb.Replaced{{Key: old.Key(), Session: of}}}
	}
	wantConflict(t, r, again(live, 7), []numberdb.BindingKey{live.Key()}, nil)
	wantConflict(t, r, again(ended, 9), []numberdb.BindingKey{ended.Key()}, nil)
	// Where the claim beside it is taken, what would be replaced stays.
	both := again(ended, 7)
	both.Claims = append(both.Claims, again(live, 7).Claims...)
	wantConflict(t, r, both, []numberdb.BindingKey{live.Key()}, nil)
	if got := Rows(t, r)[Key{ended.Mask, ended.Party}]; got.Session != 7 {
		t.Fatalf("it was replaced by session %d", got.Session)
	}
	follower.WaitFor(t, Commit(t, r, again(ended, 7)))
	follower.WaitEqual(t, r)
	if got := Rows(t, r)[Key{ended.Mask, ended.Party}]; got.Session != 8 {
		t.Fatalf("it is session %d's", got.Session)
	}
	fresh := binding(3, 7, now.Add(time.Hour)) // nothing was there
	follower.WaitFor(t, Commit(t, r, again(fresh, 7)))
	follower.WaitEqual(t, r)
}

// Attempt is the i-th of some requests with an idempotency key.
func Attempt(i int) numberdb.Attempt {
	return numberdb.Attempt{
		Tenant: "shop", Key: "key of +447700900123\x00" + string(rune('a'+i)), Fingerprint: []byte{1, 2, byte(i)},
		Response: numberdb.ID(100 + i), Until: clock().Add(24 * time.Hour),
	}
}

func attemptsOnce(t *testing.T, db Database) {
	r := openRegistry(t, db)
	ask := func(a numberdb.Attempt, at time.Time) (numberdb.ID, bool, error) {
		return r.Attempted(t.Context(), &a, at)
	}
	want := func(what string, a numberdb.Attempt, at time.Time, wantID numberdb.ID, wantErr error) {
		t.Helper()
		id, ok, err := ask(a, at)
		if id != wantID || ok != (wantID != 0) || !errors.Is(err, wantErr) {
			t.Errorf("%s: %d, %v, %v", what, id, ok, err)
		}
	}
	now := clock()
	want("before", Attempt(1), now, 0, nil)
	Commit(t, r, numberdb.Writes{Attempts: []numberdb.Attempt{Attempt(2), Attempt(1)}})
	want("the same request", Attempt(1), now, 101, nil)
	want("when it is forgotten", Attempt(1), now.Add(25*time.Hour), 0, nil)
	other := Attempt(1)
	other.Fingerprint = []byte{9}
	want("another request", other, now, 0, numberdb.ErrOtherRequest)
	elsewhere := Attempt(1)
	elsewhere.Tenant = "other"
	want("another tenant's", elsewhere, now, 0, nil)

	wantConflict(t, r, numberdb.Writes{Attempts: []numberdb.Attempt{Attempt(3), Attempt(1)}, Claims: SessionClaims(1)},
		nil, []numberdb.AttemptKey{{Tenant: "shop", Key: Attempt(1).Key}})
	want("beside one that is used", Attempt(3), now, 0, nil)
	if len(Rows(t, r)) != 0 {
		t.Error("a binding was written")
	}
	old := Attempt(4)
	old.Until = now.Add(-time.Second)
	Commit(t, r, numberdb.Writes{Attempts: []numberdb.Attempt{old}})
	Commit(t, r, numberdb.Writes{Attempts: []numberdb.Attempt{Attempt(4)}})
	want("a key used anew", Attempt(4), now, 104, nil)
}

func badWrites(t *testing.T, db Database) {
	r := openRegistry(t, db)
	bad := map[string]numberdb.Writes{
		"binding": {Bindings: []numberdb.Change{{}}}, "claim": {Claims: []numberdb.Binding{{}}}, "session": {Sessions: []numberdb.Session{{}}},
		"attempt": {Attempts: []numberdb.Attempt{{}}}, "tenant": {Tenants: []numberdb.Tenant{{}}}, "pool": {Pools: []numberdb.Pool{{}}},
		"mask": {Masks: []numberdb.Mask{{}}}, "event": {Events: []numberdb.MaskEvent{{}}},
		"a claim twice":            {Claims: append(SessionClaims(1), SessionClaims(1)[0])},
		"a claim that is put, too": {Claims: SessionClaims(1), Bindings: []numberdb.Change{{Binding: SessionClaims(1)[1]}}},
		"a place for nobody":       {Replaced: []numberdb.Replaced{{Key: SessionClaims(1)[0].Key(), Session: 1}}},
		"a key twice":              {Attempts: []numberdb.Attempt{Attempt(1), Attempt(1)}},
	}
	for name, w := range bad {
		w.Tenants = append([]numberdb.Tenant{{Name: "good", Created: moment(1)}}, w.Tenants...)
		if _, err := r.Commit(t.Context(), &w); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if tenants, err := r.Tenants(t.Context()); len(tenants) != 0 || err != nil {
		t.Error("something was written", err)
	}
}

func sessionGroup(from, count int) numberdb.Writes {
	var w numberdb.Writes
	for i := from; i < from+count; i++ {
		w.Claims, w.Sessions = append(w.Claims, SessionClaims(i)...), append(w.Sessions, Session(i))
	}
	return w
}

// commitCancelled: whatever a commit is told in the middle, all or nothing of it
// is there, and its answer is right.
func commitCancelled(t *testing.T, db Database) {
	r := openRegistry(t, db)
	ended, end := context.WithCancel(t.Context())
	end()
	w := sessionGroup(0, 3)
	if err := commitUnder(ended, r, &w); !errors.Is(err, context.Canceled) || len(Rows(t, r)) != 0 {
		t.Fatalf("a context that had ended: %v", err)
	}
	random := rand.New(rand.NewPCG(5, 2))
	const size = 40
	done := 0
	for round := range 30 {
		w := sessionGroup(1000+round*size, size)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(8000))*time.Microsecond)
		err := commitUnder(ctx, r, &w)
		cancel()
		found := Sessions(t, r, numberdb.SessionQuery{After: w.Sessions[0].ID - 1, Limit: size})
		switch {
		case err == nil && len(found) != size, err != nil && !errors.Is(err, numberdb.ErrOutcomeUnknown) && len(found) != 0,
			len(found) != 0 && len(found) != size:
			t.Fatalf("round %d: %d sessions after %v", round, len(found), err)
		}
		done += len(found)
	}
	if rows := len(Rows(t, r)); rows != 2*done {
		t.Fatalf("%d bindings of %d sessions", rows, done)
	}
}

// crossingClaims has committers that want the same keys in other orders and
// groups: each key has one winner, of a commit that was whole.
func crossingClaims(t *testing.T, db Database) {
	r := openRegistry(t, db)
	follower := Follow(t, r)
	const committers, rounds, keys, size = 6, 12, 60, 6
	var mu sync.Mutex
	owners := map[numberdb.BindingKey]numberdb.ID{}
	var group sync.WaitGroup
	for c := range committers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 9))
			for round := range rounds {
				s := Session(c*rounds + round)
				w := numberdb.Writes{Sessions: []numberdb.Session{s}}
				for _, k := range random.Perm(keys)[:size] {
					b := Put(k%7, k, k).Binding
					b.Session, b.Expires, b.Keep = s.ID, s.Expires, s.Keep
					w.Claims = append(w.Claims, b)
				}
				// A change of another row makes it lock and write, too.
				w.Bindings = []numberdb.Change{Put(100+random.IntN(5), random.IntN(5), round), Delete(100+random.IntN(5), 50+random.IntN(5))}
				_, err := r.Commit(t.Context(), &w)
				var conflict *numberdb.Conflict
				mu.Lock()
				switch {
				case errors.As(err, &conflict):
					if len(conflict.Keys) == 0 {
						t.Error("a conflict without keys")
					}
				case err != nil:
					t.Errorf("committing: %v", err)
				default:
					for i := range w.Claims {
						key := w.Claims[i].Key()
						if _, twice := owners[key]; twice {
							t.Error("a key was given twice")
						}
						owners[key] = s.ID
					}
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	won := map[numberdb.ID]int{}
	for key, b := range Rows(t, r) {
		if b.Session != 0 {
			won[b.Session]++
			if owners[numberdb.BindingKey{Mask: key[0], Party: key[1]}] != b.Session {
				t.Fatal("a binding is another session's than was told")
			}
		}
	}
	sessions := Sessions(t, r, numberdb.SessionQuery{})
	if len(sessions) != len(won) || len(won) == 0 || len(owners) != size*len(won) {
		t.Fatalf("%d sessions, %d with bindings, %d keys", len(sessions), len(won), len(owners))
	}
	for id, count := range won {
		if count != size {
			t.Errorf("session %d has %d bindings", id, count)
		}
	}
	follower.WaitEqual(t, r)
}
