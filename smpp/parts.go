package smpp

import "maskline/smpp/pdu"

// fragments is what became of the PDUs that one message was sent as. The lock of
// the session that sent them guards it; when none is open any more, whoever
// ended the last one owns the message.
type fragments struct {
	several  bool
	open     int
	accepted bool
	unknown  bool       // one was sent and not answered
	status   pdu.Status // the gravest refusal
	id       []byte     // of the one whose receipt stands for all
	record   *uncertain // of them that are not answered, once the upstream is told so
}

// begin starts over, for an attempt of so many PDUs.
func (p *fragments) begin(count int) {
	if *p = (fragments{id: p.id[:0]}); count > 1 {
		p.several, p.open = true, count
	}
}

// answered ends one PDU by its response; tail is the one whose receipt stands
// for all. It reports whether none is open any more.
func (p *fragments) answered(status pdu.Status, id []byte, tail bool) bool {
	p.open--
	if status == pdu.ROK {
		p.accepted = true
		if tail {
			p.id = append(p.id[:0], id...)
		}
	} else if p.status == pdu.ROK || attemptOf(status) < attemptOf(p.status) {
		p.status = status
	}
	return p.open == 0
}

// lost ends one PDU that was not answered.
func (p *fragments) lost(unsent bool) bool {
	p.open--
	p.unknown = p.unknown || !unsent
	return p.open == 0
}

// touched reports whether the peer may have any of the PDUs.
func (p *fragments) touched() bool { return p.accepted || p.unknown }

// sentParts ends an attempt whose PDUs have all been answered. What one carrier
// has a part of goes to no other: the upstream sends it again, or gives up.
func (e *Edge) sentParts(t *turn, s *session, m *message) {
	p := &m.parts
	switch {
	case p.unknown:
		s.unknown(t, m, p.record)
	case p.status == pdu.ROK || !p.accepted:
		e.answered(t, s, m, p.status, p.id)
	case attemptOf(p.status) == final, attemptOf(p.status) == elsewhere:
		e.refuse(t, m, refusalByStatus(p.status))
	default:
		m.verdict.temporary = true
		e.finish(t, m)
	}
}
