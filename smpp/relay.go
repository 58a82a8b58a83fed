package smpp

import (
	"maskline/routing"
	"maskline/smpp/pdu"
)

// handleMessage takes on a submit_sm, deliver_sm or data_sm: limits, content,
// route, first attempt. It is answered when an attempt has decided.
func (s *session) handleMessage(t *turn, h pdu.Header, body []byte) {
	if !s.mayTake(h.Command) {
		s.replyMessage(t, h, pdu.RInvBndSts)
		return
	}
	if err := t.decode(h.Command, body); err != nil {
		s.replyMessage(t, h, pdu.StatusOf(err))
		return
	}
	segments := segmentsOf(&t.in, s.terms.zero)
	if status := s.limit(t, segments); status != pdu.ROK {
		s.replyMessage(t, h, status)
		return
	}
	if s.dialer != nil && t.in.IsReceipt() {
		s.handleReceipt(t, h)
		return
	}
	m := s.edge.messages.get()
	m.up, m.sequence, m.command, m.from = s, h.Sequence, h.Command, s.terms.peer
	m.answerBy = t.at + int64(s.edge.answerWithin)
	m.segments = segments
	if a := s.terms.account; a != nil && a.quota.limited() {
		m.charged, m.chargedOn = segments, dayOf(t.now)
	}
	if refusal := m.fill(&t.in, &s.terms.format); refusal != notRefused {
		s.edge.refuse(t, m, refusal)
		return
	}
	if refusal := m.takeUSSD(&t.in); refusal != notRefused {
		s.edge.refuse(t, m, refusal)
		return
	}
	if !s.edge.redelivered(t, m) {
		s.edge.route(t, m)
	}
}

// mayTake reports whether the peer may send this request on its bind.
func (s *session) mayTake(c pdu.Command) bool {
	fits := c == pdu.DataSM || (c == pdu.SubmitSM) == (s.dialer == nil)
	return fits && s.terms.canTake
}

// decode reads any of the three requests into t.in.
func (t *turn) decode(c pdu.Command, body []byte) error {
	if c != pdu.DataSM {
		return t.in.Decode(body)
	}
	if err := t.data.Decode(body); err != nil {
		return err
	}
	d := &t.data
	t.in = pdu.Message{
		ServiceType: d.ServiceType, Source: d.Source, Destination: d.Destination, ESMClass: d.ESMClass,
		RegisteredDelivery: d.RegisteredDelivery, DataCoding: d.DataCoding, TLVs: d.TLVs,
	}
	return nil
}

// limit counts the request as unanswered, or says why it is not taken on.
func (s *session) limit(t *turn, segments int) pdu.Status {
	r := &s.terms.replies
	if s.edge.draining.Load() {
		return r.of(temporarily)
	}
	if refusal := s.takeOn(); refusal != notRefused {
		return r.of(refusal)
	}
	if refusal := s.terms.account.admits(t, segments); refusal != notRefused {
		s.mu.Lock()
		s.unanswered--
		s.counts.received--
		s.mu.Unlock()
		return r.of(refusal)
	}
	return pdu.ROK
}

// admits takes segments from the account's quota and rate. What one of them
// refuses costs nothing of the other.
func (a *account) admits(t *turn, segments int) refusal {
	switch {
	case a == nil:
		return notRefused
	case !a.quota.take(t.now, segments):
		a.overQuota.Add(1)
		return overQuota
	case !a.settings.Load().pace.take(t.at, segments):
		if a.quota.limited() {
			a.quota.giveBack(dayOf(t.now), segments)
		}
		return throttled
	default:
		return notRefused
	}
}

// takeOn counts a request of the peer's within its window.
func (s *session) takeOn() refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateBound || s.retiring != "" {
		return temporarily // it has unbound: an answer might not reach it
	}
	if s.unanswered >= s.terms.window {
		return throttled
	}
	s.unanswered++
	s.counts.received++
	return notRefused
}

// route decides where the message goes and makes the first attempt, unless it is
// a segment that waits for others.
func (e *Edge) route(t *turn, m *message) {
	if e.passed(t, m) && !e.gather(t, m) {
		m.present()
		e.advance(t, m)
	}
}

// passed ends the message that routing does not let through.
func (e *Edge) passed(t *turn, m *message) bool {
	e.decide(t, m)
	if m.holdsBack() {
		e.firstContact(t, m)
		return false
	}
	if m.plan.Verdict != routing.Forward {
		e.ruled(t, m)
		return false
	}
	if m.plan.To.Kind == routing.ToPeer && e.foreign == nil {
		e.refuse(t, m, badDestination) // there is no SIP
		return false
	}
	return true
}

// decide asks routing about the message in t.in.
func (e *Edge) decide(t *turn, m *message) {
	t.request.Service = routing.SMS
	t.request.Origin = m.up.terms.origin
	t.request.Now = t.now
	m.address(&t.request, &t.in, m.up.terms.numbers)
	if m.back != nil {
		t.request.Dialled = m.dialled
	}
	if o := m.own; o != nil {
		t.request.From, t.request.To = o.from, o.to
	}
	e.hear(t, m)
	e.router.Decide(&t.request, &m.plan)
}

// advance makes the next attempt. The caller owns the message and loses it
// here.
func (e *Edge) advance(t *turn, m *message) {
	if m.receipt != nil {
		e.receiptFailed(t, m)
		return
	}
	m.unclaim()
	if m.plan.To.Kind == routing.ToPeer {
		e.toPeer(t, m)
		return
	}
	for t.at < m.answerBy && !m.abandoned() {
		d, last := e.candidate(t, m)
		if d == nil {
			break
		}
		m.to = d.peer
		if d.refusesUSSD(m) {
			m.unclaim()
			m.verdict.refused, m.verdict.status = true, pdu.RInvSerTyp
			continue
		}
		if d.offer(t, m, last) {
			return
		}
		m.unclaim()
		m.verdict.temporary = m.verdict.temporary || !m.unfit
	}
	if t.at >= m.answerBy {
		m.verdict.temporary = true
	}
	e.finish(t, m)
}

// abandoned reports whether nobody waits for an answer any more, so that an
// attempt which has not begun need not: the upstream still has the message.
func (m *message) abandoned() bool {
	if m.up == nil {
		return false
	}
	select {
	case <-m.up.done:
		return true
	default:
		return false
	}
}

// advanceAll advances a list of messages.
func (e *Edge) advanceAll(t *turn, m *message) {
	for m != nil {
		next := m.next
		m.next = nil
		m.verdict.temporary = m.verdict.temporary || !m.unfit
		e.advance(t, m)
		m = next
	}
}

// candidate is the next destination of the plan, and whether it is the last.
// Carriers whose breaker is open are passed over.
func (e *Edge) candidate(t *turn, m *message) (d *destination, last bool) {
	if m.plan.To.Kind == routing.ToAccount {
		a := e.account(m.plan.To.Name)
		m.candidate++
		if a == nil || m.candidate > 1 {
			return nil, true
		}
		return a.destination, true
	}
	for m.candidate < m.plan.Carriers() {
		rc, present := m.plan.Carrier(m.candidate), m.plan.Presented(m.candidate)
		m.candidate++
		c := e.carriers[rc.Name]
		if c == nil {
			continue // it has no SMPP
		}
		if !rc.Begin(routing.SMS, t.now) {
			m.verdict.temporary = true
			continue
		}
		m.claimed, m.begun = rc, t.now
		m.presentAs(present)
		return c.destination, m.candidate >= m.plan.Carriers()
	}
	return nil, true
}

// answered ends an attempt by its response.
func (e *Edge) answered(t *turn, s *session, m *message, status pdu.Status, id []byte) {
	if m.receipt != nil {
		e.receiptAnswered(t, m, status)
		return
	}
	switch attemptOf(status) {
	case taken:
		e.brought(m)
		e.accept(t, s, m, e.ids.next(), id)
	case final:
		m.tried(status, false)
		m.verdict.refused, m.verdict.status = true, status
		e.refuse(t, m, refusalByStatus(status))
	case elsewhere:
		m.tried(status, false)
		m.verdict.refused, m.verdict.status = true, status
		e.advance(t, m)
	default:
		m.tried(status, false)
		m.verdict.temporary = true
		if !s.resend(t, m, status) {
			e.advance(t, m)
		}
	}
}

// brought tells of a message to a mask; of a segment only where it is the first.
func (e *Edge) brought(m *message) {
	if e.cfg.Brought == nil || m.plan.Outbound || m.own != nil || m.concat.Total > 0 && m.concat.Part > 1 {
		return
	}
	e.cfg.Brought(&m.plan, max(m.segments, int(m.concat.Total)))
}

// accept ends a message that a downstream has accepted, over a session or as a SIP
// peer (nil); local is the id that it gets. The upstream is answered before any receipt, so that it knows the id.
func (e *Edge) accept(t *turn, s *session, m *message, local uint64, remoteID []byte) {
	e.router.Delivered(&m.plan, m.candidate-1, m.fingerprint, t.now)
	if m.wants == 0 {
		e.end(t, m, outcomeAccepted, pdu.ROK, local)
		return
	}
	if m.own != nil {
		e.acceptOwn(t, s, m, remoteID)
		return
	}
	sub := submission{
		local: local, at: t.now.UnixMilli(), account: m.up.terms.account.index, wants: m.wants,
		source: inline(m.origSource), destination: inline(m.origDest), presented: m.plan.Present,
		coding: m.dataCoding, sent: m.sent,
	}
	e.end(t, m, outcomeAccepted, pdu.ROK, local)
	e.submitted(t, s, &sub, remoteID)
}

// finish ends a message that no candidate took.
func (e *Edge) finish(t *turn, m *message) {
	if m.receipt != nil {
		e.receiptFailed(t, m)
		return
	}
	switch v := &m.verdict; {
	case v.unknown:
		e.end(t, m, outcomeUnknown, m.up.terms.replies.of(temporarily), 0)
	case v.temporary || !v.refused:
		e.end(t, m, outcomeTemporary, m.up.terms.replies.of(temporarily), 0)
	default:
		e.refuse(t, m, refusalByStatus(v.status))
	}
}

// refuse ends a message with a refusal.
func (e *Edge) refuse(t *turn, m *message, r refusal) {
	o := outcomeRefused
	if r == temporarily || r == throttled {
		o = outcomeTemporary
	}
	e.end(t, m, o, m.up.terms.replies.of(r), 0)
}

// drop ends a message that the policy acknowledges and sends nowhere.
func (e *Edge) drop(t *turn, m *message) {
	e.end(t, m, outcomeDropped, pdu.ROK, e.ids.next())
}

// end answers the upstream and gives the message back. local is the id that an
// accepted message gets.
func (e *Edge) end(t *turn, m *message, o outcome, status pdu.Status, local uint64) {
	if m.joined != nil {
		e.endJoined(t, m, o, status, local)
		return
	}
	m.from.outcome(m.to, o)
	if m.charged > 0 && o != outcomeAccepted && o != outcomeDropped {
		m.up.terms.account.quota.giveBack(m.chargedOn, m.charged)
	}
	id := t.id[:0]
	if local != 0 {
		id = appendID(id, local)
	}
	if m.back != nil {
		m.tellBack(o, status)
	} else {
		m.up.answer(t, m.command, status, m.sequence, id)
	}
	e.messages.put(m)
}
