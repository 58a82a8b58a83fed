package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
)

// restrictions is the part of a store that keeps them.
func restrictions(t *testing.T, store numberdb.Store) numberdb.RestrictionStore {
	t.Helper()
	r, ok := store.(numberdb.RestrictionStore)
	if !ok {
		t.Fatal("the store keeps no restrictions")
	}
	return r
}

var since = time.Date(2026, 3, 4, 5, 6, 7, 891_000, time.UTC)

// Restricted is the i-th of some restrictions of every form.
func Restricted(i int) numberdb.Restriction {
	r := numberdb.Restriction{Kind: numberdb.OptOut, Tenant: "shop", Party: Party(i), Since: since}
	switch i % 5 {
	case 1:
		r.Peer = numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(i + 1)}
	case 2:
		r.Peer = numberdb.Endpoint{Kind: numberdb.Account, Name: "shop-in"}
	case 3:
		r.Kind, r.Mask, r.Tenant = numberdb.Block, Mask(i), ""
	case 4:
		r.Kind, r.Mask, r.Party = numberdb.Block, Mask(i), 0
	}
	return r
}

func set(numbers ...int) (changes []numberdb.RestrictionChange) {
	for _, i := range numbers {
		changes = append(changes, numberdb.RestrictionChange{Restriction: Restricted(i)})
	}
	return changes
}

func lift(numbers ...int) []numberdb.RestrictionChange {
	changes := set(numbers...)
	for i := range changes {
		changes[i].Lifted = true
	}
	return changes
}

func restrict(t *testing.T, store numberdb.RestrictionStore, changes ...numberdb.RestrictionChange) {
	t.Helper()
	if err := store.ApplyRestrictions(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
}

// told reads what a store tells after a position; true means lifted.
func told(t *testing.T, store numberdb.RestrictionStore, after numberdb.Position) (map[numberdb.Restriction]bool, numberdb.Position) {
	t.Helper()
	all := map[numberdb.Restriction]bool{}
	read, err := store.ReadRestrictions(t.Context(), after, func(c numberdb.RestrictionChange) { all[c.Restriction] = c.Lifted })
	if err != nil || read.Refused != 0 {
		t.Fatalf("%d refused, %v", read.Refused, err)
	}
	return all, read.Position
}

func wantTold(t *testing.T, got map[numberdb.Restriction]bool, changes ...numberdb.RestrictionChange) {
	t.Helper()
	want := map[numberdb.Restriction]bool{}
	for _, c := range changes {
		want[c.Restriction] = c.Lifted
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func restrictionsKept(t *testing.T, db Database) {
	store := db(t)
	kept := restrictions(t, store)
	restrict(t, kept, set(0, 1, 2, 3, 4, 5)...)
	restrict(t, kept, lift(5, 9)...)
	got, first := told(t, kept, 0)
	wantTold(t, got, set(0, 1, 2, 3, 4)...)
	if first == 0 {
		t.Fatal("the position is 0, which means from the start")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	got, again := told(t, restrictions(t, open(t, db)), 0)
	wantTold(t, got, set(0, 1, 2, 3, 4)...)
	if again != first {
		t.Fatalf("position %d after a restart, %d before", again, first)
	}
}

func restrictionsAfter(t *testing.T, db Database) {
	store := restrictions(t, open(t, db))
	restrict(t, store, set(0, 1)...)
	_, before := told(t, store, 0)
	got, same := told(t, store, before)
	if wantTold(t, got); same != before {
		t.Fatal("the position moved although nothing changed")
	}
	restrict(t, store, set(2, 3)...)
	restrict(t, store, lift(0, 3)...)
	got, after := told(t, store, before)
	wantTold(t, got, append(set(2), lift(0, 3)...)...)
	if after <= before {
		t.Fatalf("position %d after %d", after, before)
	}
	// Of one key the last change stands, within a transaction too.
	restrict(t, store, append(lift(1), set(1)...)...)
	got, _ = told(t, store, after)
	wantTold(t, got, set(1)...)
}

func restrictionsAllOrNone(t *testing.T, db Database) {
	store := restrictions(t, open(t, db))
	bad := numberdb.RestrictionChange{Restriction: numberdb.Restriction{Kind: numberdb.OptOut, Tenant: "shop"}}
	if err := store.ApplyRestrictions(t.Context(), append(set(0), bad)); !errors.Is(err, numberdb.ErrOptOut) {
		t.Fatalf("an opt-out of nobody: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.ApplyRestrictions(ended, set(1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("a context that had ended: %v", err)
	}
	restrict(t, store)
	got, _ := told(t, store, 0)
	wantTold(t, got)
}

func restrictionsCanonical(t *testing.T, db Database) {
	store := restrictions(t, open(t, db))
	long := Restricted(1)
	long.Party, long.Peer.Number = e164.MustParse("5491123456789"), e164.MustParse("5215512345678")
	restrict(t, store, numberdb.RestrictionChange{Restriction: long})
	short := long
	short.Party, short.Peer.Number = e164.MustParse("541123456789"), e164.MustParse("525512345678")
	got, _ := told(t, store, 0)
	wantTold(t, got, numberdb.RestrictionChange{Restriction: short})
	restrict(t, store, numberdb.RestrictionChange{Restriction: long, Lifted: true})
	got, _ = told(t, store, 0)
	wantTold(t, got)
}

// restrictionsFollowed has two edges: what one notes, the other holds soon, and
// both after a restart.
func restrictionsFollowed(t *testing.T, db Database) {
	store := open(t, db)
	one, stopOne := keep(t, store)
	two, _ := keep(t, store)
	party, peer := Party(1), Restricted(1).Peer
	one.Note(set(1)[0])
	if !one.OptedOut("shop", party, peer) {
		t.Fatal("what was noted does not hold at once")
	}
	Eventually(t, "the other edge's opt-out", func() bool { return two.OptedOut("shop", party, peer) })
	two.Note(lift(1)[0])
	Eventually(t, "its end", func() bool { return !one.OptedOut("shop", party, peer) })
	if err := two.Apply(t.Context(), set(3)); err != nil || !two.Blocked("", Mask(3), Party(3)) {
		t.Fatalf("what was applied does not hold: %v", err)
	}
	// The end of an edge stores what is still pending.
	one.Note(set(5)[0])
	stopOne()
	three, _ := keep(t, store)
	if !three.OptedOut("shop", Party(5), numberdb.Endpoint{}) || !three.Blocked("x", Mask(3), Party(3)) || three.OptedOut("shop", party, peer) {
		t.Fatal("an edge that starts holds something else")
	}
}

// keep runs a list over the store until the test ends or stop.
func keep(t *testing.T, store numberdb.Store) (list *numberdb.Restrictions, stop func()) {
	t.Helper()
	list, err := numberdb.NewRestrictions(restrictions(t, store), zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := list.Run(ctx); err != nil {
			t.Errorf("the list ended: %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	Eventually(t, "the restrictions", list.Loaded)
	return list, stop
}
