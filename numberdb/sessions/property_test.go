package sessions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// model is what the clients of an owner know.
type model struct {
	t        *testing.T
	w        *world
	r        *running
	random   *rand.Rand
	ids      []numberdb.ID
	heldBy   map[numberdb.BindingKey]numberdb.ID
	freeFrom map[numberdb.BindingKey]time.Time // no other session before
}

// Random operations, clock jumps, restarts and faults: no person has a mask twice,
// none comes back before its rest is over, no mask has more parties than it may,
// and both sides of each session are there or neither.
func TestWhateverHappens(t *testing.T) {
	w := newWorld(t)
	w.cfg.Commit = 2 * time.Second
	r := w.edge(t)
	r.stock(t, numberdb.Pool{Name: "uk", Policy: numberdb.PoolPolicy{Parties: ceiling}}, 60)
	m := &model{t: t, w: w, r: r, random: rand.New(rand.NewPCG(3, 14)), freeFrom: map[numberdb.BindingKey]time.Time{}, heldBy: map[numberdb.BindingKey]numberdb.ID{}}
	for step := range propertySteps {
		m.step()
		if step%250 == 249 {
			m.check()
		}
	}
}

const ceiling = 6

func (m *model) step() {
	w := m.w
	switch n := m.random.IntN(100); {
	case n < 4:
		w.jump(time.Duration(m.random.IntN(20)) * time.Minute)
	case n < 5:
		m.r.stop()
		m.r = w.edge(m.t)
	case n < 10:
		w.store.fault.Store(1 + m.random.Int32N(int32(faults)-1))
		m.operate()
		w.store.fault.Store(int32(noFault))
	default:
		m.operate()
	}
}

func (m *model) operate() {
	ctx, now := m.t.Context(), m.w.now()
	id := numberdb.ID(0)
	if len(m.ids) > 0 {
		id = m.ids[m.random.IntN(len(m.ids))]
	}
	switch n := m.random.IntN(10); {
	case n < 6 || id == 0:
		a := m.random.IntN(30)
		q := between(a, (a+1+m.random.IntN(29))%30)
		q.Shape = numberdb.Shape(m.random.IntN(3))
		q.TTL = time.Duration(1+m.random.IntN(90)) * time.Minute
		s, err := m.r.Create(ctx, q)
		if m.may(err) {
			m.ids = append(m.ids, s.ID)
			m.holds(&s, now)
		}
	case n < 8:
		m.mayEnd(id, now)
		m.may(second(m.r.End(ctx, "", id, numberdb.Released)))
	case n < 9:
		m.mayEnd(id, now)
		m.may(second(m.r.Extend(ctx, "", id, time.Duration(1+m.random.IntN(90))*time.Minute)))
	default:
		m.mayEnd(id, now)
		if s, err := m.r.Rotate(ctx, "", id); m.may(err) {
			m.holds(&s, now)
		}
	}
}

// mayEnd heeds that a session may end now, so that its masks rest from now on and
// not from the end that it had when the store was looked at.
func (m *model) mayEnd(id numberdb.ID, now time.Time) {
	rested := now.Add(m.w.cfg.Quarantine)
	for key, holder := range m.heldBy {
		if holder == id && rested.Before(m.freeFrom[key]) {
			m.freeFrom[key] = rested
		}
	}
}

// may reports success, and wants an error to be one of those that are expected.
func (m *model) may(err error) bool {
	var exhausted *allocator.Exhausted
	var conflict *numberdb.Conflict
	switch {
	case err == nil:
		return true
	case errors.Is(err, errFault), errors.Is(err, ErrNoSession), errors.Is(err, ErrTTL), errors.As(err, &exhausted):
	case errors.As(err, &conflict): // of what was written and nobody knew
	default:
		m.t.Error(err)
	}
	return false
}

// holds wants a session's masks to be free for their parties by what the store
// said last.
func (m *model) holds(s *numberdb.Session, now time.Time) {
	for _, b := range allocator.Bindings(s) {
		key := b.Key()
		if other, taken := m.heldBy[key]; taken && other != s.ID && now.Before(m.freeFrom[key]) {
			m.t.Errorf("session %x has a mask that rests for %v after session %x", s.ID, m.freeFrom[key].Sub(now), other)
		}
		m.heldBy[key] = s.ID
		m.freeFrom[key] = time.Time{} // check reads it
	}
}

// check looks at the whole store.
func (m *model) check() {
	w := m.w
	w.jump(m.r.settled())
	eventually(m.t, "doubts to be settled", func() bool {
		m.r.doubtful.mu.Lock()
		defer m.r.doubtful.mu.Unlock()
		return len(m.r.doubtful.list) == 0
	})
	var faults []string
	look := func() bool { // what settles doubts may be at work
		faults = m.faults()
		return len(faults) == 0
	}
	defer func() {
		for _, text := range faults {
			m.t.Error(text)
		}
	}()
	eventually(m.t, "a store without faults", look)
	for key, b := range w.rows(m.t) {
		m.heldBy[key], m.freeFrom[key] = b.Session, b.Keep
	}
}

func (m *model) faults() (faults []string) {
	w := m.w
	fault := func(text string, args ...any) { faults = append(faults, fmt.Sprintf(text, args...)) }
	now, sessions, load := w.now(), storedSessions(m.t, w), map[e164.Number]int{}
	for key, b := range w.rows(m.t) {
		if !b.Live(now) {
			continue
		}
		load[key.Mask]++
		if s := sessions[b.Session]; !s.Live(now) {
			fault("a binding of session %x lives, which ended by %v", b.Session, s.Ended)
		}
	}
	for _, parties := range load {
		if parties > ceiling {
			fault("a mask has %d parties", parties)
		}
	}
	for id, s := range sessions {
		if !s.Live(now) {
			continue
		}
		for _, want := range allocator.Bindings(&s) {
			b, status := m.r.table.Lookup(want.Mask, want.Party, now)
			if status != numberdb.Exact || b.Session != id || b.Present.Canonical() != want.Present.Canonical() {
				fault("session %x lives without a binding of its: %v", id, status)
			}
		}
	}
	return faults
}
