package smpp

import (
	"encoding/binary"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// Segments to a carrier that takes long messages whole are gathered, and sent as
// one message_payload. Each waits in its upstream's window; all are answered
// alike when the whole is, with one message id.

// gather takes on a segment that has to wait for the others of its message; it
// returns false where the message goes on as it is.
func (e *Edge) gather(t *turn, m *message) bool {
	if m.concat.Total < 2 || m.isUSSD || !e.takesWhole(&m.plan) {
		return false
	}
	// Half of the time is for the carrier, or what it accepts would be sent again.
	how, list, repeated := e.segments.add(m, t.at+int64(e.answerWithin/2))
	if how != joinWaits {
		e.metrics.gathered[how].Inc()
	}
	switch how {
	case joinWaits:
		if repeated != nil {
			e.refuse(t, repeated, temporarily) // its upstream has sent it again
		}
	case joinWhole:
		e.sendWhole(t, list)
	case joinNoRoom:
		e.refuse(t, m, temporarily)
	case joinContrary:
		e.refuse(t, m, badESMClass)
	default:
		e.refuse(t, m, badLength)
	}
	return true
}

// takesWhole reports whether the first carrier of a plan, or the SIP peer, takes
// long messages whole.
func (e *Edge) takesWhole(p *routing.Plan) bool {
	if p.To.Kind == routing.ToAccount || p.To.Kind == routing.ToPeer {
		return p.To.Kind == routing.ToPeer
	}
	for i := range p.Carriers() {
		if c := e.carriers[p.Carrier(i).Name]; c != nil {
			return c.takesWhole()
		}
	}
	return false
}

func (c *carrier) takesWhole() bool {
	return len(c.cfg.Binds) > 0 && c.cfg.Binds[0].Long == LongPayload
}

// sendWhole sends the message that the segments make, once the rules have seen
// its text: none of the segments needs to hold what they look for. Where an
// upstream has gone it sends its segment again, so the others are to come again
// too.
func (e *Edge) sendWhole(t *turn, list *message) {
	for p := list; p != nil; p = p.next {
		if p.abandoned() {
			e.giveBack(t, list)
			return
		}
	}
	m := e.messages.get()
	m.joinUp(list)
	t.in = pdu.Message{
		Source: m.origSource, Destination: m.origDest, ESMClass: m.esmClass, DataCoding: m.dataCoding, TLVs: m.tlvs,
	}
	if e.passed(t, m) {
		m.present()
		e.advance(t, m)
	}
}

// giveBack tells the upstreams of segments to send them again.
func (e *Edge) giveBack(t *turn, list *message) {
	for list != nil {
		next := list.next
		list.next = nil
		e.refuse(t, list, temporarily)
		list = next
	}
}

// sweepSegments ends what was not complete in time.
func (e *Edge) sweepSegments(t *turn) {
	for list := e.segments.expire(t.at); list != nil; list = e.segments.expire(t.at) {
		e.metrics.gathered[joinIncomplete].Inc()
		e.giveBack(t, list)
	}
}

// joinUp makes m the message that the segments of a list are parts of. What is
// said once for a message is taken from its first segment.
func (m *message) joinUp(list *message) {
	octets, first := 0, list
	for p := list; p != nil; p = p.next {
		octets += len(p.payload)
	}
	m.reserve(octets + len(first.tlvs) + fillRoom)
	m.joined = first
	m.up, m.sequence, m.command, m.from = first.up, first.sequence, first.command, first.from
	m.plan, m.seed, m.fingerprint, m.answerBy = first.plan, first.seed, first.fingerprint, first.answerBy
	m.zero, m.dataCoding, m.protocolID, m.priority = first.zero, first.dataCoding, first.protocolID, first.priority
	for p := list; p != nil; p = p.next {
		m.wants |= p.wants
		m.segments += p.segments
		m.answerBy = min(m.answerBy, p.answerBy)
	}
	m.registered = askFor(m.wants)
	m.validity = m.keep(first.validity)
	m.origSource, m.origDest = first.origSource, first.origDest
	m.origSource.Digits, m.origDest.Digits = m.keep(first.origSource.Digits), m.keep(first.origDest.Digits)
	m.joinContent(list)
}

// joinContent writes the TLVs, the payload last of them.
func (m *message) joinContent(list *message) {
	first, start := list, len(m.data)
	for tag, value := range first.tlvs.All() {
		switch tag {
		case pdu.TagSarMsgRefNum, pdu.TagSarTotalSegments, pdu.TagSarSegmentSeqnum, pdu.TagMessagePayload, pdu.TagMoreMessagesToSend:
		default:
			m.data = pdu.AppendTLV(m.data, tag, value)
		}
	}
	m.data = append(m.data, byte(pdu.TagMessagePayload>>8), byte(pdu.TagMessagePayload&0xFF), 0, 0)
	at := len(m.data)
	m.data = append(m.data, 0)
	for id, value := range first.elements().All() {
		if id != pdu.IEIConcatenation8 && id != pdu.IEIConcatenation16 {
			m.data = append(append(m.data, byte(id), byte(len(value))), value...)
		}
	}
	m.esmClass = 0
	if m.headerLen = len(m.data) - at; m.headerLen > 1 {
		m.data[at] = byte(m.headerLen - 1)
		m.esmClass = pdu.ESMUDHI
	} else {
		m.headerLen, m.data = 0, m.data[:at]
	}
	for p := list; p != nil; p = p.next {
		m.data = append(m.data, p.payload[p.headerLen:]...)
	}
	m.inTLV = true
	m.payload = m.data[at:len(m.data):len(m.data)]
	binary.BigEndian.PutUint16(m.data[at-2:], uint16(len(m.payload)))
	m.tlvs = pdu.TLVs(m.data[start:len(m.data):len(m.data)])
}

// endJoined answers the upstream of each segment like the whole, in the codes of
// the bind that it came on.
func (e *Edge) endJoined(t *turn, m *message, o outcome, status pdu.Status, local uint64) {
	for p := m.joined; p != nil; {
		next := p.next
		p.next = nil
		p.to = m.to
		e.end(t, p, o, p.up.terms.replies.as(status, &m.up.terms.replies), local)
		p = next
	}
	e.messages.put(m)
}
