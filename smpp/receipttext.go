package smpp

import (
	"bytes"
	"unicode"

	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdufield"

	"maskline/smpp/pdu"
)

// fallbackText bounds what is read of a receipt whose id stands nowhere near its
// beginning, in octets.
const fallbackText = 1024

// maxRemoteID is the longest message id of a peer. SMPP 3.4 §5.2.23
const maxRemoteID = 64

// readReceipt reads a receipt by our own rules, and by go-smpp's where these
// find no id: its words end at any space of Unicode, and it reads further.
func readReceipt(in *pdu.Message) (pdu.Receipt, bool) {
	if r, ok := pdu.ParseReceipt(in); ok {
		return r, true
	}
	if in.ESMClass&pdu.ESMUDHI != 0 {
		return pdu.Receipt{}, false
	}
	return libraryReceipt(in.Payload())
}

// libraryReceipt takes over what is well-formed and nothing else: the text that
// was sent stays behind. A panic on what a carrier writes counts as no receipt.
func libraryReceipt(text []byte) (r pdu.Receipt, ok bool) {
	defer func() {
		if recover() != nil {
			r, ok = pdu.Receipt{}, false
		}
	}()
	read, err := pdufield.ParseDeliveryReceipt(lowered(text[:min(len(text), fallbackText)]))
	if err != nil || !wellFormedID(read.ID) {
		return pdu.Receipt{}, false
	}
	r = pdu.Receipt{MessageID: []byte(read.ID), State: pdu.Unknown, Done: read.DoneDate}
	if read.State != "" {
		r.State = pdu.ParseState([]byte(read.State))
	}
	return r, true
}

// lowered is the text in lower case and ASCII. To the library "ID", "id" and an
// "id" with a Turkish I are different keys of one meaning, of which it takes
// any.
func lowered(text []byte) []byte {
	return bytes.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case c > unicode.MaxASCII:
			return '?'
		default:
			return unicode.ToLower(c)
		}
	}, text)
}

func wellFormedID(id string) bool {
	if len(id) == 0 || len(id) > maxRemoteID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
