package routing

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Text is what a message says. It is decoded only when a rule asks for it.
type Text interface {
	// Octets is how long the text is as it came, or more.
	Octets() int
	// AppendText appends about the first characters of it as UTF-8, or nothing
	// where it is no text.
	AppendText(dst []byte, characters int) []byte
}

// MaxText is how many characters of a message the rules see.
const MaxText = 1600

// text decodes the message's text once for all rules. It is valid until the
// next request.
func (r *Request) text() []byte {
	if !r.decoded {
		r.decoded = true
		r.utf8 = r.Text.AppendText(r.utf8[:0], MaxText)
	}
	return r.utf8
}

// begin forgets what was decoded of the request before.
func (r *Request) begin() { r.decoded = false }

// folded appends a whole message in the form in which words are compared:
// capitals, without spaces around it and a final full stop.
func folded(dst, text []byte) []byte {
	text = bytes.TrimSpace(text)
	text = bytes.TrimSpace(bytes.TrimSuffix(text, []byte(".")))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		dst = utf8.AppendRune(dst, unicode.ToUpper(r))
		text = text[size:]
	}
	return dst
}
