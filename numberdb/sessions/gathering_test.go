package sessions

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"maskline/numberdb"
)

// ledger is a store that keeps what is written at a time apart.
type ledger struct {
	mu      sync.Mutex
	under   map[numberdb.ID]int
	pools   int
	now     int                           // commits under way
	most    int                           // of them
	met     int                           // rows that two commits had at a time
	lasts   map[numberdb.ID]time.Duration // each session
	written map[time.Duration]int         // how often
	hold    func()                        // called by each commit
	random  *rand.Rand
}

func newLedger(hold func()) *ledger {
	return &ledger{
		under: map[numberdb.ID]int{}, lasts: map[numberdb.ID]time.Duration{}, written: map[time.Duration]int{},
		hold: hold, random: rand.New(rand.NewPCG(3, 4)),
	}
}

func (l *ledger) Commit(_ context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	taken := l.enter(w)
	l.hold()
	l.leave(w, taken)
	if taken != nil {
		return 0, taken
	}
	return 1, nil
}

// enter refuses one claim in ten groups.
func (l *ledger) enter(w *numberdb.Writes) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now++
	l.most = max(l.most, l.now)
	for i := range w.Sessions {
		if l.under[w.Sessions[i].ID]++; l.under[w.Sessions[i].ID] > 1 {
			l.met++
		}
	}
	if l.pools += len(w.Pools); l.pools > 1 {
		l.met++
	}
	if len(w.Claims) > 0 && l.random.IntN(10) == 0 {
		return &numberdb.Conflict{Keys: []numberdb.BindingKey{w.Claims[l.random.IntN(len(w.Claims))].Key()}}
	}
	return nil
}

func (l *ledger) leave(w *numberdb.Writes, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now--
	l.pools -= len(w.Pools)
	for i := range w.Sessions {
		s := &w.Sessions[i]
		if l.under[s.ID]--; err == nil {
			l.lasts[s.ID] = s.Expires.Sub(s.Created)
			l.written[l.lasts[s.ID]]++
		}
	}
}

// committing runs a committer until the test ends.
func committing(t *testing.T, store Committed, atOnce int) *committer {
	t.Helper()
	c := newCommitter(store, nil, 0, atOnce)
	c.beside = 1
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

// lasting is a session that lasts so long, with a claim.
func lasting(id int, hours int) numberdb.Writes {
	made := time.Unix(1_700_000_000, 0).UTC()
	s := numberdb.Session{
		ID: numberdb.ID(id), Pool: "uk", Services: numberdb.SMS, Created: made, Expires: made.Add(time.Duration(hours) * time.Hour),
		Participants: []numberdb.Participant{{Number: party(2 * id), Dial: mask(1)}, {Number: party(2*id + 1), Dial: mask(2)}},
	}
	claim := numberdb.Binding{
		Mask: mask(1), Party: party(2 * id), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party(2*id + 1)}, Present: mask(2),
		Services: numberdb.SMS, Session: s.ID, Expires: s.Expires,
	}
	return numberdb.Writes{Sessions: []numberdb.Session{s}, Claims: []numberdb.Binding{claim}}
}

// Whatever is written at a time has no row in common, and everybody is answered for
// their own.
func TestGroupsThatAreWrittenAtOnce(t *testing.T) {
	for name, atOnce := range map[string]int{"one": 1, "two": 2, "three": 3} {
		t.Run(name, func(t *testing.T) {
			store := newLedger(func() { // others come meanwhile
				for range 50 {
					runtime.Gosched()
				}
			})
			c := committing(t, store, atOnce)
			const callers, times, sessions = 24, 100, 40
			var group sync.WaitGroup
			for i := range callers {
				group.Go(func() {
					random := rand.New(rand.NewPCG(uint64(i), 7))
					for n := range times {
						if random.IntN(20) == 0 {
							if err := c.do(t.Context(), numberdb.Writes{Pools: []numberdb.Pool{{Name: "uk"}}}); err != nil {
								t.Error(err)
							}
							continue
						}
						hours := 1 + i*times + n
						w := lasting(1+random.IntN(sessions), hours)
						err := c.do(t.Context(), w)
						var conflict *numberdb.Conflict
						if errors.As(err, &conflict) && (len(conflict.Keys) != 1 || conflict.Keys[0] != w.Claims[0].Key()) || err != nil && conflict == nil {
							t.Error(err)
						}
						store.mu.Lock()
						if wrote := store.written[time.Duration(hours)*time.Hour] == 1; wrote != (err == nil) {
							t.Errorf("written: %v, answered: %v", wrote, err)
						}
						store.mu.Unlock()
					}
				})
			}
			group.Wait()
			if store.met > 0 || store.most > atOnce {
				t.Errorf("%d rows were written twice at a time, %d commits at a time", store.met, store.most)
			}
		})
	}
}

// A work that touches what is being written waits for it, another does not.
func TestWorksThatMeet(t *testing.T) {
	entered, gate := make(chan struct{}, 8), make(chan struct{})
	store := newLedger(func() { entered <- struct{}{}; <-gate })
	store.random = rand.New(rand.NewPCG(1, 1))
	c := committing(t, store, 2)
	done := make(chan error, 8)
	hand := func(w numberdb.Writes) {
		w.Claims = nil // nothing is refused
		go func() { err := c.do(t.Context(), w); done <- err }()
	}
	hand(lasting(1, 1))
	<-entered
	hand(lasting(2, 1))
	<-entered // beside the first
	for id := 1; id <= 2; id++ {
		hand(lasting(id, 2))
	}
	eventually(t, "both to wait", func() bool { return len(c.queue) == 2 })
	close(gate)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if store.met > 0 || store.lasts[1] != 2*time.Hour || store.lasts[2] != 2*time.Hour {
		t.Errorf("%d rows met, they last %v and %v", store.met, store.lasts[1], store.lasts[2])
	}
}

// A work that no store may hold is answered so, and nobody else of its group.
func TestAWorkThatMakesNoSense(t *testing.T) {
	entered, gate := make(chan struct{}, 8), make(chan struct{})
	store := newLedger(func() { entered <- struct{}{}; <-gate })
	c := committing(t, checking{store}, 1)
	answers := make([]chan error, 4)
	for id := range answers {
		w := lasting(1+id, 1)
		w.Claims = nil // nothing is refused
		if id == 2 {
			w.Sessions[0].Pool = ""
		}
		answers[id] = make(chan error, 1)
		go func() { answers[id] <- c.do(t.Context(), w) }()
		if id == 0 {
			<-entered
		}
	}
	eventually(t, "the others to wait", func() bool { return len(c.queue) == 3 })
	close(gate)
	for id, answer := range answers {
		err := <-answer
		if id == 2 && !errors.Is(err, numberdb.ErrPool) || id != 2 && err != nil {
			t.Errorf("work %d: %v", id, err)
		}
	}
}

// checking refuses what stores do.
type checking struct{ Committed }

func (c checking) Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	if err := w.Check(); err != nil {
		return 0, err
	}
	return c.Committed.Commit(ctx, w)
}

// A caller that gives up while the table is waited for hears that its writes are
// durable.
func TestACallerThatGivesUpBeforeTheTable(t *testing.T) {
	c := committing(t, newLedger(func() {}), 1)
	waits := make(chan struct{})
	c.table, c.routing = awaited{waits}, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-waits; cancel() }()
	w := lasting(1, 1)
	w.Claims = nil // nothing is refused
	if err := c.doRouted(ctx, w); !errors.Is(err, numberdb.ErrNotYetRouted) || errors.Is(err, numberdb.ErrOutcomeUnknown) {
		t.Error(err)
	}
}

// awaited tells that somebody waits for it, until ctx ends.
type awaited struct{ waits chan struct{} }

func (a awaited) WaitFor(ctx context.Context, p numberdb.Position) error {
	close(a.waits)
	return never{}.WaitFor(ctx, p)
}

// What works want to be written is all in their group, of whatever kind.
func TestAGroupHasAllOfItsWorks(t *testing.T) {
	group := []*work{{}, {}}
	for _, w := range group {
		eachList(&w.writes, func(_ string, list reflect.Value) { list.Set(reflect.MakeSlice(list.Type(), 3, 3)) })
	}
	all := merged(group)
	eachList(&all, func(name string, list reflect.Value) {
		if list.Len() != 6 {
			t.Errorf("%s: %d of 6", name, list.Len())
		}
	})
}

// eachList tells of each list in writes.
func eachList(w *numberdb.Writes, tell func(name string, list reflect.Value)) {
	for _, v := range []reflect.Value{reflect.ValueOf(w).Elem(), reflect.ValueOf(&w.Gone).Elem()} {
		for field, list := range v.Fields() {
			if list.Kind() == reflect.Slice {
				tell(field.Name, list)
			}
		}
	}
}
