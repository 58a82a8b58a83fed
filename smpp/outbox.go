package smpp

// Bounds of what waits to be written to one peer, in octets.
const (
	outboxRoom  = 512 << 10 // beyond it the bind takes no more messages
	outboxLimit = 1 << 20   // beyond it the peer does not read: it is cut off
	outboxKeep  = 64 << 10  // buffers up to this size are used again
)

// outbox gathers what goes to one peer. Everybody appends to it under the
// session's lock, one at a time writes: whoever flushes first and finds nobody
// writing, as far as the kernel takes it at once; the rest is the writer
// goroutine's. What gathers during a write leaves with the next one.
type outbox struct {
	pending []byte
	spare   []byte
	leaving []byte        // being written
	busy    bool          // leaving is somebody's
	left    bool          // it is the writer goroutine's, which has not begun
	since   int64         // when leaving was taken
	queued  int64         // octets ever appended
	written int64         // octets ever handed to the kernel
	wake    chan struct{} // holds a token while the writer goroutine has work
}

func newOutbox() outbox { return outbox{wake: make(chan struct{}, 1)} }

// begin is the buffer to append PDUs to; commit takes it back.
func (o *outbox) begin() []byte {
	if o.pending == nil {
		o.pending, o.spare = o.spare, nil
	}
	return o.pending
}

func (o *outbox) commit(b []byte) {
	o.queued += int64(len(b) - len(o.pending))
	o.pending = b
}

// hasRoom reports whether a message may still be appended.
func (o *outbox) hasRoom() bool { return len(o.pending) < outboxRoom }

// overrun reports whether the peer has left too much unread.
func (o *outbox) overrun() bool { return len(o.pending) > outboxLimit }

// claim makes the caller the one who writes, and hands over what is pending. It
// returns nil where somebody else writes, or there is nothing to write.
func (o *outbox) claim(at int64) []byte {
	if o.busy || len(o.pending) == 0 {
		return nil
	}
	o.busy, o.since = true, at
	o.leaving = o.pending
	o.pending, o.spare = o.spare[:0], nil
	return o.leaving
}

// claimLeft is claim for the writer goroutine, which also takes what a flush
// left.
func (o *outbox) claimLeft(at int64) []byte {
	if o.left {
		o.left = false
		return o.leaving
	}
	return o.claim(at)
}

// wrote accounts for n octets written by the claimer. It returns what is left
// of them; where nothing is, the claim ends.
func (o *outbox) wrote(n int) []byte {
	o.written += int64(n)
	if n < len(o.leaving) {
		o.leaving = o.leaving[n:]
		return o.leaving
	}
	if cap(o.leaving) <= outboxKeep {
		o.spare = o.leaving[:0]
	}
	if cap(o.pending) > outboxKeep && len(o.pending) == 0 {
		o.pending = nil
	}
	o.leaving, o.busy, o.since = nil, false, 0
	return nil
}

// signal wakes the writer goroutine.
func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
