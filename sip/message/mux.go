package message

import (
	"bytes"
	"slices"

	"github.com/pion/sdp/v3"
)

const muxAttribute = "a=rtcp-mux\r\n"

// readMux notes whether the sender would have RTCP on the port of RTP.
// RFC 5761 §5.1.1.
func (s *SDP) readMux(m *sdp.MediaDescription, policy *MediaPolicy) {
	if _, ok := m.Attribute("rtcp-mux"); ok && policy.Mux {
		s.Mux = true
		s.formats = apart(s.formats)
	}
}

// Muxed is the stream as our description of it: with RTCP on the port of RTP, or
// on the next one. A fax has none.
func (s *SDP) Muxed(on bool) *SDP {
	if s.fax != nil || s.Mux == on {
		return s
	}
	own := *s
	own.Mux = on
	if on {
		own.formats = apart(s.formats)
	}
	if len(own.formats) == 0 {
		return s // nothing else is spoken here
	}
	return &own
}

// Unmuxed is a description of ours without the attribute; had tells whether it was
// there.
func Unmuxed(text []byte) (plain []byte, had bool) {
	before, after, had := bytes.Cut(text, []byte("\r\n"+muxAttribute))
	if !had {
		return text, false
	}
	return slices.Concat(before, []byte("\r\n"), after), true
}

// apart leaves out the payload types that look like RTCP beside them.
// RFC 5761 §4.
func apart(formats []format) []format {
	looksLikeRTCP := func(f format) bool { return f.pt >= 64 && f.pt < 96 }
	if !slices.ContainsFunc(formats, looksLikeRTCP) {
		return formats
	}
	return slices.DeleteFunc(slices.Clone(formats), looksLikeRTCP)
}
