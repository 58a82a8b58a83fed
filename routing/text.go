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

// capitals is the text in capitals, made once for all rules.
func (r *Request) capitals() []byte {
	if !r.raised {
		r.raised = true
		r.upper = appendUpper(r.upper[:0], r.text())
	}
	return r.upper
}

// begin forgets what was made of the request before.
func (r *Request) begin() { r.decoded, r.raised = false, false }

func appendUpper(dst, text []byte) []byte {
	for len(text) > 0 {
		switch c := text[0]; {
		case 'a' <= c && c <= 'z':
			dst, text = append(dst, c-'a'+'A'), text[1:]
		case c < utf8.RuneSelf:
			dst, text = append(dst, c), text[1:]
		default:
			r, size := utf8.DecodeRune(text)
			dst, text = utf8.AppendRune(dst, unicode.ToUpper(r)), text[size:]
		}
	}
	return dst
}

// holdsWord reports whether a word or phrase stands in the text where no letter
// or digit touches it. Both are in capitals.
func holdsWord(text, word []byte) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], word)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(word)
		before, _ := utf8.DecodeLastRune(text[:from])
		after, _ := utf8.DecodeRune(text[to:])
		if !touches(before) && !touches(after) {
			return true
		}
		_, size := utf8.DecodeRune(text[from:])
		at = from + size
	}
}

func touches(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// folded appends a whole message in the form in which words are compared:
// capitals, without spaces around it and a final full stop.
func folded(dst, text []byte) []byte {
	text = bytes.TrimSpace(text)
	return appendUpper(dst, bytes.TrimSpace(bytes.TrimSuffix(text, []byte("."))))
}
