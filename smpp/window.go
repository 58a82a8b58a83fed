package smpp

import (
	"slices"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// slot is one request of ours that the peer has not answered.
type slot struct {
	sequence  uint32 // 0: the slot is free
	command   pdu.Command
	tail      bool             // the last PDU of the message, or the only one
	message   *message         // nil: its upstream was answered already
	from      *peer            // who it came from
	uncertain *uncertain       // its record where its upstream was answered already
	claimed   *routing.Carrier // whose breaker hears of the outcome; nil: none
	end       int64            // where it ends in the stream of octets written
	answerBy  int64            // when the upstream has to be answered
	until     int64            // when waiting for the response ends
}

// due is when the slot needs attention.
func (s *slot) due() int64 {
	if s.message == nil {
		return s.until
	}
	return min(s.answerBy, s.until)
}

// window holds the unanswered requests of one bind in a table addressed by
// sequence number, so finding one costs a mask and a comparison. Sequence
// numbers whose slot is taken by a slow request are skipped. The owner's lock
// guards it.
type window struct {
	slots    []slot
	limit    int
	used     int
	sequence uint32 // the last one given
	answered uint32 // everything up to this one is
	earliest int64  // no slot is due before
	late     lateSet
}

const never = int64(1<<63 - 1)

func newWindow(limit int) window {
	return window{limit: limit, earliest: never, late: lateSet{limit: 2 * limit}}
}

// grow makes the table, which binds that never send do without. It is twice as
// large as the window, so that a few slow requests do not make a crowd of it.
func (w *window) grow() {
	size := 1
	for size < 2*w.limit {
		size *= 2
	}
	w.slots = make([]slot, size)
}

// next gives the following sequence number. SMPP 3.4 §5.1.4
func (w *window) next() uint32 {
	w.sequence = following(w.sequence)
	return w.sequence
}

func following(sequence uint32) uint32 {
	if sequence >= pdu.MaxSequence {
		return 1
	}
	return sequence + 1
}

// nextFree gives the following sequence number that has a free slot. The
// window is not full, so there is one.
func (w *window) nextFree() uint32 {
	if w.slots == nil {
		w.grow()
	}
	for {
		sequence := w.next()
		if w.at(sequence).sequence == 0 {
			return sequence
		}
	}
}

func (w *window) at(sequence uint32) *slot {
	return &w.slots[int(sequence)&(len(w.slots)-1)]
}

// room is how many more requests it takes.
func (w *window) room() int { return w.limit - w.used }

func (w *window) put(s slot) {
	*w.at(s.sequence) = s
	w.used++
	w.earliest = min(w.earliest, s.due())
}

// find is the request with this sequence number, nil where there is none.
func (w *window) find(sequence uint32) *slot {
	if len(w.slots) == 0 || sequence == 0 {
		return nil
	}
	if p := w.at(sequence); p.sequence == sequence {
		return p
	}
	return nil
}

func (w *window) free(p *slot) {
	*p = slot{}
	w.used--
}

// oldest is the request that was sent first, nil where none is open. It goes on
// from where it stopped last, so a call costs what was sent since.
func (w *window) oldest() *slot {
	if w.used == 0 {
		w.answered = w.sequence
		return nil
	}
	for w.answered != w.sequence {
		next := following(w.answered)
		if p := w.find(next); p != nil {
			return p
		}
		w.answered = next
	}
	return nil
}

// each hands over every request, in the order of their sending.
func (w *window) each(fn func(*slot)) {
	for i := range w.slots {
		if p := w.at(w.sequence + 1 + uint32(i)); p.sequence != 0 {
			fn(p)
		}
	}
}

// expire hands over every slot that is due at the instant at: those whose
// upstream has to be answered, and those whose response is given up, which it
// frees. note makes the record of a message whose upstream is answered; the
// slot keeps it.
func (w *window) expire(at int64, note func(*message) *uncertain, fn func(s slot, givenUp bool)) {
	if at < w.earliest {
		return
	}
	w.earliest = never
	for i := range w.slots {
		p := &w.slots[i]
		if p.sequence == 0 {
			continue
		}
		if at >= p.due() {
			if p.message != nil {
				p.uncertain = note(p.message)
			}
			s, givenUp := *p, at >= p.until
			if givenUp {
				w.late.add(s.sequence, lateRequest{s.from, s.uncertain, s.tail})
				w.free(p)
			} else {
				p.message = nil
			}
			fn(s, givenUp)
		}
		if p.sequence != 0 {
			w.earliest = min(w.earliest, p.due())
		}
	}
}

// clear removes every request, in the order of their sending.
func (w *window) clear(fn func(slot)) {
	w.each(func(p *slot) {
		s := *p
		w.free(p)
		fn(s)
	})
}

// lateSet remembers the latest requests whose response was given up, so that a
// response which comes after all is told from one that nobody asked for.
type lateSet struct {
	by    map[uint32]lateRequest
	order []uint32 // of their sending; answered ones are left in it for a while
	limit int
}

// lateRequest is what is still known of such a request.
type lateRequest struct {
	from      *peer
	uncertain *uncertain
	tail      bool
}

func (l *lateSet) add(sequence uint32, r lateRequest) {
	if l.by == nil {
		l.by = make(map[uint32]lateRequest)
	}
	for len(l.by) >= l.limit {
		delete(l.by, l.order[0])
		l.order = l.order[1:]
	}
	if len(l.order) >= 2*l.limit {
		l.order = slices.DeleteFunc(l.order, func(s uint32) bool { _, open := l.by[s]; return !open })
	}
	l.by[sequence], l.order = r, append(l.order, sequence)
}

func (l *lateSet) take(sequence uint32) (lateRequest, bool) {
	r, ok := l.by[sequence]
	if ok {
		delete(l.by, sequence)
	}
	return r, ok
}

// waited counts the requests whose upstream still waits for an answer.
func (w *window) waited() int {
	n := 0
	for i := range w.slots {
		if w.slots[i].message != nil {
			n++
		}
	}
	return n
}
