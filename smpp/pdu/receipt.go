package pdu

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Receipt is a delivery receipt or an intermediate notification.
// SMPP 3.4 Appendix B
type Receipt struct {
	MessageID   []byte // as the SMSC writes it, a view
	State       State
	NetworkType byte      // of network_error_code; 0 where there is none
	ErrorCode   uint16    // of network_error_code, or "err"; 0 where there is none
	ErrorWord   []byte    // "err" where it is no number: at most ErrorWordSize letters and digits, a view
	Done        time.Time // zero where absent or unreadable; read as UTC
}

// ErrorWordSize is the longest "err" that is kept as it was written, in
// characters. It is too short to hold a telephone number.
const ErrorWordSize = 4

// IsReceipt reports whether a deliver_sm is a receipt: esm_class says so, or it
// carries a receipted_message_id.
func (m *Message) IsReceipt() bool {
	switch m.ESMClass & ESMType {
	case ESMReceipt, ESMIntermediate:
		return true
	case 0:
		_, ok := m.TLVs.Find(TagReceiptedMessageID)
		return ok
	default:
		return false
	}
}

// ParseReceipt reads the parameters made for it, and the text for what they
// leave out. It reports false where neither holds a message id.
func ParseReceipt(m *Message) (Receipt, bool) {
	r := Receipt{State: Unknown}
	if m.ESMClass&ESMUDHI == 0 {
		r.readText(receiptText(m))
	}
	for tag, value := range m.TLVs.All() {
		r.readTLV(tag, value)
	}
	if r.State == Unknown && m.ESMClass&ESMType == ESMIntermediate {
		r.State = Enroute // a word of the SMSC's own, for a message on its way
	}
	return r, len(r.MessageID) > 0
}

func (r *Receipt) readTLV(tag Tag, value []byte) {
	switch tag {
	case TagReceiptedMessageID:
		id, _, _ := bytes.Cut(value, []byte{0}) // some SMSCs leave out the NUL
		if len(id) > 0 && len(id) < messageIDSize {
			r.MessageID = id
		}
	case TagMessageState:
		if len(value) == 1 {
			r.State = State(value[0])
			if r.State >= stateCount {
				r.State = Unknown
			}
		}
	case TagNetworkErrorCode: // SMPP 3.4 §5.3.2.31
		if len(value) == 3 {
			r.NetworkType, r.ErrorCode, r.ErrorWord = value[0], binary.BigEndian.Uint16(value[1:]), nil
		}
	default:
	}
}

// receiptText is the text of a receipt. Some SMSCs send it in UCS-2, which for
// ASCII is a zero before each character.
func receiptText(m *Message) []byte {
	const ucs2 = 8 // SMPP 3.4 §5.2.19
	text := m.Payload()
	if m.DataCoding != ucs2 || len(text) < 2 || len(text)%2 != 0 || text[0] != 0 {
		return text[:min(len(text), MaxText)]
	}
	text = text[:min(len(text), 2*MaxText)]
	plain := make([]byte, 0, len(text)/2)
	for i := 0; i < len(text); i += 2 {
		c := text[i+1]
		if text[i] != 0 {
			c = '?'
		}
		plain = append(plain, c)
	}
	return plain
}

// readText reads "id:… sub:… dlvrd:… submit date:… done date:… stat:… err:…
// text:…" with its parts in any order and case, or missing. The text is the
// sender's: keys inside it count only where the id did not come before it.
func (r *Receipt) readText(text []byte) {
	if end := key(text, "text"); end >= 0 {
		if r.readKeys(text[:end]); len(r.MessageID) > 0 {
			return
		}
	}
	r.readKeys(text)
}

func (r *Receipt) readKeys(text []byte) {
	if id := valueOf(text, "id"); len(id) < messageIDSize {
		r.MessageID = id
	}
	if stat := valueOf(text, "stat"); len(stat) > 0 {
		r.State = ParseState(stat)
	}
	if done, ok := parseDate(valueOf(text, "done date")); ok {
		r.Done = done
	}
	r.readError(valueOf(text, "err"))
}

// readError reads "err", a number by the specification and a word at some
// SMSCs.
func (r *Receipt) readError(word []byte) {
	if code, ok := parseDigits(word); ok && code <= 0xFFFF {
		r.ErrorCode = uint16(code)
		return
	}
	if len(word) > ErrorWordSize {
		return
	}
	for _, c := range word {
		if c = lower(c); (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return
		}
	}
	r.ErrorWord = word
}

// valueOf is the word that follows "name:", directly or after spaces. What
// holds a colon after spaces is the next key: then there is no value.
func valueOf(text []byte, name string) []byte {
	at := key(text, name)
	if at < 0 {
		return nil
	}
	value := text[at+len(name)+1:]
	spaces := len(value) - len(bytes.TrimLeft(value, " "))
	value = value[spaces:]
	if end := bytes.IndexFunc(value, func(c rune) bool { return c <= ' ' }); end >= 0 {
		value = value[:end]
	}
	if spaces > 0 && bytes.IndexByte(value, ':') >= 0 {
		return nil
	}
	return value
}

// key finds the first "name:" that begins a word.
func key(text []byte, name string) int {
	for i := 0; i+len(name) < len(text); i++ {
		if text[i+len(name)] == ':' && (i == 0 || text[i-1] <= ' ') && equalFold(text[i:i+len(name)], name) {
			return i
		}
	}
	return -1
}

// parseDate reads YYMMDDhhmm with or without seconds.
func parseDate(s []byte) (time.Time, bool) {
	if len(s) != 10 && len(s) != 12 {
		return time.Time{}, false
	}
	var part [6]int
	for i := range len(s) / 2 {
		n, ok := parseDigits(s[2*i : 2*i+2])
		if !ok {
			return time.Time{}, false
		}
		part[i] = n
	}
	if part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59 || part[5] > 59 {
		return time.Time{}, false
	}
	return time.Date(2000+part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], 0, time.UTC), true
}

func parseDigits(s []byte) (int, bool) {
	if len(s) == 0 || len(s) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
