package allocator

import (
	"cmp"
	"slices"
	"time"

	"maskline/numberdb"
)

// Expired is what time has done.
type Expired struct {
	Sessions []numberdb.ID // whose last live binding ended by its Expires
	Gone     []Gone        // rows to be deleted; until Forget says so, they are still held
	States   []StateChange
	More     bool // the limit was reached: ask again
}

// Gone is a row that nothing needs any more.
type Gone struct {
	Key     numberdb.BindingKey
	Session numberdb.ID
}

// askAgain is when the deletion of a row is asked for again.
const askAgain = time.Minute

// Expire ends what is over at now, at most limit bindings at once. Call it some
// times a second.
func (e *Engine) Expire(now time.Time, limit int, x *Expired) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*x = Expired{Sessions: x.Sessions[:0], Gone: x.Gone[:0], States: x.States[:0]}
	at := tickDown(now)
	for range limit {
		i := e.turn(at)
		if i == 0 {
			e.rise(now, x)
			return
		}
		e.advance(i, e.nodes.at(i), at, x)
	}
	x.More = true
}

// advance takes a node to its next phase.
func (e *Engine) advance(i uint32, n *node, now tick, x *Expired) {
	switch n.phase {
	case living:
		e.become(n, ended)
		if n.session != 0 && !e.anyLive(n.session) {
			x.Sessions = append(x.Sessions, n.session)
		}
		if n.party == everybody && e.masks[n.mask].state == numberdb.Held {
			x.States = append(x.States, e.changeState(n.mask, numberdb.Quarantined, n.live.time()))
		}
		if n.kept > now {
			e.schedule(i, n)
			return
		}
		e.leave(i, n, now, x)
	case ended, gone:
		e.leave(i, n, now, x)
	case blocked:
		e.unlink(i)
	}
}

// leave asks for the deletion of a node's row, again and again until it is told.
func (e *Engine) leave(i uint32, n *node, now tick, x *Expired) {
	e.become(n, gone)
	x.Gone = append(x.Gone, Gone{keyOf(e, n), n.session})
	e.scheduleAt(i, n, now.after(askAgain))
}

func (e *Engine) anyLive(session numberdb.ID) bool {
	for i := e.sessions[session]; i != 0; {
		n := e.nodes.at(i)
		if n.phase == living {
			return true
		}
		i = n.sessionNext
	}
	return false
}

// rise makes masks free whose quarantine after a lease is over.
func (e *Engine) rise(now time.Time, x *Expired) {
	first := len(x.States)
	at := tickDown(now)
	for i := range e.resting {
		m := &e.masks[i]
		if m.pool != 0 && m.since.after(e.quarantine(m.pool)) <= at {
			x.States = append(x.States, e.changeState(i, numberdb.Free, now))
		}
	}
	slices.SortFunc(x.States[first:], func(a, b StateChange) int { return cmp.Compare(a.Mask.Number, b.Mask.Number) })
}

// Orphans puts into quarantine masks that are held without a lease, as a process
// that died between two writes may leave them. Call it when everything has been
// learned.
func (e *Engine) Orphans(now time.Time) (states []StateChange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.masks {
		m := &e.masks[i]
		if i == 0 || !m.known || m.state != numberdb.Held {
			continue
		}
		if m.public == 0 || e.nodes.at(m.public).phase != living {
			states = append(states, e.changeState(uint32(i), numberdb.Quarantined, now))
		}
	}
	return states
}
