package message

import (
	"slices"
	"strings"
)

// Codecs is an allow-list: encoding names as rtpmap writes them, "PCMA" or with
// their clock rate "G722/8000", in any case. An empty one allows all.
type Codecs []string

// allow reports whether a format may pass.
func (c Codecs) allow(f *format) bool {
	if len(c) == 0 {
		return true
	}
	encoding := f.encoding()
	name, _, _ := strings.Cut(encoding, "/")
	for _, one := range c {
		if strings.EqualFold(one, name) || strings.EqualFold(one, encoding) {
			return true
		}
	}
	return false
}

// encoding is what rtpmap says, or RFC 3551 §6 of a static payload type.
func (f *format) encoding() string {
	if f.rtpmap != "" {
		return f.rtpmap
	}
	switch f.pt {
	case 0:
		return "PCMU/8000"
	case 3:
		return "GSM/8000"
	case 4:
		return "G723/8000"
	case 5:
		return "DVI4/8000"
	case 6:
		return "DVI4/16000"
	case 7:
		return "LPC/8000"
	case 8:
		return "PCMA/8000"
	case 9:
		return "G722/8000" // RFC 3551 §4.5.2: the clock is wrong for ever
	case 10:
		return "L16/44100/2"
	case 11:
		return "L16/44100"
	case 12:
		return "QCELP/8000"
	case 13:
		return "CN/8000"
	case 14:
		return "MPA/90000"
	case 15:
		return "G728/8000"
	case 16:
		return "DVI4/11025"
	case 17:
		return "DVI4/22050"
	case 18:
		return "G729/8000"
	default:
		return ""
	}
}

// isSound reports whether a format carries speech, beside which others carry
// digits and silence.
func (f *format) isSound() bool {
	name, _, _ := strings.Cut(f.encoding(), "/")
	return !strings.EqualFold(name, "telephone-event") && !strings.EqualFold(name, "CN")
}

// For is the stream as it may be offered to a trunk: without the formats that
// its allow-list lacks, in the order of the offer. It is nil where no sound is
// left, or where it is a fax that the trunk does not take.
func (s *SDP) For(policy *MediaPolicy) *SDP {
	if s.Fax() && (!policy.Fax || policy.SRTP >= SRTPRequired) {
		return nil
	}
	if len(policy.Codecs) == 0 || s.Fax() {
		return s
	}
	cut := *s
	cut.formats = slices.Clone(s.formats)
	if !cut.keep(policy.Codecs) {
		return nil
	}
	return &cut
}

// keep removes what the list lacks, and reports whether any sound is left.
func (s *SDP) keep(codecs Codecs) bool {
	s.formats = slices.DeleteFunc(s.formats, func(f format) bool { return !codecs.allow(&f) })
	return slices.ContainsFunc(s.formats, func(f format) bool { return f.isSound() })
}
