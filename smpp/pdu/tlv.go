package pdu

import (
	"encoding/binary"
	"iter"
)

// Tag names an optional parameter. SMPP 3.4 §5.3.2
type Tag uint16

// The tags that the edge reads or forwards.
const (
	TagPayloadType          Tag = 0x0019
	TagReceiptedMessageID   Tag = 0x001E
	TagUserMessageReference Tag = 0x0204
	TagSourcePort           Tag = 0x020A
	TagDestinationPort      Tag = 0x020B
	TagSarMsgRefNum         Tag = 0x020C
	TagLanguageIndicator    Tag = 0x020D
	TagSarTotalSegments     Tag = 0x020E
	TagSarSegmentSeqnum     Tag = 0x020F
	TagSCInterfaceVersion   Tag = 0x0210
	TagNetworkErrorCode     Tag = 0x0423
	TagMessagePayload       Tag = 0x0424
	TagMoreMessagesToSend   Tag = 0x0426
	TagMessageState         Tag = 0x0427
)

const tlvHeaderLen = 4

// TLVs is a checked run of optional parameters as on the wire, in their order,
// unknown and repeated ones included. Only decoders and AppendTLV make one.
type TLVs []byte

// All yields each parameter; the values are views.
func (t TLVs) All() iter.Seq2[Tag, []byte] {
	return func(yield func(Tag, []byte) bool) {
		for rest := t; len(rest) >= tlvHeaderLen; {
			end := tlvHeaderLen + int(binary.BigEndian.Uint16(rest[2:]))
			if !yield(Tag(binary.BigEndian.Uint16(rest)), rest[tlvHeaderLen:end:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// Find returns the value of the first parameter with this tag.
func (t TLVs) Find(tag Tag) ([]byte, bool) {
	for found, value := range t.All() {
		if found == tag {
			return value, true
		}
	}
	return nil, false
}

// AppendTLV appends one parameter. A value longer than 65,535 octets cannot be
// written and panics.
func AppendTLV(dst TLVs, tag Tag, value []byte) TLVs {
	if len(value) > 0xFFFF {
		panic("pdu: a TLV holds at most 65535 octets")
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(tag))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
	return append(dst, value...)
}
