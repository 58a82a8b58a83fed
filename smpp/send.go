package smpp

import (
	"maskline/routing"
	"maskline/smpp/pdu"
)

// send appends the message to the session's outbox and its window. It returns
// false, and the message stays the caller's, where the session cannot take it
// now.
func (s *session) send(t *turn, m *message) bool {
	count := 0
	s.mu.Lock()
	if s.maySend() && s.lane.head == nil {
		count = s.put(t, m)
	}
	s.mu.Unlock()
	if count > 0 {
		s.sent(t, count) // m is the window's now
	}
	return count > 0
}

// maySend reports whether the peer may still be sent requests: after an unbind it
// may close at any moment. The caller holds mu.
func (s *session) maySend() bool {
	return s.state == stateBound && s.unbindSeq == 0 && !s.leaving.asked
}

// sent counts the PDUs that were put.
func (s *session) sent(t *turn, count int) {
	for range count {
		s.terms.peer.count(outbound, s.terms.sends, pdu.ROK)
	}
	t.mark(s)
}

// put is send for those who hold mu and have looked at the session's state. It
// returns how many PDUs the message was sent as, 0 where it stays the caller's.
func (s *session) put(t *turn, m *message) int {
	if !m.fitsUSSD(s.terms) {
		return 0 // another bind of the destination may
	}
	shaped, misfit := m.fits(s.terms, &t.shape, s.edge.reference)
	if misfit != notRefused {
		m.misfit(misfit)
		return 0
	}
	count, segments := 1, m.segments
	m.sent = sentAs{m.dataCoding, m.headerLen == 0 && m.concat.Total == 0}
	if shaped {
		count = len(t.shape.pieces)
		m.sent = sentAs{t.shape.dataCoding, m.sent.plain && count == 1}
		segments = max(segments, count)
	}
	if s.window.room() < count || !s.out.hasRoom() || !s.flow.pace.ready(t.at) || !m.dest.pace.Load().take(t.at, segments) {
		return 0
	}
	m.parts.begin(count)
	for i := range count {
		if s.putPDU(t, m, shaped, i, i == count-1) {
			continue
		}
		if i == 0 {
			return 0
		}
		m.parts.open, m.parts.unknown, m.parts.status = i, true, pdu.RUnknownErr // those before it are the window's
		break
	}
	s.flow.sent(t.at, max(segments, 1)) // a receipt has not counted its own
	s.load.used.Store(int32(s.window.used))
	s.counts.sent++
	return count
}

// putPDU writes one PDU of a message and takes its place in the window. tail is
// the last one, whose response tells the breaker.
func (s *session) putPDU(t *turn, m *message, shaped bool, i int, tail bool) bool {
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
		sequence: sequence, command: s.terms.sends, message: m, from: m.from, tail: tail,
		end: s.out.queued, answerBy: m.answerBy, until: t.at + int64(s.terms.responseTimeout),
	}
	if tail {
		o.claimed = m.claimed
	}
	s.window.put(o)
	return true
}

// handleMessageResponse ends an attempt: the response to a message of ours.
func (s *session) handleMessageResponse(t *turn, h pdu.Header, body []byte) {
	_ = t.resp.Decode(body) // the status decides; a faulty body only loses the id
	s.mu.Lock()
	p := s.window.find(h.Sequence)
	if p == nil {
		r, late := s.window.late.take(h.Sequence)
		s.mu.Unlock()
		s.unmatched(t, h, r, late)
		return
	}
	if h.Command != pdu.GenericNack && h.Command != p.command.Response() {
		s.mu.Unlock()
		s.edge.metrics.mismatched.Inc() // the peer's fault; the request still waits
		return
	}
	o := *p
	status := h.Status
	if h.Command == pdu.GenericNack && status == pdu.ROK {
		status = pdu.RUnknownErr // a nack is never an acceptance
	}
	several, last := o.message != nil && o.message.parts.open > 0, false
	if several {
		last = o.message.parts.answered(status, t.resp.MessageID, o.tail)
	}
	s.window.free(p)
	s.load.used.Store(int32(s.window.used))
	s.flow.responded(t.at, o.until-int64(s.terms.responseTimeout), status)
	lane := s.lane.head != nil
	s.mu.Unlock()

	s.measured(t, &o, status)
	switch {
	case o.message == nil:
		s.late(t, lateRequest{o.from, o.uncertain, o.tail}, status)
	case !several:
		s.edge.answered(t, s, o.message, status, t.resp.MessageID)
	case last:
		s.edge.sentParts(t, s, o.message)
	}
	if lane {
		s.runLane(t)
	}
	for _, d := range s.terms.feeds {
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

// unmatched counts responses that no request waits for. t.resp holds it.
func (s *session) unmatched(t *turn, h pdu.Header, r lateRequest, late bool) {
	if !late {
		s.edge.metrics.unexpected.Inc()
		return
	}
	status := h.Status
	if h.Command == pdu.GenericNack && status == pdu.ROK {
		status = pdu.RUnknownErr
	}
	s.late(t, r, status)
}

// late counts a response that came after its upstream had been answered. t.resp
// holds it.
func (s *session) late(t *turn, r lateRequest, status pdu.Status) {
	e := s.edge
	e.metrics.late.Inc()
	if status != pdu.ROK {
		e.redeliveries.settle(r.uncertain, status, 0, nil, r.tail)
		return
	}
	whole := e.redeliveries.settle(r.uncertain, status, e.ids.next(), t.resp.MessageID, r.tail)
	if whole && r.from != nil {
		r.from.outcome(s.terms.peer, outcomeLateAccepted)
	}
	if u := r.uncertain; whole && u != nil && u.own != nil {
		e.ownLate(t, s, u.own, u.remoteID)
	}
}

// lost ends an attempt whose connection ended. Only what was handed to the
// kernel whole can have reached the peer.
func (s *session) lost(t *turn, o *slot, unsent bool) {
	o.report(t, false)
	switch {
	case o.message == nil:
		s.edge.redeliveries.giveUp(o.uncertain)
	case unsent:
		o.message.verdict.temporary = true
		s.edge.advance(t, o.message)
	default:
		u := s.edge.redeliveries.note(o.message)
		s.edge.redeliveries.giveUp(u)
		s.unknown(t, o.message, u)
	}
}

// unknown ends an attempt that got no answer: the message may have been
// accepted, so it goes elsewhere only where the bind's configuration says so.
func (s *session) unknown(t *turn, m *message, u *uncertain) {
	m.verdict.unknown = true
	m.tried(pdu.ROK, true)
	if b := s.terms.bind; b != nil && b.UnknownNext && t.at < m.answerBy && !m.parts.accepted {
		s.edge.redeliveries.settle(u, pdu.RUnknownErr, 0, nil, true) // its next attempt decides
		s.edge.advance(t, m)
		return
	}
	s.edge.redeliveries.remember(t, u, m, s)
	s.edge.finish(t, m)
}

// expire ends attempts that are due: the upstream's time is over, or the
// response timeout.
func (s *session) expire(t *turn) {
	var due []slot
	var givenUp []bool
	s.mu.Lock()
	s.window.expire(t.at, s.edge.redeliveries.note, func(o slot, up bool) {
		if m := o.message; m != nil && m.parts.open > 0 && !m.parts.lost(false) {
			o.message = nil // another PDU of it ends it
		}
		due, givenUp = append(due, o), append(givenUp, up)
	})
	s.load.used.Store(int32(s.window.used))
	s.mu.Unlock()
	for i := range due {
		if givenUp[i] {
			due[i].report(t, false)
			s.edge.redeliveries.giveUp(due[i].uncertain)
		}
		if m := due[i].message; m != nil {
			s.unknown(t, m, due[i].uncertain)
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
