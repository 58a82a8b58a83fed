package smpp

import (
	"maskline/routing"
	"maskline/smpp/pdu"
)

// send appends the message to the session's outbox and its window. It returns
// false, and the message stays the caller's, where the session cannot take it
// now.
func (s *session) send(t *turn, m *message) bool {
	if !s.enqueue(t, m) {
		return false
	}
	t.mark(s) // m is the window's now
	return true
}

// enqueue is send under the lock.
func (s *session) enqueue(t *turn, m *message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateBound {
		return false
	}
	shaped, misfit := m.fits(s.terms, &t.shape, s.edge.reference)
	if misfit != notRefused {
		m.misfit(misfit)
		return false
	}
	count := 1
	if shaped {
		count = len(t.shape.pieces)
	}
	if s.window.room() < count || !s.out.hasRoom() || !s.pace.take(t.at) {
		return false
	}
	s.pace.charge(count - 1)
	if !s.put(t, m, shaped, count) {
		return false
	}
	s.counts.sent++
	return true
}

// put writes the PDUs of a message and takes a place in the window for each.
func (s *session) put(t *turn, m *message, shaped bool, count int) bool {
	m.parts = parts{}
	if count > 1 {
		m.parts.open = count
	}
	for i := range count {
		sequence := s.window.nextFree()
		var b []byte
		var err error
		if shaped {
			b, err = m.appendPiece(s.out.begin(), s.terms, sequence, &t.shape, i)
		} else {
			b, err = m.appendTo(s.out.begin(), s.terms, sequence, &t.shape)
		}
		s.out.commit(b)
		if err != nil { // what came in was checked, so this is a fault of ours
			s.edge.metrics.unexpected.Inc()
			return false
		}
		o := slot{
			sequence: sequence, command: s.terms.sends, message: m, from: m.from, tail: i == count-1,
			end: s.out.queued, answerBy: m.answerBy, until: t.at + int64(s.terms.responseTimeout),
		}
		if o.tail {
			o.claimed = m.claimed
		}
		s.window.put(o)
		s.terms.peer.count(outbound, s.terms.sends, pdu.ROK)
	}
	return true
}

// handleMessageResponse ends an attempt: the response to a message of ours.
func (s *session) handleMessageResponse(t *turn, h pdu.Header, body []byte) {
	s.mu.Lock()
	p := s.window.find(h.Sequence)
	if p == nil {
		from, late := s.window.late.take(h.Sequence)
		s.mu.Unlock()
		s.unmatched(h, from, late)
		return
	}
	if h.Command != pdu.GenericNack && h.Command != p.command.Response() {
		s.mu.Unlock()
		s.edge.metrics.mismatched.Inc() // the peer's fault; the request still waits
		return
	}
	o := *p
	s.window.free(p)
	terms := s.terms
	status := h.Status
	if h.Command == pdu.GenericNack && status == pdu.ROK {
		status = pdu.RUnknownErr // a nack is never an acceptance
	}
	_ = t.resp.Decode(body) // the status decides; a faulty body only loses the id
	several, last := o.message != nil && o.message.parts.open > 0, false
	if several {
		last = o.message.parts.answered(status, t.resp.MessageID, o.tail)
	}
	s.mu.Unlock()

	s.measured(t, &o, status)
	switch {
	case o.message == nil:
		s.edge.late(o.from, terms.peer, status)
	case !several:
		s.edge.answered(t, s, o.message, status, t.resp.MessageID)
	case last:
		s.edge.sentParts(t, s, o.message)
	}
	for _, d := range terms.feeds {
		d.roomMade(t)
	}
}

// measured tells routing and the metrics of a response.
func (s *session) measured(t *turn, o *slot, status pdu.Status) {
	if o.claimed != nil {
		sentAt := o.until - int64(s.terms.responseTimeout)
		s.terms.carrier.peer.responseTime.Observe(float64(t.at-sentAt) / 1e9)
		o.report(t, attemptOf(status) != faulty)
	}
}

// report ends an attempt for the carrier's breaker.
func (o *slot) report(t *turn, ok bool) {
	if o.claimed != nil {
		o.claimed.Report(routing.SMS, ok, t.now)
	}
}

// unmatched counts responses that no request waits for.
func (s *session) unmatched(h pdu.Header, from *peer, late bool) {
	if late {
		s.edge.late(from, s.terms.peer, h.Status)
		return
	}
	s.edge.metrics.unexpected.Inc()
}

// lost ends an attempt whose connection ended. Only what was handed to the
// kernel whole can have reached the peer.
func (s *session) lost(t *turn, o *slot, unsent bool) {
	o.report(t, false)
	switch {
	case o.message == nil:
	case unsent:
		o.message.verdict.temporary = true
		s.edge.advance(t, o.message)
	default:
		s.unknown(t, o.message)
	}
}

// unknown ends an attempt that got no answer: the message may have been
// accepted, so it goes elsewhere only where the bind's configuration says so.
func (s *session) unknown(t *turn, m *message) {
	m.verdict.unknown = true
	if b := s.terms.bind; b != nil && b.UnknownNext && !m.parts.accepted {
		s.edge.advance(t, m)
		return
	}
	s.edge.finish(t, m)
}

// expire ends attempts that are due: the upstream's time is over, or the
// response timeout.
func (s *session) expire(t *turn) {
	var due []slot
	var givenUp []bool
	s.mu.Lock()
	s.window.expire(t.at, func(o slot, up bool) {
		if m := o.message; m != nil && m.parts.open > 0 && !m.parts.lost(false) {
			o.message = nil // another PDU of it ends it
		}
		due, givenUp = append(due, o), append(givenUp, up)
	})
	s.mu.Unlock()
	for i := range due {
		if givenUp[i] {
			due[i].report(t, false)
		}
		switch m := due[i].message; {
		case m == nil:
		case t.at >= m.answerBy:
			m.verdict.unknown = true
			s.edge.finish(t, m)
		default:
			s.unknown(t, m)
		}
	}
}

// answer sends the response to a message that a peer sent us.
func (s *session) answer(t *turn, request pdu.Command, status pdu.Status, sequence uint32, id []byte) {
	sent, over := s.appendAnswer(request, status, sequence, id)
	if !sent {
		s.edge.metrics.answersLost.Inc()
		return
	}
	s.count(outbound, request.Response(), status)
	t.mark(s)
	if over {
		s.cut("the peer does not read")
	}
}

// appendAnswer returns false where the peer is gone, and whether it has left too
// much unread.
func (s *session) appendAnswer(request pdu.Command, status pdu.Status, sequence uint32, id []byte) (sent, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unanswered--
	if s.state == stateClosed {
		return false, false
	}
	s.out.commit(pdu.AppendMessageResp(s.out.begin(), request, status, sequence, id))
	return true, s.out.overrun()
}
