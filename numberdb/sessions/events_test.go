package sessions

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/numberdb"
)

// listener is what is told.
type listener struct {
	mu      sync.Mutex
	tenants map[string]int
	notes   []numberdb.Event
}

func (l *listener) Told(tenant string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tenants[tenant]++
}

func (l *listener) Note(e *numberdb.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes = append(l.notes, *e)
}

// telling is an edge that writes events.
func telling(t *testing.T, masks int) (*world, *running, *listener) {
	t.Helper()
	w := newWorld(t)
	l := &listener{tenants: map[string]int{}}
	w.cfg.Events = l
	r := w.edge(t)
	r.stock(t, numberdb.Pool{Name: "uk"}, masks)
	return w, r, l
}

// events are a tenant's, as lines; numbers count sessions in the order in which they
// appear.
func (w *world) events(t *testing.T, tenant string) (lines []string) {
	t.Helper()
	all, err := w.store.Events(t.Context(), numberdb.EventQuery{Tenant: tenant, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	var known []numberdb.ID
	for i := range all {
		e := &all[i]
		if e.Session != 0 && !slices.Contains(known, e.Session) {
			known = append(known, e.Session)
		}
		if strings.HasPrefix(e.Type, "number.") {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %d/%d %s", e.Type, slices.Index(known, e.Session), e.Sequence, e.Data))
	}
	return lines
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestChangesAreTold(t *testing.T) {
	w, r, l := telling(t, 20)
	pair := between(1, 2)
	pair.Tenant = "shop"
	s := create(t, r, pair)
	group := between(3, 4, 5)
	group.Tenant, group.Shape = "shop", numberdb.Group
	g := create(t, r, group)
	if _, err := r.Join(t.Context(), "shop", g.ID, Side{Number: party(6)}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing happens
		if _, err := r.End(t.Context(), "shop", s.ID, numberdb.Released); err != nil {
			t.Fatal(err)
		}
	}
	wantLines(t, w.events(t, "shop"),
		`session.created 0/1 {"pool":"uk","shape":"per_side"}`, `session.created 1/1 {"pool":"uk","shape":"group"}`,
		`participant.added 1/2 {"participants":4}`, `session.closed 0/2 {"reason":"released"}`)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tenants["shop"] != 4 {
		t.Errorf("told %v", l.tenants)
	}
}

func TestLeasesAreTold(t *testing.T) {
	w, r, _ := telling(t, 20)
	lease := func() *Request {
		q := between(1)
		q.Tenant, q.Shape = "shop", numberdb.Lease
		q.Sides[0] = Side{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party(1)}}
		return q
	}
	first, second := create(t, r, lease()), create(t, r, lease())
	if _, err := r.Rotate(t.Context(), "shop", first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.End(t.Context(), "shop", first.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	if _, err := r.End(t.Context(), "shop", second.ID, numberdb.Burned); err != nil {
		t.Fatal(err)
	}
	wantLines(t, w.events(t, "shop"),
		`lease.created 0/1 {"pool":"uk","shape":"lease"}`, `lease.created 1/1 {"pool":"uk","shape":"lease"}`, `lease.rotated 0/2 {}`,
		`lease.released 0/3 {"reason":"released"}`, `lease.burned 1/2 {"reason":"burned"}`)
	all, err := w.store.Events(t.Context(), numberdb.EventQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, e := range all {
		states = append(states, fmt.Sprintf("%s %s", e.Type, e.Data))
	}
	wantLines(t, states, `number.quarantined {"pool":"uk","count":1}`, `number.quarantined {"pool":"uk","count":1}`, `number.watchlisted {"pool":"uk","count":1}`)
}

// The end by time is told once though two edges see it, and though nobody ran when
// it came.
func TestExpiriesAreTold(t *testing.T) {
	w, r, _ := telling(t, 20)
	other := w.edge(t)
	if err := other.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	brief := between(1, 2)
	brief.Tenant, brief.TTL = "shop", time.Minute
	create(t, r, brief)
	late := between(3, 4)
	late.Tenant, late.TTL = "shop", time.Hour
	create(t, r, late)
	want := []string{`session.created 0/1 {"pool":"uk","shape":"per_side"}`, `session.created 1/1 {"pool":"uk","shape":"per_side"}`, `session.expired 0/2 `}
	w.jump(2 * time.Minute)
	eventually(t, "the end of the first", func() bool { return len(w.events(t, "shop")) >= 3 })
	r.stop()
	other.stop()
	wantLines(t, w.events(t, "shop"), want...)
	w.jump(2 * time.Hour)
	w.edge(t)
	eventually(t, "the end of the second", func() bool { return len(w.events(t, "shop")) >= 4 })
	wantLines(t, w.events(t, "shop"), append(want, `session.expired 1/2 `)...)
}

// A search for what ended untold that fails is tried again after a while, and what ends
// meanwhile is told.
func TestASearchForExpiriesThatFails(t *testing.T) {
	w := newWorld(t)
	w.cfg.Events = &listener{tenants: map[string]int{}}
	w.store.deaf.Store(true)
	r := w.edge(t)
	r.stock(t, numberdb.Pool{Name: "uk"}, 20)
	end := func(people ...int) {
		t.Helper()
		brief := between(people...)
		brief.Tenant, brief.TTL = "shop", 5*time.Second
		create(t, r, brief)
		before := len(w.events(t, "shop"))
		w.jump(6 * time.Second)
		eventually(t, "the end of a session", func() bool { return len(w.events(t, "shop")) > before })
	}
	eventually(t, "the first search", func() bool { return w.store.scans.Load() > 0 })
	end(1, 2)
	end(3, 4)
	if n := w.store.scans.Load(); n != 1 {
		t.Errorf("searched %d times", n)
	}
	w.store.deaf.Store(false)
	w.jump(scanAgain)
	eventually(t, "another search", func() bool { return w.store.scans.Load() > 1 })
}

// A refused commit tells nothing, and the end of a session waits for a store that
// is away.
func TestNothingIsToldOfWhatWasNotWritten(t *testing.T) {
	w, r, l := telling(t, 1)
	short := between(1, 2)
	short.Tenant, short.TTL, short.Shape = "shop", time.Minute, numberdb.Shared
	create(t, r, short)
	w.store.fault.Store(int32(refused_))
	again := between(5, 6)
	again.Tenant, again.Shape = "shop", numberdb.Shared
	if _, err := r.Create(t.Context(), again); err == nil {
		t.Fatal("created though the store refuses")
	}
	w.jump(2 * time.Minute)
	w.store.fault.Store(int32(noFault))
	eventually(t, "the end", func() bool { return len(w.events(t, "shop")) >= 2 })
	wantLines(t, w.events(t, "shop"), `session.created 0/1 {"pool":"uk","shape":"shared"}`, `session.expired 0/2 `)
	for range 3 {
		if _, err := r.Create(t.Context(), between(1, 2)); err == nil {
			t.Fatal("created without masks")
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.notes) != 3 || l.notes[0].Type != "pool.exhausted" || l.notes[0].Once != l.notes[1].Once {
		t.Errorf("noted %v", l.notes)
	}
}
