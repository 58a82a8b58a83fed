package allocator

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// TestRandomLives drives worlds with random steps. Whatever happens, no party
// holds a mask twice, nor is shown one for somebody else before its quarantine
// is over, and no ceiling is passed.
func TestRandomLives(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			live(t, seed, 6_000)
		})
	}
}

func live(t *testing.T, seed uint64, steps int) {
	w := newWorld(t, seed)
	for range steps {
		w.step()
		w.now = w.now.Add(time.Duration(w.rand.IntN(8)) * tickLength)
		w.expire()
		if w.chance(80) {
			w.deliver(w.rand.IntN(20))
		}
		w.late()
		if w.chance(5) {
			w.deliver(len(w.feed))
			w.addsUp()
		}
	}
	t.Logf("%d decided, %d refused, %d rows deleted, %d shown again, %d slots", w.picked, w.exhausted, w.gone, w.reuse, w.slots)
	if w.picked < steps/20 || w.exhausted < steps/1000 || w.gone < steps/20 || w.reuse < steps/2000 || w.slots < 2 {
		t.Error("too little happened")
	}
}

func (w *world) step() {
	switch n := w.rand.IntN(100); {
	case n < 45:
		r := w.request()
		if err := w.e.Pick(&r, w.now, &w.d); err != nil {
			w.refused(&r, err)
			return
		}
		w.decided(r, nil)
	case n < 60:
		w.of(w.stop(w.e.Release))
	case n < 66:
		w.of(w.rotate)
	case n < 72:
		w.of(w.extend)
	case n < 74:
		w.of(w.stop(w.e.Burn))
	case n < 80:
		w.of(w.join)
	case n < 88:
		w.of(w.slot)
	case n < 93:
		w.inventory()
	case n < 95:
		w.byHand()
	case n < 96:
		w.restart()
	}
}

// of chooses a session for a step.
func (w *world) of(do func(*meeting)) {
	if len(w.ids) > 0 {
		do(w.live[w.ids[w.rand.IntN(len(w.ids))]])
	}
}

// stop ends a session by one of the engine's ways.
func (w *world) stop(by func(numberdb.ID, time.Time, *Ended) error) func(*meeting) {
	return func(m *meeting) {
		if by(m.s.ID, w.now, &w.x) == nil {
			w.end(&w.x)
		}
		w.drop(m.s.ID)
	}
}

// decides reports that there is a decision, and wants one that there is not to be
// for want of masks, or because of whom it would be for.
func (w *world) decides(err error) bool {
	var x *Exhausted
	switch {
	case err == nil:
		return true
	case errors.As(err, &x), errors.Is(err, ErrSelf), errors.Is(err, ErrUnknown):
	default:
		w.t.Fatal(err)
	}
	return false
}

func (w *world) rotate(m *meeting) {
	r := m.r
	w.last++
	r.Session = w.last
	r.Expires = w.now.Add(time.Duration(1+w.rand.IntN(60)) * time.Second)
	r.Keep = r.Expires.Add(worldRest)
	err := w.e.Rotate(m.s.ID, &r, w.now, &w.d)
	switch {
	case errors.Is(err, ErrUnknown):
	case err != nil:
		w.refused(&r, err)
	default:
		w.decided(r, m)
	}
}

func (w *world) extend(m *meeting) {
	expires := w.now.Add(time.Duration(1+w.rand.IntN(60)) * time.Second)
	keep, err := w.e.Extend(m.s.ID, expires, w.now)
	if errors.Is(err, ErrUnknown) {
		return
	}
	if want := expires.Add(worldRest); err != nil || !keep.Equal(want) {
		w.t.Fatalf("extended: %v, kept until %v, want %v", err, keep, want)
	}
	m.s.Expires, m.s.Keep = expires, keep
	for _, k := range w.keys() {
		if row := w.rows[k]; row.Session == m.s.ID && row.Live(w.now) {
			row.Expires, row.Keep = expires, keep
			w.put(numberdb.Change{Binding: row})
		}
	}
}

func (w *world) join(m *meeting) {
	if m.s.Shape != numberdb.Group {
		return
	}
	p := w.party()
	j := Joining{Session: m.s.ID, Dial: m.s.Participants[0].Dial, Second: m.s.Participants[0].Second, Number: p, Reaches: m.s.Participants[0].To, Place: len(m.s.Participants)}
	if !w.decides(w.e.Join(&j, w.now, &w.d)) {
		return
	}
	m.s.Participants = append(m.s.Participants, numberdb.Participant{Number: p, To: tel(p)})
	w.d.Apply(m.s)
	m.r.Sides = append(m.r.Sides, Side{Number: p, To: tel(p)})
	var rows []numberdb.Binding
	for _, row := range Bindings(m.s) {
		if row.Party == p {
			rows = append(rows, row)
		}
	}
	if !w.claim(rows, false) {
		m.s.Participants = m.s.Participants[:len(m.s.Participants)-1]
		m.r.Sides = m.r.Sides[:len(m.r.Sides)-1]
		return
	}
	w.bounded()
}

func (w *world) slot(m *meeting) {
	if m.s.Shape != numberdb.Open && m.s.Shape != numberdb.Lease {
		return
	}
	owner := m.s.Participants[0]
	r := SlotRequest{
		Session: m.s.ID, Public: owner.Dial, Pool: []string{"", "side"}[w.rand.IntN(2)], Owner: owner.Number, OwnerTo: owner.To,
		Caller: w.party(), Services: numberdb.SMS, Idle: 10 * time.Second,
	}
	slot, err := w.e.Slot(&r, w.now, &w.d)
	if !w.decides(err) {
		return
	}
	s := *m.s
	if len(w.d.Grants) > 0 {
		s.Keep = w.d.Keep
	}
	pairs := SlotBindings(&s, &r, slot)
	var rows []numberdb.Binding
	for _, g := range w.d.Grants {
		rows = append(rows, pairs[g.Side])
	}
	for _, row := range pairs {
		k := numberdb.BindingKey{Mask: row.Mask, Party: row.Party}
		if is, found := w.rows[k]; !slices.ContainsFunc(rows, func(r numberdb.Binding) bool { return r.Mask == row.Mask && r.Party == row.Party }) && (!found || is.To != row.To || is.Present != row.Present) {
			w.t.Fatal("a slot stands that is not in the store")
		}
	}
	if !w.claim(rows, true) {
		return
	}
	w.slots++
	w.end(&w.d.Ends)
	for _, g := range w.d.Grants {
		k := numberdb.BindingKey{Mask: g.Mask, Party: g.Party}
		was := w.shown[k]
		was.slot = true
		w.shown[k] = was
	}
}

// inventory changes a mask.
func (w *world) inventory() {
	n := w.rand.IntN(w.size)
	m, found := w.masks[maskNumber(n)]
	switch {
	case found && m.State == numberdb.Held:
		return
	case found && w.chance(10) && !slices.ContainsFunc(w.keys(), func(k numberdb.BindingKey) bool { return k.Mask == m.Number }):
		delete(w.masks, m.Number)
		w.e.RemoveMask(m.Number)
		return
	case w.chance(85):
		m = w.someMask(n)
	default:
		m.State = []numberdb.MaskState{numberdb.Watchlisted, numberdb.Draining, numberdb.Retired}[w.rand.IntN(3)]
	}
	w.masks[m.Number] = m
	w.e.SetMask(m)
}

// byHand binds a mask past the engine, or removes such a binding.
func (w *world) byHand() {
	for _, k := range w.keys() {
		if w.rows[k].Session == 0 {
			w.put(numberdb.Change{Binding: numberdb.Binding{Mask: k.Mask, Party: k.Party}, Deleted: true})
			return
		}
	}
	k := numberdb.BindingKey{Mask: maskNumber(w.rand.IntN(w.size)), Party: w.party()}
	if _, taken := w.rows[k]; !taken {
		w.put(numberdb.Change{Binding: numberdb.Binding{Mask: k.Mask, Party: k.Party, To: tel(e164.MustParse("15550001111"))}})
	}
}

// expire lets time pass for the engine, and deletes the rows that it names.
func (w *world) expire() {
	for more := true; more; more = w.over.More {
		w.e.Expire(w.now, 3, &w.over)
		w.states(w.over.States)
		for _, id := range w.over.Sessions {
			if m := w.live[id]; m != nil {
				if m.s.Live(w.now) {
					w.t.Fatal("a session ended before its time")
				}
				w.drop(id)
			}
		}
		for _, g := range w.over.Gone {
			if w.chance(20) {
				continue // the deletion fails; it is asked for again
			}
			row, found := w.rows[g.Key]
			if found && row.Session == g.Session {
				if w.now.Before(row.Keep) {
					w.t.Fatal("a row is to be deleted before its time")
				}
				w.gone++
				w.put(numberdb.Change{Binding: numberdb.Binding{Mask: g.Key.Mask, Party: g.Key.Party}, Deleted: true})
			}
			if w.chance(50) {
				w.e.Forget(g.Key.Mask, g.Key.Party, g.Session)
			}
		}
	}
}
