package smpp

import (
	"encoding/binary"

	"maskline/smpp/pdu"
)

// shape is a message as one bind takes it, where that is not as it came: text
// in another alphabet, segments of another kind, cut into several, or whole.
// Its buffers are used again.
type shape struct {
	dataCoding byte
	alphabet   pdu.Alphabet
	text       []byte
	header     []byte // elements that every piece carries
	tlvs       pdu.TLVs
	pieces     []piece
	octets     []byte // of the pieces
	coded      []byte // text, where its alphabet changed
	read       []byte // the same as UTF-8
	from, to   []byte // addresses, where the bind writes numbers in its own way
}

// piece is what one PDU carries; its fields are parts of shape.octets.
type piece struct {
	payload []byte
	tlvs    pdu.TLVs
	inTLV   bool
	header  bool
}

// maxPieces bounds what one message is cut into. 3GPP TS 23.040 §9.2.3.24.1
const maxPieces = 255

// passes reports whether the message goes out on a bind as it came.
func (m *message) passes(t *terms) bool {
	if m.dataCoding == pdu.CodingDefault && m.zero != t.zero {
		return false
	}
	switch t.long {
	case LongUDH:
		return !m.sar && !m.inTLV && (m.concat.Total > 0 || m.short())
	case LongSAR:
		return !m.inTLV && (m.sar || m.concat.Total == 0 && m.short())
	case LongPayload:
		return true
	default:
		return !m.formless()
	}
}

// short reports whether the message is sure to fit into one short message.
func (m *message) short() bool {
	if m.dataCoding == pdu.CodingDefault && m.zero == pdu.GSM7 && m.headerLen == 0 {
		return len(m.payload) <= pdu.Room(pdu.GSM7, 0)
	}
	return len(m.payload) <= pdu.Room(pdu.Binary, 0)
}

// make writes the message for a bind. It says why that is not possible; next
// gives the reference of a message that is cut.
func (sh *shape) make(m *message, t *terms, next func() uint16) refusal {
	sh.pieces, sh.octets = sh.pieces[:0], sh.octets[:0]
	recoded := sh.recode(m, t.zero)
	sh.keepTLVs(m.tlvs)
	if m.concat.Total > 0 {
		return sh.segment(m, t, recoded)
	}
	sh.keepHeader(m, recoded, false)
	room := sh.room(0)
	fits := pdu.Units(sh.alphabet, sh.text) <= room && headed(len(sh.header))+len(sh.text) <= pdu.MaxText
	switch {
	case t.long == LongPayload, t.long == LongAsItCame && m.inTLV && !m.formless():
		return sh.whole(!fits)
	case fits:
		return sh.whole(false)
	default:
		return sh.cut(t, next())
	}
}

// headed is the length of a header with its count, 0 where there is none.
func headed(elements int) int {
	if elements == 0 {
		return 0
	}
	return 1 + elements
}

// room is what fits beside the header and so many octets of other elements.
func (sh *shape) room(more int) int {
	return pdu.Room(sh.alphabet, headed(len(sh.header)+more))
}

// recode writes the text in the alphabet that the bind takes 0 for, or in UCS2
// where that lacks a character. Other values of data_coding mean the same to
// everybody.
func (sh *shape) recode(m *message, zero Encoding) bool {
	sh.dataCoding, sh.text = m.dataCoding, m.payload[m.headerLen:]
	sh.alphabet = carriedAs(m.dataCoding, m.zero)
	if m.dataCoding != pdu.CodingDefault || m.zero == zero {
		return false
	}
	read, err := pdu.AppendText(sh.read[:0], sh.text, m.elements(), m.dataCoding, m.zero)
	sh.read = read
	if err != nil {
		return false
	}
	if coded, err := pdu.AppendEncoded(sh.coded[:0], read, zero); err == nil {
		sh.coded, sh.text, sh.alphabet = coded, coded, carriedAs(pdu.CodingDefault, zero)
		return true
	}
	sh.dataCoding, sh.alphabet = pdu.CodingUCS2, pdu.UCS2
	if m.zero != pdu.UCS2 { // which keeps its octets
		coded, _ := pdu.AppendEncoded(sh.coded[:0], read, pdu.UCS2) // it has every character
		sh.coded, sh.text = coded, coded
	}
	return true
}

// carriedAs is the alphabet that a text's room is counted in.
func carriedAs(dataCoding byte, zero Encoding) pdu.Alphabet {
	switch a := pdu.AlphabetOf(dataCoding, zero); {
	case a == pdu.GSM7, a == pdu.UCS2:
		return a
	case a == pdu.Latin1 && dataCoding == pdu.CodingDefault:
		return a
	default:
		return pdu.Binary
	}
}

// elements is the header of the payload, nil where there is none.
func (m *message) elements() pdu.UDH {
	if m.headerLen == 0 {
		return nil
	}
	return pdu.UDH(m.payload[1:m.headerLen])
}

// keepHeader keeps the elements that every piece carries: shift tables only
// where the text is as it came, concatenation only where the segment is.
func (sh *shape) keepHeader(m *message, recoded, concatenation bool) {
	sh.header = sh.header[:0]
	for id, value := range m.elements().All() {
		switch id {
		case pdu.IEISingleShift, pdu.IEILockingShift:
			if recoded {
				continue
			}
		case pdu.IEIConcatenation8, pdu.IEIConcatenation16:
			if !concatenation {
				continue
			}
		default:
		}
		sh.header = append(append(sh.header, byte(id), byte(len(value))), value...)
	}
}

// keepTLVs keeps the TLVs that every piece carries.
func (sh *shape) keepTLVs(in pdu.TLVs) {
	sh.tlvs = sh.tlvs[:0]
	for tag, value := range in.All() {
		switch tag {
		case pdu.TagSarMsgRefNum, pdu.TagSarTotalSegments, pdu.TagSarSegmentSeqnum, pdu.TagMessagePayload, pdu.TagMoreMessagesToSend:
		default:
			sh.tlvs = pdu.AppendTLV(sh.tlvs, tag, value)
		}
	}
}

// segment writes one segment with the same place in the same message.
func (sh *shape) segment(m *message, t *terms, recoded bool) refusal {
	toUDH, toSAR := t.long == LongUDH && m.sar, t.long == LongSAR && !m.sar
	sh.keepHeader(m, recoded, !m.sar && !toSAR)
	var c pdu.Concatenation
	room := sh.room(0)
	switch {
	case toUDH:
		c = m.concat
		c.Reference = (c.Reference ^ c.Reference>>8) & 0xFF // segments are cut for the short element
		room = sh.room(concatenation8)
	case toSAR, m.sar:
		sh.appendSAR(m.concat)
		room = sh.room(concatenation8) // the SMSC will need as much
	default:
	}
	if (recoded || toUDH) && pdu.Units(sh.alphabet, sh.text) > room {
		return badLength
	}
	inTLV := headed(len(sh.header)+concatenation8)+len(sh.text) > pdu.MaxText
	if inTLV && t.long != LongAsItCame {
		return badLength // no segment is as long, and before 3.4 the payload would be left out
	}
	sh.put(sh.text, c, false, sh.tlvs, inTLV)
	return notRefused
}

// Octets of the concatenation elements.
const (
	concatenation8  = 5
	concatenation16 = 6
)

func (sh *shape) appendSAR(c pdu.Concatenation) {
	sh.tlvs = pdu.AppendTLV(sh.tlvs, pdu.TagSarMsgRefNum, []byte{byte(c.Reference >> 8), byte(c.Reference)})
	sh.tlvs = pdu.AppendTLV(sh.tlvs, pdu.TagSarTotalSegments, []byte{c.Total})
	sh.tlvs = pdu.AppendTLV(sh.tlvs, pdu.TagSarSegmentSeqnum, []byte{c.Part})
}

// whole writes one PDU. Text may have doubled in another alphabet.
func (sh *shape) whole(inTLV bool) refusal {
	if headed(len(sh.header))+len(sh.text) > maxPayload {
		return badLength
	}
	sh.put(sh.text, pdu.Concatenation{}, false, sh.tlvs, inTLV)
	return notRefused
}

// maxPayload is what a message_payload holds, its header included.
const maxPayload = 0xFFFF

// cut writes segments of one message.
func (sh *shape) cut(t *terms, reference uint16) refusal {
	room := sh.room(concatenation16)
	total := 0
	for rest := sh.text; len(rest) > 0; total++ {
		n := pdu.Cut(sh.alphabet, rest, room)
		if n == 0 || total == maxPieces {
			return badLength
		}
		rest = rest[n:]
	}
	if total > t.window {
		return badLength // it could never be sent at once
	}
	common := len(sh.tlvs)
	rest := sh.text
	for part := 1; part <= total; part++ {
		n := pdu.Cut(sh.alphabet, rest, room)
		c := pdu.Concatenation{Reference: reference, Total: byte(total), Part: byte(part)}
		if t.long == LongSAR {
			sh.tlvs = sh.tlvs[:common]
			sh.appendSAR(c)
			c.Total = 0
		}
		sh.put(rest[:n], c, true, sh.tlvs, false)
		rest = rest[n:]
	}
	return notRefused
}

// put adds a piece. A concatenation with a total is written into its header,
// with a wide reference or a short one.
func (sh *shape) put(text []byte, c pdu.Concatenation, wide bool, tlvs pdu.TLVs, inTLV bool) {
	start := len(sh.octets)
	header := len(sh.header) > 0 || c.Total > 0
	if inTLV {
		sh.octets = append(sh.octets, tlvs...)
		sh.octets = append(sh.octets, byte(pdu.TagMessagePayload>>8), byte(pdu.TagMessagePayload&0xFF), 0, 0)
	}
	at := len(sh.octets)
	if header {
		sh.octets = append(sh.octets, 0)
		switch {
		case c.Total == 0:
		case wide:
			sh.octets = append(sh.octets, byte(pdu.IEIConcatenation16), 4, byte(c.Reference>>8), byte(c.Reference), c.Total, c.Part)
		default:
			sh.octets = append(sh.octets, byte(pdu.IEIConcatenation8), 3, byte(c.Reference), c.Total, c.Part)
		}
		sh.octets = append(sh.octets, sh.header...)
		sh.octets[at] = byte(len(sh.octets) - at - 1)
	}
	sh.octets = append(sh.octets, text...)
	end := len(sh.octets)
	p := piece{payload: sh.octets[at:end:end], inTLV: inTLV, header: header}
	if inTLV {
		binary.BigEndian.PutUint16(sh.octets[at-2:], uint16(end-at))
		p.tlvs = pdu.TLVs(sh.octets[start:end:end])
	} else {
		sh.octets = append(sh.octets, tlvs...)
		p.tlvs = pdu.TLVs(sh.octets[end:len(sh.octets):len(sh.octets)])
	}
	sh.pieces = append(sh.pieces, p)
}
