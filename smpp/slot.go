package smpp

import (
	"slices"
	"time"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// firstContact holds a message back until the owner of the public mask can answer
// its sender. Nobody waits: whoever has opened the slot owns the message then.
func (e *Edge) firstContact(t *turn, m *message) {
	in := keep(&t.in)
	by := t.now.Add(time.Duration(m.answerBy - t.at))
	e.router.Open(&m.plan, by, func(bool) { e.known(m, &in) })
}

// known routes a message again whose sender the owner can answer now. So it does where
// the slot was refused: another contact of the sender may have opened it, or it turned
// out that the owner answers nobody.
func (e *Edge) known(m *message, in *pdu.Message) {
	t := e.newTurn()
	t.in = *in
	m.opened = true
	e.route(t, m)
	t.flush()
}

// holdsBack reports whether a message has to wait for its sender to become known.
// One that was put together from segments is asked for again: the slot was there
// when they came.
func (m *message) holdsBack() bool {
	return m.plan.Verdict == routing.FirstContact && !m.opened && m.joined == nil
}

// keep copies a message out of the buffer that it was read into.
func keep(in *pdu.Message) pdu.Message {
	out := *in
	for _, b := range []*[]byte{
		&out.ServiceType, &out.Source.Digits, &out.Destination.Digits, &out.ScheduleDeliveryTime, &out.ValidityPeriod,
		&out.ShortMessage, (*[]byte)(&out.TLVs),
	} {
		*b = slices.Clone(*b)
	}
	return out
}
