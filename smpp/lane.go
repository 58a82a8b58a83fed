package smpp

import "maskline/smpp/pdu"

// The segments of one message take one bind, in order. Where that bind has no
// room, or its peer is throttling, they wait in its lane; nothing else leaves
// the bind before them.

// sendSegment sends a segment or lets it wait in the lane. It returns false,
// and the message stays the caller's, where the lane is full or the bind ends.
func (s *session) sendSegment(t *turn, m *message) bool {
	s.mu.Lock()
	if !s.maySend() {
		s.mu.Unlock()
		return false
	}
	s.lastOrder++
	m.order = s.lastOrder
	count := 0
	if s.lane.head == nil {
		count = s.put(t, m)
	}
	if count == 0 {
		if s.lane.length >= s.window.limit || s.misfits(t, m) {
			s.mu.Unlock()
			return false
		}
		s.lane.push(m) // m belongs to the lane now
	}
	s.mu.Unlock()
	if count > 0 {
		s.sent(t, count)
	}
	return true
}

// misfits looks again, for a lane that put was not tried with.
func (s *session) misfits(t *turn, m *message) bool {
	if !m.fitsUSSD(s.terms) {
		m.misfit(notCarried)
	} else if _, r := m.fits(s.terms, &t.shape, s.edge.reference); r != notRefused {
		m.misfit(r)
	}
	return m.unfit
}

// resend puts a segment that the peer has throttled back before those that came
// after it. It returns false where the message's time is over or the bind ends.
func (s *session) resend(t *turn, m *message, status pdu.Status) bool {
	if !m.sticky || !throttling(status) || t.at >= m.answerBy || m.abandoned() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.maySend() {
		return false
	}
	m.leaveBy = m.answerBy
	s.lane.insert(m)
	return true
}

// throttling reports whether a status says that the peer gets too much.
func throttling(s pdu.Status) bool { return s == pdu.RThrottled || s == pdu.RMsgQFul }

// runLane sends what waits in the lane while there is room.
func (s *session) runLane(t *turn) {
	n := 0
	s.mu.Lock()
	for m := s.lane.head; m != nil && s.maySend(); m = s.lane.head {
		s.lane.remove(m) // before it is sent: then it belongs to the window
		count := s.put(t, m)
		if count == 0 {
			s.lane.pushFront(m)
			break
		}
		n += count
	}
	s.mu.Unlock()
	if n > 0 {
		s.sent(t, n)
	}
}

// clearLane hands what waits to other binds of the same destination, or goes on
// to the next candidate. The session takes nothing any more.
func (s *session) clearLane(t *turn) {
	s.mu.Lock()
	m := s.lane.takeAll()
	s.mu.Unlock()
	for m != nil {
		next := m.next
		m.next, m.prev = nil, nil
		if m.unfit = false; !m.dest.take(t, m) {
			m.release()
			m.verdict.temporary = m.verdict.temporary || !m.unfit
			s.edge.advance(t, m)
		}
		m = next
	}
}
