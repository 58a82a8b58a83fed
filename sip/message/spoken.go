package message

import "strings"

// G711 is a payload type of G.711, in which we speak ourselves.
type G711 struct {
	PayloadType uint8
	ALaw        bool // PCMA, otherwise PCMU
}

// G711 is the description's first payload type of G.711. RFC 3551 §6.
func (s *SDP) G711() (G711, bool) {
	for i := range s.formats {
		if g, ok := s.formats[i].g711(); ok {
			return g, true
		}
	}
	return G711{}, false
}

func (f *format) g711() (G711, bool) {
	const pcmu, pcma, firstDynamic = 0, 8, 96
	switch {
	case f.pt == pcmu, f.pt >= firstDynamic && f.is("PCMU/8000"):
		return G711{PayloadType: f.pt}, true
	case f.pt == pcma, f.pt >= firstDynamic && f.is("PCMA/8000"):
		return G711{f.pt, true}, true
	default:
		return G711{}, false
	}
}

func (f *format) is(rtpmap string) bool {
	return strings.EqualFold(strings.TrimSuffix(f.rtpmap, "/1"), rtpmap) // one channel may be said
}

// Keys is the payload type of telephone events. RFC 4733 §2.4.1.
func (s *SDP) Keys() (uint8, bool) {
	for i := range s.formats {
		if s.formats[i].is("telephone-event/8000") {
			return s.formats[i].pt, true
		}
	}
	return 0, false
}

// Spoken is an answer of our own to an offer: its first G.711 alone, in packets of
// 20 ms. It is nil where the offer has none, or its sender does not listen.
func (s *SDP) Spoken() *SDP {
	if !s.RTP.IsValid() || s.Direction == SendOnly || s.Direction == Inactive {
		return nil
	}
	const packet = 20 // milliseconds
	for i := range s.formats {
		if _, ok := s.formats[i].g711(); ok {
			answer := &SDP{formats: []format{s.formats[i]}, ptime: packet}
			answer.formats[0].fmtp = ""
			if s.Direction == RecvOnly {
				answer.Direction = SendOnly
			}
			return answer
		}
	}
	return nil
}
