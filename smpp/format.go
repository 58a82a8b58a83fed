package smpp

import (
	"errors"
	"fmt"

	"maskline/smpp/pdu"
)

// Encoding is what data_coding 0 means to a peer.
type Encoding = pdu.Alphabet

// The encodings: GSM 7 bit default alphabet, ISO 8859-1, UTF-16.
const (
	GSM7   = pdu.GSM7
	Latin1 = pdu.Latin1
	UCS2   = pdu.UCS2
)

// Long is how messages that are longer than one short message are sent.
type Long uint8

// The ways.
const (
	LongAsItCame Long = iota
	LongUDH           // segments with a concatenation element in their header
	LongSAR           // segments with the three sar TLVs
	LongPayload       // whole, in message_payload
)

// Special names what a peer may send beyond messages to read.
type Special uint8

// The kinds, to be combined.
const (
	SpecialSilent  Special = 1 << iota // protocol_id 0x40
	SpecialReplace                     // protocol_id 0x41 to 0x47: takes the place of an earlier message
	SpecialSIM                         // protocol_id 0x7C to 0x7F, elements 0x70 to 0x7F: to the SIM or the phone itself
	SpecialClass2                      // message class 2: stored on the SIM
)

// kindOf is the permission that a protocol_id needs; false where none helps.
// 3GPP TS 23.040 §9.2.3.9
func kindOf(protocolID byte) (Special, bool) {
	const silent, replaceFirst, replaceLast, simFirst, simLast = 0x40, 0x41, 0x47, 0x7C, 0x7F
	switch {
	case protocolID <= maxProtocolID:
		return 0, true
	case protocolID == silent:
		return SpecialSilent, true
	case protocolID >= replaceFirst && protocolID <= replaceLast:
		return SpecialReplace, true
	case protocolID >= simFirst && protocolID <= simLast:
		return SpecialSIM, true
	default:
		return 0, false
	}
}

// format is how messages are written for one bind, and read from it.
type format struct {
	zero    Encoding
	long    Long
	special Special
	numbers *Numbers // nil: international digits
	static  pdu.TLVs // on every submit_sm
}

// maxStatic bounds the static TLVs of one bind, in octets.
const maxStatic = 1 << 10

// checkStatic refuses what would stand twice in a submit_sm, or make it long.
func checkStatic(tlvs []TLV) error {
	size := 0
	for _, t := range tlvs {
		if tlvSize(t.Tag) > 0 || ussdSize(t.Tag) > 0 || t.Tag == pdu.TagMessagePayload {
			return fmt.Errorf("TLV 0x%04X is written for each message", uint16(t.Tag))
		}
		size += tlvOverhead + len(t.Value)
	}
	if size > maxStatic {
		return errors.New("the static TLVs are too long")
	}
	return nil
}

// tlvOverhead is tag and length of a TLV.
const tlvOverhead = 4

func staticTLVs(tlvs []TLV) (all pdu.TLVs) {
	for _, t := range tlvs {
		all = pdu.AppendTLV(all, t.Tag, t.Value)
	}
	return all
}

// TLV is a static TLV.
type TLV struct {
	Tag   pdu.Tag
	Value []byte
}

func (a *account) format(version byte) format {
	set := a.settings.Load()
	f := format{zero: set.Encoding, special: set.Special}
	return f.of(version)
}

func (b *BindConfig) format(version byte) format {
	f := format{zero: b.Encoding, long: b.Long, special: b.Special, numbers: b.Numbers, static: staticTLVs(b.TLVs)}
	return f.of(version)
}

// of is the format under a version: before 3.4 there are no TLVs, so long
// messages are segments with a header.
func (f format) of(version byte) format {
	if version < pdu.Version34 {
		f.long = LongUDH
	}
	return f
}
