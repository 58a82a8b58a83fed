package message

import "net/netip"

// Layout is the description's m= lines alone, nil where it has one: all later
// descriptions in the dialog have the same lines in the same order. RFC 3264 §8.
func (s *SDP) Layout() *SDP {
	if len(s.lines) == 1 {
		return nil
	}
	return &SDP{lines: s.lines, stream: s.stream}
}

// AppendInactive writes an answer to the description as an offer that agrees to
// its formats and to no media in either direction.
func (s *SDP) AppendInactive(dst []byte, o Origin, local netip.AddrPort) []byte {
	answer := *s
	answer.Direction = Inactive
	return answer.AppendAnswer(dst, o, local, s)
}

// SDP is the session description in the body, nil where there is none.
func (r *Request) SDP() []byte {
	if r.Method == Invite {
		return r.Body
	}
	return descriptionIn(r.msg)
}
