package message

import (
	"strconv"
	"strings"
)

// Codec is the first codec of the stream, as "PCMA/8000", for records: one that
// is not among the usual ones is "other", since peers choose its name.
func (s *SDP) Codec() string {
	if s.Fax() {
		return "T38"
	}
	for _, f := range s.formats {
		name, clock, _ := strings.Cut(f.rtpmap, "/")
		clock, _, _ = strings.Cut(clock, "/")
		if f.rtpmap == "" {
			name, clock = staticCodec(f.pt)
		}
		name = codecName(name)
		if name == "" {
			continue // DTMF or comfort noise
		}
		hertz, err := strconv.Atoi(clock)
		if name == otherCodec || err != nil || hertz > mostHertz {
			return otherCodec
		}
		return name + "/" + strconv.Itoa(hertz)
	}
	return ""
}

const (
	otherCodec = "other"
	mostHertz  = 192_000
)

// staticCodec names a payload type that needs no rtpmap. RFC 3551 §6.
func staticCodec(pt uint8) (name, clock string) {
	switch pt {
	case 0:
		return "PCMU", "8000"
	case 3:
		return "GSM", "8000"
	case 4:
		return "G723", "8000"
	case 8:
		return "PCMA", "8000"
	case 9:
		return "G722", "8000"
	case 13:
		return "CN", "8000"
	case 15:
		return "G728", "8000"
	case 18:
		return "G729", "8000"
	default:
		return otherCodec, ""
	}
}

// codecName is the usual writing of a codec's name, empty for what is not speech.
func codecName(name string) string {
	switch strings.ToUpper(name) {
	case "TELEPHONE-EVENT", "CN":
		return ""
	case "OPUS":
		return "opus"
	case "ILBC":
		return "iLBC"
	case "SPEEX":
		return "speex"
	case "PCMU", "PCMA", "G722", "G723", "G728", "G729", "GSM", "AMR", "AMR-WB", "EVS", "L16",
		"G726-16", "G726-24", "G726-32", "G726-40", "GSM-EFR", "G7221", "G719":
		return strings.ToUpper(name)
	default:
		return otherCodec
	}
}
