package smpp

import (
	"encoding/binary"

	"maskline/smpp/pdu"
)

// sarTLVs gathers the place of a segment; the first of each TLV counts.
type sarTLVs struct {
	place pdu.Concatenation
	seen  byte
}

const (
	sarReference = 1 << iota
	sarTotal
	sarPart
	sarAll = sarReference | sarTotal | sarPart
)

// read reports whether the TLV is one of the three.
func (s *sarTLVs) read(tag pdu.Tag, value []byte) bool {
	var bit byte
	switch tag {
	case pdu.TagSarMsgRefNum:
		bit = sarReference
	case pdu.TagSarTotalSegments:
		bit = sarTotal
	case pdu.TagSarSegmentSeqnum:
		bit = sarPart
	default:
		return false
	}
	if s.seen&bit != 0 {
		return true
	}
	s.seen |= bit
	switch bit {
	case sarReference:
		s.place.Reference = binary.BigEndian.Uint16(value)
	case sarTotal:
		s.place.Total = value[0]
	default:
		s.place.Part = value[0]
	}
	return true
}
