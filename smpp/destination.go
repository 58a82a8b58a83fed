package smpp

import (
	"sync"
	"sync/atomic"
	"time"

	"maskline/routing"
)

// destination is a carrier or an account as a place to send to: its binds that
// take messages, and a bounded queue for what waits until one of them has room.
//
// Sending reads the list of binds without a lock. The queue and changes of the
// list are under mu, which may be held while a session's mu is taken, never the
// other way round.
type destination struct {
	peer    *peer
	index   int                        // among all destinations
	carrier *routing.Carrier           // told whether it is up; nil for tenants' accounts
	pace    atomic.Pointer[sharedPace] // of all its binds together, which a reload replaces; nil: no limit
	masks   *maskPaces                 // of each presented mask; nil: no limit

	binds  atomic.Pointer[binds]
	queued atomic.Int32 // lengths of queue and delayed, for readers without the lock
	delays atomic.Int32

	mu      sync.Mutex
	queue   queue // waits for room
	delayed queue // waits for its mask
}

// binds is what a destination has to send over. It is never changed, only
// replaced.
type binds struct {
	primary []*session
	backup  []*session // used where no primary takes the message
	windows int        // of all together: the queue's bound
}

func (e *Edge) newDestination(p *peer, c *routing.Carrier) *destination {
	d := &destination{peer: p, carrier: c, index: int(e.destinations.Add(1)) - 1}
	d.binds.Store(&binds{})
	return d
}

func (b *binds) empty() bool { return len(b.primary)+len(b.backup) == 0 }

// add takes in a bind that may send from now on.
func (d *destination) add(t *turn, s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.binds.Load()
	next := &binds{windows: old.windows + s.terms.window}
	next.primary = append(next.primary, old.primary...)
	next.backup = append(next.backup, old.backup...)
	if s.terms.bind != nil && s.terms.bind.Backup {
		next.backup = append(next.backup, s)
	} else {
		next.primary = append(next.primary, s)
	}
	d.replace(next)
	d.drain(t)
}

// remove takes out a bind. Where it was the last one, what waits goes on to its
// next candidate.
func (d *destination) remove(t *turn, s *session) {
	d.mu.Lock()
	old := d.binds.Load()
	next := &binds{primary: without(old.primary, s), backup: without(old.backup, s)}
	if len(next.primary) == len(old.primary) && len(next.backup) == len(old.backup) {
		d.mu.Unlock()
		return
	}
	next.windows = old.windows - s.terms.window
	d.replace(next)
	var stranded *message
	if next.empty() {
		d.queue.takeIf(&d.delayed, func(*message) bool { return true })
		stranded = d.delayed.takeAll()
		d.queued.Store(0)
		d.delays.Store(0)
	}
	d.mu.Unlock()
	t.edge.advanceAll(t, stranded)
}

func without(list []*session, s *session) []*session {
	var out []*session
	for _, x := range list {
		if x != s {
			out = append(out, x)
		}
	}
	return out
}

func (d *destination) replace(b *binds) {
	d.binds.Store(b)
	if d.carrier != nil {
		d.carrier.SetUp(routing.SMS, !b.empty())
	}
}

// maxWait bounds a message's wait for room where it has another candidate.
const maxWait = time.Second

// offer takes a message on: it is sent, or it waits. It returns false, and the
// message stays the caller's, where no bind is up, where what waits is at its
// bound, or where the destination is stalled and the message's upstream has its
// share there already.
func (d *destination) offer(t *turn, m *message, last bool) bool {
	m.release()
	m.hold(d)
	m.unfit = false
	m.leaveBy = m.answerBy
	if !last && !m.sticky { // segments stay together
		m.leaveBy = min(m.answerBy, t.at+int64(maxWait))
	}
	taken := false
	switch d.delayFor(t, m) {
	case delayed:
		return true
	case noDelay:
		taken = d.take(t, m)
	case tooSlow:
	}
	if !taken {
		m.release()
	}
	return taken
}

// take is offer for a message whose mask may be presented now.
func (d *destination) take(t *turn, m *message) bool {
	if (m.sticky || d.queued.Load() == 0) && d.send(t, m) {
		return true // segments wait in their bind's lane, if at all
	}
	if m.unfit {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.binds.Load()
	if b.empty() || m.sticky || d.queue.length >= b.windows || b.allStalled() && !m.mayHold() {
		return false
	}
	d.queue.push(m)
	d.queued.Add(1)
	d.drain(t) // a slot may have become free since send looked
	return true
}

// roomMade is called after a slot became free.
func (d *destination) roomMade(t *turn) {
	if d.queued.Load() == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drain(t)
}

// drain sends what waits, in order, while there is room. It runs under mu.
func (d *destination) drain(t *turn) {
	for m := d.queue.head; m != nil; {
		next := m.next
		if m.unfit {
			m = next // the next sweep takes it out
			continue
		}
		d.queue.remove(m) // before it is sent: then it belongs to the window
		if d.send(t, m) {
			d.queued.Add(-1)
		} else {
			d.queue.pushFront(m) // before it are only unfit ones
			if !m.unfit {
				return
			}
		}
		m = next
	}
}

// expire hands back what has waited long enough, and what its upstream holds
// beyond its share here, as a list.
func (d *destination) expire(at int64) *message {
	if d.waiting() == 0 {
		return nil
	}
	var out queue
	d.mu.Lock()
	defer d.mu.Unlock()
	stalled := d.binds.Load().allStalled()
	leaves := func(m *message) bool { return m.due(at) || stalled && m.beyondShare() }
	d.queue.takeIf(&out, leaves)
	d.delayed.takeIf(&out, leaves)
	d.queued.Store(int32(d.queue.length))
	d.delays.Store(int32(d.delayed.length))
	return out.takeAll()
}

// waiting counts what waits, but for the lanes of its binds.
func (d *destination) waiting() int { return int(d.queued.Load() + d.delays.Load()) }
