package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
	"maskline/numberdb"
)

// Database opens one database, new and empty at first. It may be opened again
// after the store was closed.
type Database func(t *testing.T) numberdb.Store

type contractCase struct {
	name string
	run  func(*testing.T, Database)
}

// Run runs the contract; fresh makes a database of its own for each test.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	for _, c := range append(auditCases(), usageCases()...) {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
	for _, c := range append([]contractCase{
		{"an empty store loads nothing", emptyLoad},
		{"what was applied is loaded", applyAndLoad},
		{"bindings of short codes", shortCodes},
		{"an upsert replaces the whole binding", upsertReplaces},
		{"deleting", deleting},
		{"the last change of a key wins", lastWins},
		{"all changes or none", allOrNothing},
		{"nothing is applied by a context that has ended", cancelledApply},
		{"a context that ends in the middle", interruptedApply},
		{"applying nothing", applyNothing},
		{"what is committed between load and follow is told", betweenLoadAndFollow},
		{"followers see each change up to its position", followersSeeChanges},
		{"positions grow, over a restart too", positionsGrow},
		{"a silent feed proves life", proofOfLife},
		{"follow ends with its context and with the store", followEnds},
		{"a restart keeps everything", restartKeeps},
		{"writers beside one another", manyWriters},
		{"the syncer keeps a table", func(t *testing.T, db Database) { KeepsTable(t, open(t, db), nil) }},
		{"many rows", manyRows},
		{"restrictions are kept until they are lifted", restrictionsKept},
		{"restrictions are told after a position", restrictionsAfter},
		{"restrictions: all changes or none", restrictionsAllOrNone},
		{"restrictions of one number in two forms", restrictionsCanonical},
		{"restrictions noted by edges beside one another", restrictionsFollowed},
	}, slices.Concat(registryCases(), apiKeyCases(), eventCases(), webhookCases())...) {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
}

func open(t *testing.T, db Database) numberdb.Store {
	t.Helper()
	store := db(t)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return store
}

// Opened is a feed that was loaded; the test's end closes it.
func Opened(t *testing.T, store numberdb.Store) numberdb.Feed {
	t.Helper()
	feed, err := store.Feed(t.Context(), 0)
	if err != nil {
		t.Fatalf("opening the feed: %v", err)
	}
	t.Cleanup(func() { _ = feed.Close() }) // some are broken on purpose
	if _, err := feed.Load(t.Context(), func(numberdb.Binding) {}); err != nil {
		t.Fatalf("loading: %v", err)
	}
	return feed
}

// loaded is the snapshot of a feed that is opened for it alone.
func loaded(t *testing.T, store numberdb.Store) numberdb.Snapshot {
	t.Helper()
	feed, err := store.Feed(t.Context(), 0)
	if err != nil {
		t.Fatalf("opening the feed: %v", err)
	}
	snapshot, err := feed.Load(t.Context(), func(numberdb.Binding) {})
	if err := errors.Join(err, feed.Close()); err != nil {
		t.Fatalf("loading: %v", err)
	}
	return snapshot
}

// Apply applies the changes or fails the test.
func Apply(t *testing.T, store numberdb.Store, changes ...numberdb.Change) numberdb.Position {
	t.Helper()
	position, err := store.Apply(t.Context(), changes)
	if err != nil {
		t.Fatalf("applying: %v", err)
	}
	return position
}

var until = time.Date(2030, 1, 31, 12, 0, 0, 123456000, time.UTC)

// Mask is the i-th mask of the tests.
func Mask(i int) e164.Number { return e164.MustParse(fmt.Sprintf("+44111%07d", i)) }

// Party is the i-th party of the tests; its number starts with zeros.
func Party(i int) e164.Number { return e164.MustParse(fmt.Sprintf("00447%07d", i)) }

func shortCode(digits string) e164.Number {
	n, err := e164.ShortCode(998, digits)
	if err != nil {
		panic(err)
	}
	return n
}

// Put is an upsert of a simple binding of (Mask(mask), Party(party)) that leads
// to Party(to).
func Put(mask, party, to int) numberdb.Change {
	return numberdb.Change{Binding: numberdb.Binding{
		Mask: Mask(mask), Party: Party(party), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(to)},
		Present: Mask(mask), Services: numberdb.SMS | numberdb.Voice,
	}}
}

// Delete removes the binding of (Mask(mask), Party(party)).
func Delete(mask, party int) numberdb.Change {
	return numberdb.Change{Binding: numberdb.Binding{Mask: Mask(mask), Party: Party(party)}, Deleted: true}
}

func bindings() []numberdb.Binding {
	return []numberdb.Binding{
		{
			Mask: Mask(1), Party: Party(1), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(2)}, Present: Mask(2),
			Services: numberdb.SMS | numberdb.Voice, Carriers: []string{"bravo", "alfa", "Süd 'x' {,}"}, Expires: until, Tenant: "the \"shop\"",
		},
		{Mask: Mask(1), To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop'\\"}, Present: Mask(1), Services: numberdb.SMS},
		{
			Mask: Mask(2), Party: Party(1), To: numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk,1@[::1]:5090"}, Present: Party(9),
			Services: numberdb.Voice, Expires: time.Unix(0, 0).UTC(),
		},
		{
			Mask: Mask(3), Party: Party(1), To: numberdb.Endpoint{Kind: numberdb.SIP, Name: "desk@pbx.example"}, Present: Party(9),
			Services: numberdb.SMS | numberdb.Voice,
		},
		{
			Mask: e164.MustParse("0000000"), Party: e164.MustParse("000000000000000"), Services: numberdb.SMS,
			To: numberdb.Endpoint{Kind: numberdb.Tel, Number: e164.MustParse("999999999999999")}, Present: e164.MustParse("1234567"),
		},
		{
			Mask: shortCode("60123"), Party: Party(1), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(2)}, Present: shortCode("600"),
			Services: numberdb.SMS, Second: shortCode("000000"),
		},
		{Mask: shortCode("60123"), To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: Mask(1), Services: numberdb.SMS, Expires: until},
	}
}

func emptyLoad(t *testing.T, db Database) {
	if rows := Rows(t, open(t, db)); len(rows) != 0 {
		t.Fatalf("%d rows", len(rows))
	}
}

func applyAndLoad(t *testing.T, db Database) {
	store := open(t, db)
	want := map[Key]numberdb.Binding{}
	var changes []numberdb.Change
	for _, b := range bindings() {
		changes = append(changes, numberdb.Change{Binding: b})
		want[Key{b.Mask, b.Party}] = b
	}
	// Both forms of a mobile are one key; destinations stay as given.
	mobile := numberdb.Binding{
		Mask: e164.MustParse("+5215512345678"), Party: e164.MustParse("+5491123456789"), Present: e164.MustParse("+5215512345678"),
		To: numberdb.Endpoint{Kind: numberdb.Tel, Number: e164.MustParse("+5491123456700")}, Services: numberdb.SMS,
	}
	changes = append(changes, numberdb.Change{Binding: mobile})
	mobile.Mask, mobile.Party = mobile.Mask.Canonical(), mobile.Party.Canonical()
	want[Key{mobile.Mask, mobile.Party}] = mobile
	Apply(t, store, changes...)
	if diff := cmp.Diff(want, Rows(t, store)); diff != "" {
		t.Fatal(diff)
	}
}

// A follower sees them as Load does, and they go as they came.
func shortCodes(t *testing.T, db Database) {
	store := open(t, db)
	follower := Follow(t, store)
	code := numberdb.Binding{
		Mask: shortCode("60123"), Party: Party(1), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: Party(2)}, Present: shortCode("60123"),
		Services: numberdb.SMS,
	}
	alike := Put(1, 1, 2).Binding // its mask has the digits of calling code and short code
	alike.Mask = e164.MustParse("99860123")
	follower.WaitFor(t, Apply(t, store, numberdb.Change{Binding: code}, numberdb.Change{Binding: alike}))
	follower.WaitEqual(t, store)
	if diff := cmp.Diff(map[Key]numberdb.Binding{{code.Mask, Party(1)}: code, {alike.Mask, Party(1)}: alike}, Rows(t, store)); diff != "" {
		t.Fatal(diff)
	}
	refused := code
	refused.Services = numberdb.SMS | numberdb.Voice
	if _, err := store.Apply(t.Context(), []numberdb.Change{{Binding: refused}}); !errors.Is(err, numberdb.ErrShortServices) {
		t.Errorf("calls of a short code: %v", err)
	}
	follower.WaitFor(t, Apply(t, store, numberdb.Change{Binding: numberdb.Binding{Mask: code.Mask, Party: Party(1)}, Deleted: true}))
	follower.WaitEqual(t, store)
	if rows := Rows(t, store); len(rows) != 1 || rows[Key{alike.Mask, Party(1)}].Mask != alike.Mask {
		t.Errorf("%d rows left", len(rows))
	}
}

func upsertReplaces(t *testing.T, db Database) {
	store := open(t, db)
	first := bindings()[0]
	second := Put(1, 1, 7).Binding
	Apply(t, store, numberdb.Change{Binding: first})
	Apply(t, store, numberdb.Change{Binding: second})
	if diff := cmp.Diff(map[Key]numberdb.Binding{{Mask(1), Party(1)}: second}, Rows(t, store)); diff != "" {
		t.Fatal(diff)
	}
}

func deleting(t *testing.T, db Database) {
	store := open(t, db)
	Apply(t, store, Put(1, 1, 2), Put(1, 2, 3), Put(2, 1, 2))
	Apply(t, store, Delete(1, 1), Delete(3, 3))
	rows := Rows(t, store)
	if _, there := rows[Key{Mask(1), Party(1)}]; there || len(rows) != 2 {
		t.Fatalf("%d rows left", len(rows))
	}
}

func lastWins(t *testing.T, db Database) {
	store := open(t, db)
	follower := Follow(t, store)
	position := Apply(t, store,
		Put(1, 1, 2), Put(1, 1, 3), // the second
		Put(2, 1, 2), Delete(2, 1), // none
		Delete(3, 1), Put(3, 1, 4), // the put
	)
	want := map[Key]numberdb.Binding{
		{Mask(1), Party(1)}: Put(1, 1, 3).Binding,
		{Mask(3), Party(1)}: Put(3, 1, 4).Binding,
	}
	if diff := cmp.Diff(want, Rows(t, store)); diff != "" {
		t.Fatal(diff)
	}
	follower.WaitFor(t, position)
	follower.WaitEqual(t, store)
}

func allOrNothing(t *testing.T, db Database) {
	store := open(t, db)
	Apply(t, store, Put(1, 1, 2))
	before := Digest(Rows(t, store))
	bad := Put(3, 3, 3)
	bad.Binding.Services = 0
	for _, changes := range [][]numberdb.Change{
		{Put(2, 1, 2), Delete(1, 1), bad},
		{Put(2, 1, 2), {Deleted: true}},
	} {
		if _, err := store.Apply(t.Context(), changes); err == nil {
			t.Fatal("a change that makes no binding was accepted")
		}
	}
	if Digest(Rows(t, store)) != before {
		t.Fatal("a part was applied")
	}
}

func cancelledApply(t *testing.T, db Database) {
	store := open(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Apply(ctx, []numberdb.Change{Put(1, 1, 2)}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if len(Rows(t, store)) != 0 {
		t.Fatal("it was applied all the same")
	}
	if _, err := store.Load(ctx, func(numberdb.Binding) {}); !errors.Is(err, context.Canceled) {
		t.Fatalf("loading: %v", err)
	}
	Apply(t, store, Put(1, 1, 2))
}

func interruptedApply(t *testing.T, db Database) {
	store := open(t, db)
	follower := Follow(t, store)
	const rows = 2000
	interrupted := 0
	for round := range 10 {
		changes := make([]numberdb.Change, rows)
		for i := range changes {
			changes[i] = Put(i, round, i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(round*round)*2*time.Millisecond)
		_, err := store.Apply(ctx, changes)
		cancel()
		there := 0
		for key := range Rows(t, store) {
			if key[1] == Party(round) {
				there++
			}
		}
		switch {
		case err == nil && there == rows:
		case err != nil && there == 0:
			interrupted++
		case errors.Is(err, numberdb.ErrOutcomeUnknown) && there == rows:
		default:
			t.Fatalf("round %d: %d of %d rows are there, and Apply said %v", round, there, rows, err)
		}
	}
	if interrupted == 0 {
		t.Fatal("no context ended in the middle")
	}
	follower.WaitFor(t, Apply(t, store, Put(0, 100, 0)))
	follower.WaitEqual(t, store)
}

func applyNothing(t *testing.T, db Database) {
	store := open(t, db)
	follower := Follow(t, store)
	follower.WaitFor(t, Apply(t, store))
}

func betweenLoadAndFollow(t *testing.T, db Database) {
	store := open(t, db)
	Apply(t, store, Put(1, 1, 2))
	feed := Opened(t, store)
	position := Apply(t, store, Put(2, 1, 2), Delete(1, 1))
	ctx, cancel := context.WithTimeout(t.Context(), Deadline)
	defer cancel()
	told := map[Key]bool{}
	err := feed.Follow(ctx, func(batch numberdb.Batch) {
		for _, c := range batch.Changes {
			told[Key{c.Binding.Mask, c.Binding.Party}] = c.Deleted
		}
		if batch.Position >= position {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("following: %v", err)
	}
	if deleted, ok := told[Key{Mask(1), Party(1)}]; !ok || !deleted {
		t.Error("the deletion was not told")
	}
	if deleted, ok := told[Key{Mask(2), Party(1)}]; !ok || deleted {
		t.Error("the insertion was not told")
	}
}

func followersSeeChanges(t *testing.T, db Database) {
	store := open(t, db)
	Apply(t, store, Put(0, 0, 1))
	followers := []*Follower{Follow(t, store), Follow(t, store)}
	for i := range 50 {
		change := Put(i%7, 1, i)
		if i%3 == 0 {
			change = Delete(i%7, 1)
		}
		position := Apply(t, store, change)
		key := Key{change.Binding.Mask, change.Binding.Party}
		for _, f := range followers {
			f.WaitFor(t, position)
			f.mu.Lock()
			got, there := f.rows[key]
			f.mu.Unlock()
			if there == change.Deleted || there && got.To.Number != Party(i) {
				t.Fatalf("step %d: the follower was at the position without the change", i)
			}
		}
	}
	for _, f := range followers {
		f.WaitEqual(t, store)
	}
}

func positionsGrow(t *testing.T, db Database) {
	var last numberdb.Position
	for range 2 {
		store := db(t)
		for i := range 20 {
			position := Apply(t, store, Put(i, 1, 2))
			if position <= last {
				t.Fatalf("position %d after %d", position, last)
			}
			snapshot := loaded(t, store)
			if snapshot.Position < last {
				t.Fatalf("a snapshot at %d after a commit at %d", snapshot.Position, last)
			}
			last = position
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func proofOfLife(t *testing.T, db Database) {
	follower := Follow(t, open(t, db))
	follower.eventually(t, "a second sign of life", func() bool { return follower.calls >= 2 })
}

func followEnds(t *testing.T, db Database) {
	store := db(t)
	feed := Opened(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- feed.Follow(ctx, func(numberdb.Batch) { cancel() }) }()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the context ended and Follow said %v", err)
	}
	alive := make(chan struct{}, 1)
	again := Opened(t, store)
	go func() {
		ended <- again.Follow(t.Context(), func(numberdb.Batch) {
			select {
			case alive <- struct{}{}:
			default:
			}
		})
	}()
	<-alive
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, numberdb.ErrClosed) {
		t.Fatalf("the store was closed and Follow said %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
	if _, err := store.Apply(t.Context(), nil); !errors.Is(err, numberdb.ErrClosed) {
		t.Errorf("Apply on a closed store: %v", err)
	}
	if _, err := store.Load(t.Context(), func(numberdb.Binding) {}); !errors.Is(err, numberdb.ErrClosed) {
		t.Errorf("Load of a closed store: %v", err)
	}
	if _, err := store.Feed(t.Context(), 0); !errors.Is(err, numberdb.ErrClosed) {
		t.Errorf("Feed of a closed store: %v", err)
	}
}

func restartKeeps(t *testing.T, db Database) {
	store := db(t)
	for _, b := range bindings() {
		Apply(t, store, numberdb.Change{Binding: b})
	}
	before := Rows(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, Rows(t, open(t, db))); diff != "" {
		t.Fatal(diff)
	}
}

// manyWriters ends with a follower that equals the database, whatever the order
// in which the commits came.
func manyWriters(t *testing.T, db Database) {
	store := open(t, db)
	follower := Follow(t, store)
	const writers, steps, masks, parties = 8, 60, 5, 9
	var last numberdb.Position
	var mu sync.Mutex
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			for step := range steps {
				changes := make([]numberdb.Change, 1+random.IntN(4))
				for i := range changes {
					mask, party := i, random.IntN(parties)
					if random.IntN(3) == 0 {
						changes[i] = Delete(mask%masks, party)
					} else {
						changes[i] = Put(mask%masks, party, 1000*w+step)
					}
				}
				position, err := store.Apply(t.Context(), changes)
				if err != nil {
					t.Errorf("applying: %v", err)
					return
				}
				mu.Lock()
				last = max(last, position)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	follower.WaitFor(t, last)
	follower.WaitEqual(t, store)
}

func manyRows(t *testing.T, db Database) {
	store := open(t, db)
	follower := Follow(t, store)
	changes := make([]numberdb.Change, manyRowsCount)
	for i := range changes {
		changes[i] = Put(i%2000, i/2000, i)
	}
	position := Apply(t, store, changes...)
	follower.WaitFor(t, position)
	loaded := 0
	if _, err := store.Load(t.Context(), func(numberdb.Binding) { loaded++ }); err != nil || loaded != manyRowsCount {
		t.Fatalf("%d rows, %v", loaded, err)
	}
	follower.WaitEqual(t, store)
}
