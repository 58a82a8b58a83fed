package smpp

import (
	"time"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// toPeer hands a message whose end is a SIP peer on, as text. Whoever answers it
// owns it from then on.
func (e *Edge) toPeer(t *turn, m *message) {
	text, ok := m.appendSpoken(nil)
	if !ok {
		e.refuse(t, m, notCarried)
		return
	}
	m.to = e.foreign.peer
	left := m.answerBy - t.at
	if left <= 0 || m.abandoned() {
		m.verdict.temporary = true
		e.finish(t, m)
		return
	}
	out := routing.Message{
		From: m.plan.Present, Peer: m.plan.To.Name, Text: text, AnswerBy: t.now.Add(time.Duration(left)),
	}
	from := m.from
	var u *uncertain // set by the answer, which comes before what is late
	out.Late = func(d routing.Delivery) { e.lateFromPeer(u, from, d) }
	e.cfg.Messenger.Deliver(&out, func(d routing.Delivery) { u = e.fromPeer(m, d) })
}

// lateFromPeer notes what a peer said when its upstream had been told to try again:
// what it accepted is not sent to it a second time.
func (e *Edge) lateFromPeer(u *uncertain, from *peer, d routing.Delivery) {
	switch d.Fate {
	case routing.FateUnknown:
		e.redeliveries.giveUp(u)
	case routing.FateDelivered:
		e.metrics.late.Inc()
		if e.redeliveries.settle(u, pdu.ROK, e.ids.next(), nil, true) {
			from.outcome(e.foreign.peer, outcomeLateAccepted)
		}
	default:
		e.metrics.late.Inc()
		e.redeliveries.settle(u, pdu.RUnknownErr, 0, nil, true)
	}
}

// fromPeer ends a message by what became of it. One of unknown outcome is remembered.
func (e *Edge) fromPeer(m *message, d routing.Delivery) (u *uncertain) {
	t := e.newTurn()
	switch d.Fate {
	case routing.FateDelivered:
		e.brought(m)
		e.accept(t, nil, m, e.ids.next(), nil)
	case routing.FateTemporary:
		m.verdict.temporary = true
		e.finish(t, m)
	case routing.FateUnknown:
		m.verdict.unknown = true
		u = e.redeliveries.note(m)
		e.redeliveries.remember(t, u, m, nil)
		e.finish(t, m)
	case routing.FateNoReceiver:
		e.refuse(t, m, badDestination)
	case routing.FateTooLong:
		e.refuse(t, m, badLength)
	default:
		e.refuse(t, m, notCarried)
	}
	t.flush()
	return u
}

// appendSpoken appends the text of a whole message as UTF-8; false where it is
// none: binary, for a port, a step of a dialogue.
func (m *message) appendSpoken(dst []byte) ([]byte, bool) {
	if m.isUSSD {
		return dst, false
	}
	for id := range m.elements().All() {
		if id != pdu.IEISingleShift && id != pdu.IEILockingShift {
			return dst, false
		}
	}
	for _, tag := range []pdu.Tag{pdu.TagSourcePort, pdu.TagDestinationPort} {
		if _, found := m.tlvs.Find(tag); found {
			return dst, false
		}
	}
	dst, err := pdu.AppendText(dst, m.payload[m.headerLen:], m.elements(), m.dataCoding, m.zero)
	return dst, err == nil
}
