package smppload

import "slices"

// again is a message that its sender was told to send again, as upstreams do:
// the same message, octet for octet.
type again struct {
	due     int64
	segment uint32
	from    uint16 // the bind that it first left on
}

// againLater notes a message that was answered "temporary".
func (l *link) againLater(segment uint32) {
	if after := l.bench.cfg.Again; after > 0 {
		l.source.again = append(l.source.again, again{l.at + int64(after), segment, l.number})
		l.count.toSendAgain++
	}
}

// sendAgain sends those that are due, of ended binds too.
func (l *link) sendAgain() {
	s := &l.source
	if l.bench.cfg.Again == 0 {
		return
	}
	s.again = l.side.adoptAgain(s.again)
	n := 0
	for ; n < len(s.again) && s.again[n].due <= l.at && l.inflight < l.bench.cfg.Window; n++ {
		a := s.again[n]
		if r := l.bench.book.find(a.segment); r != nil {
			r.state.Add(^(answeredTemporary - 1)) // its answer is open again
			l.compose(a.segment, a.from)
		}
		l.count.sentAgain++
	}
	s.again = slices.Delete(s.again, 0, n)
}

// orphanAgain hands on what an ended bind had to send again.
func (s *side) orphanAgain(left []again) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orphansAgain = append(s.orphansAgain, left...)
	s.orphanedAgain.Store(len(s.orphansAgain) > 0)
}

func (s *side) adoptAgain(queue []again) []again {
	if !s.orphanedAgain.Load() {
		return queue
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	queue = append(queue, s.orphansAgain...)
	s.orphansAgain = nil
	s.orphanedAgain.Store(false)
	return queue
}
