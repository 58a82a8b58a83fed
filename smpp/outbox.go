package smpp

// Bounds of what waits to be written to one peer, in octets.
const (
	outboxRoom  = 512 << 10 // beyond it the bind takes no more messages
	outboxLimit = 1 << 20   // beyond it the peer does not read: it is cut off
	outboxKeep  = 64 << 10  // buffers up to this size are used again
)

// outbox gathers what goes to one peer: everybody appends to it under the
// session's lock, one goroutine writes. What gathers during a write leaves with
// the next one.
type outbox struct {
	pending []byte
	spare   []byte
	queued  int64         // octets ever appended
	written int64         // octets ever handed to the kernel
	since   int64         // when the write under way began; 0: none
	wake    chan struct{} // holds a token while there is something to write
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

// take hands over what is pending for a write that begins at the instant at.
func (o *outbox) take(at int64) []byte {
	if len(o.pending) == 0 {
		return nil
	}
	b := o.pending
	o.pending, o.spare = o.spare[:0], nil
	o.since = at
	return b
}

// took ends a write of which n octets went out.
func (o *outbox) took(b []byte, n int) {
	o.written += int64(n)
	o.since = 0
	if cap(b) <= outboxKeep {
		o.spare = b[:0]
	}
	if cap(o.pending) > outboxKeep && len(o.pending) == 0 {
		o.pending = nil
	}
}

// signal wakes the writer.
func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
