package smpp

import (
	"errors"
	"math"
	"time"

	"maskline/e164"
	"maskline/routing"
	"maskline/smpp/pdu"
)

const (
	// peerEdge is the name in metrics of the edge itself, as the origin of messages.
	peerEdge = "edge"
	// ownAccount is who submitted them, in place of the index of an account, and
	// ownName in place of its system_id: no PDU can carry a NUL in one.
	ownAccount = math.MaxUint32
	ownName    = "\x00edge"
)

// own is what a message has that the edge wrote itself.
type own struct {
	id    uint64
	from  e164.Number
	to    e164.Number
	done  func(routing.Originated)
	told  routing.Originated
	tried []routing.Try
}

var _ routing.Originator = (*Edge)(nil)

// Originate takes a message of the edge's own into the way that those of accounts
// go: the same rules, carriers, paces and deadlines. Its receipts go to
// Config.Reports, without which nothing is sent.
func (e *Edge) Originate(in *routing.Origination, done func(routing.Originated)) {
	if e.written == nil || e.draining.Load() {
		done(routing.Originated{Fate: routing.FateTemporary})
		return
	}
	up := e.written.upstream(e, in.Origin)
	if up.takeOn() != notRefused {
		done(routing.Originated{Fate: routing.FateTemporary})
		return
	}
	t := e.newTurn()
	m := e.messages.get()
	o := &own{id: in.ID, from: in.From, to: in.To, done: done}
	m.up, m.command, m.from, m.own = up, pdu.SubmitSM, up.terms.peer, o
	m.back, m.dialled = func(d routing.Delivery) { o.tell(m, d) }, in.To.AppendDigits(nil)
	m.plan.Verdict = routing.Forward // routing has not been asked yet
	m.answerBy = t.at + int64(min(e.answerWithin, max(in.AnswerBy.Sub(t.now)-2*tick, time.Duration(0))))
	t.in = submission34(&routing.Message{From: in.From, To: in.To, Text: in.Text})
	t.in.RegisteredDelivery = pdu.RegisteredBoth
	m.segments = segmentsOf(&t.in, GSM7)
	o.told.Segments = m.segments
	if r := m.fill(&t.in, &up.terms.format); r != notRefused {
		e.refuse(t, m, r)
	} else {
		e.route(t, m)
	}
	t.flush()
}

// tell answers who wrote the message.
func (o *own) tell(m *message, d routing.Delivery) {
	told := o.told
	told.Fate, told.Verdict, told.Answer, told.Tried = d.Fate, d.Verdict, d.Answer, o.tried
	if m.plan.Verdict == routing.Forward { // else it was dropped, and nobody has it
		byCarrier := m.plan.To.Kind == routing.ToNumber
		switch {
		case byCarrier && m.to != nil && d.Fate == routing.FateDelivered:
			told.Carrier = m.to.name
		case byCarrier && d.Fate == routing.FateUnknown:
			told.Carrier = o.silent()
		default:
		}
		told.Final = d.Fate == routing.FateDelivered && !byCarrier
	}
	o.done(told)
}

// silent is the last carrier that did not answer: it may have the message. The last
// of all may be another one, which refused it.
func (o *own) silent() string {
	for i := len(o.tried) - 1; i >= 0; i-- {
		if o.tried[i].Silent {
			return o.tried[i].Carrier
		}
	}
	return ""
}

// tried notes an attempt that was answered with a status.
func (m *message) tried(status pdu.Status, silent bool) {
	if m.own != nil && m.to != nil {
		m.own.tried = append(m.own.tried, routing.Try{Carrier: m.to.name, Status: uint32(status), Silent: silent})
	}
}

// acceptOwn ends a message of the edge's own that a downstream has accepted. Its
// writer hears of that before any receipt. Nothing is kept but its id.
func (e *Edge) acceptOwn(t *turn, s *session, m *message, remoteID []byte) {
	m.tried(pdu.ROK, false)
	sub := submission{local: m.own.id, at: t.now.UnixMilli(), account: ownAccount, wants: m.wants, coding: m.dataCoding, sent: m.sent}
	e.end(t, m, outcomeAccepted, pdu.ROK, m.own.id)
	if s != nil && s.terms.bind != nil {
		e.submitted(t, s, &sub, remoteID)
	}
}

// ownLate tells that a carrier has accepted a message after all, and lets its
// receipts be joined.
func (e *Edge) ownLate(t *turn, s *session, o *own, remoteID []byte) {
	if s.terms.bind == nil {
		return
	}
	e.cfg.Reports.Report(routing.Report{
		ID: o.id, State: routing.ReportSubmitted, Carrier: s.terms.peer.name, At: t.now, Only: true,
	}, func(error) {})
	e.submitted(t, s, &submission{local: o.id, at: t.now.UnixMilli(), account: ownAccount, wants: pdu.RegisteredBoth}, remoteID)
}

// errNotSent says that there is no one to hear of the edge's own messages.
var errNotSent = errors.New("the edge writes no messages")

// reportOwn hands a carrier's receipt to who wrote the message. The carrier is
// answered once that is durable; m, which may be nil, is who waits for it.
func (e *Edge) reportOwn(t *turn, c *carrier, m *message, sub *submission, r *pdu.Receipt, remoteID string) {
	c.receiptTime(sub, r, t.now)
	note := e.note(c, remoteID, sub)
	note.Final = r.State.Final()
	key := sub.key
	done := func(err error) { e.ownReported(c, m, key, note, err) }
	if e.cfg.Reports == nil {
		done(errNotSent)
		return
	}
	e.cfg.Reports.Report(routing.Report{
		ID: sub.local, State: reportState(r.State), Carrier: c.cfg.Name, Code: r.ErrorCode, At: t.now, Only: m == nil,
	}, done)
}

// ownReported ends a receipt when its report is durable, or leaves it with its
// carrier.
func (e *Edge) ownReported(c *carrier, m *message, key joinKey, note Submission, err error) {
	t := e.newTurn()
	defer t.flush()
	answer, how := pdu.ROK, receiptDelivered
	switch {
	case err == nil && note.Final:
		c.joiner.settle(key, note.LocalID, hasEnded)
		e.journal.Sent(note)
	case err == nil:
	default:
		how = receiptReturned
		if note.Final {
			c.joiner.settle(key, note.LocalID, notEnded)
		}
		if m == nil {
			how = receiptDropped
		}
	}
	e.metrics.receipts[how].Inc()
	if m == nil {
		return
	}
	if err != nil {
		answer = m.up.terms.replies.of(temporarily)
	}
	m.up.answer(t, m.command, answer, m.sequence, nil)
	e.messages.put(m)
}

// reportState translates the states of final receipts; no others are asked for.
func reportState(s pdu.State) routing.ReportState {
	switch s {
	case pdu.Delivered:
		return routing.ReportDelivered
	case pdu.Expired:
		return routing.ReportExpired
	case pdu.Rejected:
		return routing.ReportRejected
	case pdu.Undeliverable, pdu.Deleted, pdu.Skipped:
		return routing.ReportUndelivered
	default:
		return routing.ReportUnknown
	}
}
