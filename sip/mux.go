package sip

import "maskline/sip/message"

// muxing is what a side says of RTCP on the port of RTP. RFC 5761 §5.1.1.
type muxing uint8

const (
	muxUnsaid muxing = iota
	muxNo
	muxYes
)

// parse reads a description of the side's.
func (l *leg) parse(body []byte) (*message.SDP, *message.Fault) {
	s, fault := message.ParseSDP(body, l.policy())
	if fault == nil && !s.Fax() {
		l.mux = muxNo
		if s.Mux {
			l.mux = muxYes
		}
	}
	return s, fault
}

// muxes reports whether our next description for the side speaks of it: an answer
// does where its offer did, the first offer where the trunk permits it, a later
// one where the side agreed.
func (l *leg) muxes() bool { return l.mux == muxYes || l.mux == muxUnsaid && l.trunk.media.Mux }

// fits makes our description the answer to an offer that the side repeats: it may
// have been an offer of which the side has declined the shared port. It reports
// false where the answer must be made anew.
func (l *leg) fits(offer *message.SDP) bool {
	plain, said := message.Unmuxed(l.said)
	if said && !offer.Mux {
		l.latest++
		l.says(newer(plain, l.latest), l.latest)
	}
	return said || !offer.Mux
}
