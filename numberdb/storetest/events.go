package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"maskline/numberdb"
)

// Events is what each store offers of events.
type Events interface {
	Registry
	numberdb.EventStore
	numberdb.ExpiryStore
}

func eventCases() []contractCase {
	return []contractCase{
		{"events keep every field, over a restart too", eventsKept},
		{"events of a session are counted", eventsCounted},
		{"what is told once is told once", eventsOnce},
		{"a commit that fails tells nothing", eventsWithTheirChange},
		{"a cursor misses nothing of many committers", eventsFollowed},
		{"the end by time is told once, of what time has ended", expiriesTold},
		{"what expired while nobody told is found", expiriesFound},
		{"old events go, a session's last one stays", eventsPurged},
	}
}

func openEvents(t *testing.T, db Database) Events {
	t.Helper()
	e, ok := open(t, db).(Events)
	if !ok {
		t.Fatal("the store keeps no events")
	}
	return e
}

func event(id, session int, kind string) numberdb.Event {
	return numberdb.Event{ID: numberdb.ID(id), Tenant: "shop", Type: kind, Session: numberdb.ID(session), At: moment(id)}
}

func readEvents(t *testing.T, s numberdb.EventStore, q numberdb.EventQuery) []numberdb.Event {
	t.Helper()
	found, err := s.Events(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var withoutPosition = cmpopts.IgnoreFields(numberdb.Event{}, "Position")

func wantEvents(t *testing.T, what string, got []numberdb.Event, want ...numberdb.Event) {
	t.Helper()
	if diff := cmp.Diff(want, got, withoutPosition, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func eventsKept(t *testing.T, db Database) {
	s := openEvents(t, db)
	start, err := s.EndOfEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second, foreign := event(1, 7, "session.created"), event(2, 0, "carrier.up"), event(3, 0, "carrier.down")
	first.Data, second.Once, foreign.Tenant = []byte(`{"shape":"per_side"}`), "a word", ""
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{first, second, foreign}})
	first.Sequence = 1
	all := readEvents(t, s, numberdb.EventQuery{Tenant: "shop"})
	wantEvents(t, "a tenant's", all, first, second)
	wantEvents(t, "the operator's", readEvents(t, s, numberdb.EventQuery{}), foreign)
	wantEvents(t, "a page", readEvents(t, s, numberdb.EventQuery{Tenant: "shop", Limit: 1}), first)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openEvents(t, db)
	wantEvents(t, "from an end before", readEvents(t, s, numberdb.EventQuery{Tenant: "shop", After: start}), first, second)
	at, err := s.EventPosition(t.Context(), "shop", 1)
	if err != nil || at != all[0].Position {
		t.Errorf("%v, %v", at, err)
	}
	wantEvents(t, "after the first", readEvents(t, s, numberdb.EventQuery{Tenant: "shop", After: at}), second)
	for _, of := range []struct {
		tenant string
		id     numberdb.ID
	}{{"shop", 99}, {"other", 1}, {"", 1}} {
		if _, err := s.EventPosition(t.Context(), of.tenant, of.id); !errors.Is(err, numberdb.ErrNoEvent) {
			t.Errorf("%q finds %d: %v", of.tenant, of.id, err)
		}
	}
}

func eventsCounted(t *testing.T, db Database) {
	s := openEvents(t, db)
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{event(1, 7, "a.b"), event(2, 8, "a.b"), event(3, 7, "a.c")}})
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{event(4, 7, "a.d"), event(5, 0, "a.d"), event(6, 8, "a.e")}})
	var got []string
	for _, e := range readEvents(t, s, numberdb.EventQuery{Tenant: "shop"}) {
		got = append(got, fmt.Sprintf("%d: %d of %d", e.ID, e.Sequence, e.Session))
	}
	want := []string{"1: 1 of 7", "2: 1 of 8", "3: 2 of 7", "4: 3 of 7", "5: 0 of 0", "6: 2 of 8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func eventsOnce(t *testing.T, db Database) {
	s := openEvents(t, db)
	low := func(id int, once string) numberdb.Event {
		e := event(id, 0, "pool.low")
		e.Once = once
		return e
	}
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{low(1, "x"), low(2, "x"), low(3, "y")}})
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{low(4, "y"), low(5, "z"), low(6, "")}})
	var got []int
	for _, e := range readEvents(t, s, numberdb.EventQuery{Tenant: "shop"}) {
		got = append(got, int(e.ID))
	}
	if !slices.Equal(got, []int{1, 3, 5, 6}) {
		t.Errorf("told: %v", got)
	}
}

func eventsWithTheirChange(t *testing.T, db Database) {
	s := openEvents(t, db)
	session := sampleSessions()[0]
	Commit(t, s, numberdb.Writes{Sessions: []numberdb.Session{session}})
	session.Version = numberdb.SessionVersion{1}
	w := numberdb.Writes{Sessions: []numberdb.Session{session}, Outbox: []numberdb.Event{event(1, 1, "session.closed")}}
	var conflict *numberdb.Conflict
	if _, err := s.Commit(t.Context(), &w); !errors.As(err, &conflict) {
		t.Fatalf("committed: %v", err)
	}
	wantEvents(t, "after a conflict", readEvents(t, s, numberdb.EventQuery{Tenant: "shop"}))
	for name, alter := range map[string]func(*numberdb.Event){
		"no id": func(e *numberdb.Event) { e.ID = 0 }, "no type": func(e *numberdb.Event) { e.Type = "created" },
		"no object": func(e *numberdb.Event) { e.Data = []byte(`[1]`) }, "no JSON": func(e *numberdb.Event) { e.Data = []byte(`{`) },
		"no time": func(e *numberdb.Event) { e.At = time.Time{} }, "no name": func(e *numberdb.Event) { e.Tenant = "\n" },
	} {
		e := event(1, 0, "session.closed")
		alter(&e)
		if _, err := s.Commit(t.Context(), &numberdb.Writes{Outbox: []numberdb.Event{e}}); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
}

// Some commit while one reads on and on: it sees each event once, those of a
// session in their order.
func eventsFollowed(t *testing.T, db Database) {
	const committers, commits, sessions = 4, 40, 3
	s := openEvents(t, db)
	var writing sync.WaitGroup
	for c := range committers {
		writing.Go(func() {
			for i := range commits {
				id := c*commits + i + 1
				w := numberdb.Writes{Outbox: []numberdb.Event{
					event(2*id, 1000*(c+1)+i%sessions, "a.b"), event(2*id+1, 1000*(c+1)+i%sessions, "a.c"),
				}}
				if _, err := s.Commit(t.Context(), &w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var after numberdb.EventPosition
	seen, last := map[numberdb.ID]bool{}, map[numberdb.ID]int64{}
	take := func() {
		for _, e := range readEvents(t, s, numberdb.EventQuery{Tenant: "shop", After: after, Limit: 7}) {
			if seen[e.ID] || !after.Before(e.Position) {
				t.Errorf("event %d comes again, or before its time", e.ID)
			}
			if e.Sequence != last[e.Session]+1 {
				t.Errorf("session %d: %d comes after %d", e.Session, e.Sequence, last[e.Session])
			}
			seen[e.ID], last[e.Session], after = true, e.Sequence, e.Position
		}
	}
	ended := make(chan struct{})
	go func() { writing.Wait(); close(ended) }()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		default:
		}
		take()
	}
	Eventually(t, "all events", func() bool { take(); return len(seen) == 2*committers*commits })
}

func expiriesTold(t *testing.T, db Database) {
	s := openEvents(t, db)
	now := clock()
	sessions := sampleSessions() // of the past
	over, closed, lease, live := sessions[1], sessions[0], sessions[4], sessions[3]
	over.Tenant, lease.Ended, live.Expires = "shop", numberdb.NotEnded, now.Add(time.Hour)
	Commit(t, s, numberdb.Writes{Sessions: []numberdb.Session{over, closed, lease, live}, Outbox: []numberdb.Event{event(1, int(over.ID), "session.created")}})
	for range 2 { // two edges
		var w numberdb.Writes
		for i, id := range []numberdb.ID{over.ID, closed.ID, lease.ID, live.ID, 4242} {
			w.Expired = append(w.Expired, numberdb.Expiry{Session: id, Event: numberdb.ID(100 + i)})
		}
		Commit(t, s, w)
	}
	var got []string
	for _, e := range readEvents(t, s, numberdb.EventQuery{Tenant: "shop"})[1:] {
		got = append(got, fmt.Sprintf("%s %d %d %t", e.Type, e.Session, e.Sequence, e.At.Equal(over.Expires) || e.At.Equal(lease.Expires)))
	}
	want := []string{fmt.Sprintf("session.expired %d 2 true", over.ID), fmt.Sprintf("lease.expired %d 1 true", lease.ID)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func expiriesFound(t *testing.T, db Database) {
	s := openEvents(t, db)
	now := clock()
	old, late, live, closed := sampleSessions()[1], sampleSessions()[1], sampleSessions()[1], sampleSessions()[1]
	late.ID, live.ID, closed.ID = 12, 13, 14
	late.Expires, live.Expires, closed.Expires = now.Add(time.Minute), now.Add(time.Hour), now.Add(time.Minute)
	closed.Ended = numberdb.Released
	Commit(t, s, numberdb.Writes{Sessions: []numberdb.Session{old, late, live, closed}})
	found := func() []numberdb.ID {
		t.Helper()
		ids, err := s.ExpiredSessions(t.Context(), now.Add(2*time.Minute), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if ids := found(); !slices.Equal(ids, []numberdb.ID{12}) {
		t.Errorf("found %v", ids)
	}
	for _, until := range []time.Duration{90 * time.Second, time.Second} { // it never goes back
		if err := s.ToldExpiries(t.Context(), now.Add(until)); err != nil {
			t.Fatal(err)
		}
		if ids := found(); len(ids) != 0 {
			t.Errorf("found %v after it was told", ids)
		}
	}
}

func eventsPurged(t *testing.T, db Database) {
	s := openEvents(t, db)
	now := clock()
	at := func(ago time.Duration, n int, session numberdb.ID) numberdb.Event {
		when := now.Add(-ago)
		return numberdb.Event{ID: numberdb.IDAt(when) + numberdb.ID(n), Tenant: "shop", Type: "a.b", Session: session, At: when}
	}
	kept := sampleSessions()[1]
	Commit(t, s, numberdb.Writes{Sessions: []numberdb.Session{kept}, Outbox: []numberdb.Event{
		at(3*time.Hour, 1, kept.ID), at(3*time.Hour, 2, kept.ID), at(3*time.Hour, 3, 4242), at(3*time.Hour, 4, 0), at(time.Minute, 5, 0),
	}})
	sum := 0
	for round := false; !round; {
		deleted, end, err := s.PurgeEvents(t.Context(), now.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		sum, round = sum+deleted, end
	}
	if sum != 3 {
		t.Errorf("%d were deleted", sum)
	}
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{at(0, 6, kept.ID)}})
	var got []int64
	for _, e := range readEvents(t, s, numberdb.EventQuery{Tenant: "shop"}) {
		got = append(got, e.Sequence)
	}
	if !slices.Equal(got, []int64{2, 0, 3}) {
		t.Errorf("sequences of what stayed: %v", got)
	}
}
