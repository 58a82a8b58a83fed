package smpp

import "maskline/smpp/pdu"

// Sizes of one short message on the air, in bits. 3GPP TS 23.040 §9.2.3.24
const (
	segmentBits       = 140 * 8
	concatenationBits = 6 * 8 // the header that a split message gets on each part
)

// segmentsOf is how many short messages a request is on the air, which is what
// rates and quotas count. A part of a split message is one, where it fits into
// one. zero is what data_coding 0 means to the peer.
func segmentsOf(in *pdu.Message, zero Encoding) int {
	payload := in.Payload()
	if len(payload)*8 <= segmentBits {
		return 1
	}
	unit := unitBits(in.DataCoding, zero)
	header := 0
	if in.ESMClass&pdu.ESMUDHI != 0 && len(payload) > int(payload[0])+1 {
		header = (int(payload[0]) + 1) * 8
	}
	text := len(payload) - header/8
	if unit == 16 {
		text = (text + 1) / 2
	}
	if header+text*unit <= segmentBits {
		return 1
	}
	room := (segmentBits - header - concatenationBits) / unit
	if isPart(in, payload) {
		room = (segmentBits - header) / unit
	}
	if room < 1 {
		return 1 // nobody can split this; its carrier will say so
	}
	return (text + room - 1) / room
}

// isPart reports whether a request is one part of a message that its sender has
// split.
func isPart(in *pdu.Message, payload []byte) bool {
	if in.ESMClass&pdu.ESMUDHI != 0 {
		if header, _, err := pdu.SplitUDH(payload); err == nil {
			if _, ok := header.Concatenation(); ok {
				return true
			}
		}
	}
	_, ok := in.TLVs.Find(pdu.TagSarMsgRefNum)
	return ok
}

// unitBits is the size of a character on the air. Text of 7 bits comes with one
// character to an octet. 3GPP TS 23.038 §4
func unitBits(dataCoding byte, zero Encoding) int {
	switch {
	case dataCoding == pdu.CodingDefault && zero == UCS2:
		return 16
	case dataCoding <= 0x0F:
		switch dataCoding {
		case 0, 1, 3: // the SMSC's default, ASCII, Latin-1: it makes 7 bits of them
			return 7
		case 8:
			return 16
		default:
			return 8
		}
	case dataCoding >= 0xF0:
		if dataCoding&0x04 == 0 {
			return 7
		}
		return 8
	case dataCoding >= 0xE0:
		return 16
	case dataCoding >= 0xC0:
		return 7
	default:
		return [4]int{7, 8, 16, 8}[dataCoding>>2&3]
	}
}
