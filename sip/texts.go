package sip

import (
	"sync"
	"sync/atomic"
	"time"

	"maskline/routing"
	"maskline/sip/message"
)

// Bounds of text messages.
const (
	// textWithin is when the sender of a MESSAGE has its answer: well before it gives
	// up after 32 s, and others on its way do. RFC 4320 §4.
	textWithin = 20 * time.Second
	// textGrace is what a late Messenger has beyond that.
	textGrace = 2 * time.Second
	// mostTexts bounds the messages from all trunks that are in memory: those that
	// wait, and the answers that are kept for repeated requests. One trunk has as many
	// of them at most as are free, so that none keeps the others out.
	mostTexts = 100_000
	// mostTextsWaiting bounds those of one trunk that are not answered yet, each way.
	mostTextsWaiting = 1000
	// mostDatagram is the longest MESSAGE that goes in a datagram. RFC 3428 §8.
	mostDatagram = 1300
)

// texts are the MESSAGE requests under way: transactions, no dialogs. RFC 3428.
type texts struct {
	edge    *Edge
	waiting atomic.Int64 // not answered, both directions

	mu     sync.Mutex
	in     map[callKey]*textIn // by transaction
	merged map[callKey]*textIn // by what tells the same request over two ways
	out    map[uint64]*textOut
	closed bool
}

func newTexts(e *Edge) *texts {
	if e.cfg.Messenger == nil {
		return nil
	}
	return &texts{edge: e, in: map[callKey]*textIn{}, merged: map[callKey]*textIn{}, out: map[uint64]*textOut{}}
}

// accepts is the Accept header of our answer to OPTIONS.
func (e *Edge) accepts() string {
	if e.texts == nil {
		return "Accept: " + message.Accept
	}
	return "Accept: " + message.Accept + ", text/plain"
}

// take counts a message of a trunk that is acquired, within its limits. Where it is
// not taken, the trunk is released.
func (x *texts) take(t *trunk, d direction, now time.Time) busy {
	switch {
	case t.state.waiting[d].Add(1) > mostTextsWaiting:
		t.state.waiting[d].Add(-1)
		x.edge.release(t)
		return busyTexts
	case !t.texts[d].AllowN(now, 1):
		t.state.waiting[d].Add(-1)
		x.edge.release(t)
		return busyCPS
	default:
		x.waiting.Add(1)
		return free
	}
}

// settle counts one that was answered, and releases its trunk.
func (x *texts) settle(t *trunk, d direction, fate routing.Fate) {
	t.state.metrics.text(d, fate)
	x.drop(t, d)
}

// drop is settle for one that was not begun.
func (x *texts) drop(t *trunk, d direction) {
	t.state.waiting[d].Add(-1)
	x.edge.release(t)
	x.waiting.Add(-1)
}

// drain waits for the answers, then ends what has none.
func (x *texts) drain() {
	if x == nil {
		return
	}
	x.edge.await(textWithin+textGrace, &x.waiting)
	x.mu.Lock()
	x.closed = true
	var left []*textOut
	for _, o := range x.out {
		left = append(left, o)
	}
	x.mu.Unlock()
	for _, o := range left {
		o.do(func() routing.Fate { return routing.FateUnknown })
	}
}

// size is the number of messages in memory, by direction.
func (x *texts) size() (sizes [2]int) {
	if x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		sizes[inbound], sizes[outbound] = len(x.in), len(x.out)
	}
	return sizes
}

func (e *Edge) draw() uint64 {
	e.ids.Lock()
	defer e.ids.Unlock()
	return e.draws.Uint64()
}
