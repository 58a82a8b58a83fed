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

// Speech is an offer of our own to somebody whom nobody else calls: G.711 of both laws,
// which every carrier has, and keys.
func Speech() *SDP {
	return &SDP{
		formats: []format{{pt: 8, rtpmap: "PCMA/8000"}, {pt: 0, rtpmap: "PCMU/8000"}, {pt: 101, rtpmap: "telephone-event/8000", fmtp: "0-15"}},
		ptime:   packetLength,
	}
}

// Speaking is what a description may be offered as to another side so that both speak
// the same: its first G.711 alone, and its keys. Nil: it has none.
func (s *SDP) Speaking() *SDP {
	offer := &SDP{ptime: s.ptime}
	for i := range s.formats {
		if _, ok := s.formats[i].g711(); ok && len(offer.formats) == 0 {
			offer.formats = append(offer.formats, s.formats[i])
			offer.formats[0].fmtp = ""
		}
	}
	if len(offer.formats) == 0 {
		return nil
	}
	for i := range s.formats {
		if s.formats[i].is("telephone-event/8000") {
			offer.formats = append(offer.formats, s.formats[i])
			break
		}
	}
	return offer
}

const packetLength = 20 // milliseconds

// Spoken is an answer of our own to an offer: its first G.711 alone, in packets of
// 20 ms. It is nil where the offer has none, or its sender does not listen.
func (s *SDP) Spoken() *SDP {
	if !s.RTP.IsValid() || s.Direction == SendOnly || s.Direction == Inactive {
		return nil
	}
	for i := range s.formats {
		if _, ok := s.formats[i].g711(); ok {
			answer := &SDP{formats: []format{s.formats[i]}, ptime: packetLength}
			answer.formats[0].fmtp = ""
			if s.Direction == RecvOnly {
				answer.Direction = SendOnly
			}
			return answer
		}
	}
	return nil
}
