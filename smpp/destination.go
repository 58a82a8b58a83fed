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
	carrier *routing.Carrier // told whether it is up; nil for tenants' accounts

	binds  atomic.Pointer[binds]
	turn   atomic.Uint32 // spreads messages over the binds
	queued atomic.Int32  // length of the queue, for readers without the lock

	mu    sync.Mutex
	queue queue
}

// binds is what a destination has to send over. It is never changed, only
// replaced.
type binds struct {
	primary []*session
	backup  []*session // used where no primary takes the message
	windows int        // of all together: the queue's bound
}

func newDestination(p *peer, c *routing.Carrier) *destination {
	d := &destination{peer: p, carrier: c}
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
		stranded = d.queue.takeAll()
		d.queued.Store(0)
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

// offer takes a message on: it is sent, or it waits in the queue. It returns
// false, and the message stays the caller's, where no bind is up or the queue
// is full.
func (d *destination) offer(t *turn, m *message, last bool) bool {
	if d.queued.Load() == 0 && d.send(t, m) {
		return true
	}
	if m.unfit {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.binds.Load()
	if b.empty() || d.queue.length >= b.windows {
		return false
	}
	m.leaveBy = m.answerBy
	if !last {
		m.leaveBy = min(m.answerBy, t.at+int64(maxWait))
	}
	d.queue.push(m)
	d.queued.Add(1)
	d.drain(t) // a slot may have become free since send looked
	return true
}

// send tries the binds in turn, primaries first.
func (d *destination) send(t *turn, m *message) bool {
	b := d.binds.Load()
	start := uint32(m.seed)
	if !m.sticky {
		start = d.turn.Add(1)
	}
	return sendOver(t, b.primary, start, m) || sendOver(t, b.backup, start, m)
}

func sendOver(t *turn, list []*session, start uint32, m *message) bool {
	n := uint32(len(list))
	for i := range n {
		if list[(start%n+i)%n].send(t, m) {
			return true
		}
	}
	return false
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

// expire hands back what has waited long enough, as a list.
func (d *destination) expire(at int64) *message {
	if d.queued.Load() == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var out queue
	for m := d.queue.head; m != nil; {
		next := m.next
		if at >= m.leaveBy || m.unfit || m.abandoned() {
			d.queue.remove(m)
			d.queued.Add(-1)
			out.push(m)
		}
		m = next
	}
	return out.takeAll()
}

// queue is a list of messages, linked through themselves.
type queue struct {
	head, tail *message
	length     int
}

func (q *queue) push(m *message) {
	m.prev, m.next = q.tail, nil
	if q.tail == nil {
		q.head = m
	} else {
		q.tail.next = m
	}
	q.tail = m
	q.length++
}

func (q *queue) pushFront(m *message) {
	m.prev, m.next = nil, q.head
	if q.head == nil {
		q.tail = m
	} else {
		q.head.prev = m
	}
	q.head = m
	q.length++
}

func (q *queue) remove(m *message) {
	if m.prev == nil {
		q.head = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		q.tail = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.next, m.prev = nil, nil
	q.length--
}

// takeAll empties the queue; the messages are linked by next.
func (q *queue) takeAll() *message {
	head := q.head
	*q = queue{}
	return head
}
