package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"maskline/e164"
)

// Scanner looks for a set of numbers, or of keys. It is immutable and safe for
// concurrent use.
type Scanner struct {
	what     string // it looks for
	patterns []pattern
}

type pattern struct {
	number int // place in the list that the scanner was made for
	form   string
	bytes  []byte
}

// Finding is one number or key seen where it must not be.
type Finding struct {
	Number int // place in the list that the scanner was made for
	Form   string
	Offset int
	what   string
}

// String names the finding without showing the number or key.
func (f Finding) String() string {
	return fmt.Sprintf("%s %d as %s at octet %d", f.what, f.Number, f.Form, f.Offset)
}

const (
	tail       = 9 // digits compared
	formDigits = "digits"
)

// NewScanner makes a scanner for numbers.
func NewScanner(numbers ...e164.Number) *Scanner {
	s := &Scanner{what: "number"}
	for i, n := range numbers {
		digits := n.AppendDigits(nil)
		if len(digits) > tail {
			digits = digits[len(digits)-tail:]
		}
		s.add(i, formDigits, digits)
		s.add(i, "UTF-16", utf16(digits))
		s.add(i, "hexadecimal", []byte(hex.EncodeToString(digits)))
		for _, b := range base64Forms(digits) {
			s.add(i, "base64", b)
		}
		for shift := range 7 {
			s.add(i, "packed septets", septets(digits, shift))
		}
		for odd := range 2 {
			s.add(i, "semi-octets", semiOctets(digits[odd:]))
		}
	}
	return s
}

func (s *Scanner) add(number int, form string, b []byte) {
	s.patterns = append(s.patterns, pattern{number, form, b})
}

// Find returns the first finding of each number or key and form in data. Offsets of
// escaped and separated digits are those in the text without escapes and
// separators.
func (s *Scanner) Find(data []byte) []Finding {
	var all []Finding
	for _, p := range s.patterns {
		if at := bytes.Index(data, p.bytes); at >= 0 {
			all = append(all, Finding{p.number, p.form, at, s.what})
		}
	}
	all = append(all, s.findDigits(unescaped(data), "escaped digits")...)
	return append(all, s.findDigits(joined(data), "separated digits")...)
}

// findDigits looks for plain digits in a changed form of the data.
func (s *Scanner) findDigits(data []byte, form string) []Finding {
	if data == nil {
		return nil
	}
	var all []Finding
	for _, p := range s.patterns {
		if p.form == formDigits {
			if at := bytes.Index(data, p.bytes); at >= 0 {
				all = append(all, Finding{p.number, form, at, s.what})
			}
		}
	}
	return all
}

// Contains reports whether data shows the number in any form.
func Contains(data []byte, n e164.Number) bool { return n != 0 && len(NewScanner(n).Find(data)) > 0 }

func utf16(digits []byte) []byte {
	out := make([]byte, 0, 2*len(digits))
	for _, d := range digits {
		out = append(out, 0, d)
	}
	return out[1:] // without the first zero it is the little-endian form too
}

// base64Forms are the texts that hold digits wherever they start in the group
// of three octets: the characters that depend on neighbours are cut off.
func base64Forms(digits []byte) [][]byte {
	var all [][]byte
	for lead := range 3 {
		padded := append(make([]byte, lead), digits...)
		text := base64.RawStdEncoding.EncodeToString(padded)
		from := (lead*8 + 5) / 6
		to := len(padded) * 8 / 6
		all = append(all, []byte(text[from:to]))
	}
	return all
}

// septets packs digits as GSM 03.38 text that starts shift bits into an octet
// and drops the octets shared with neighbours.
func septets(digits []byte, shift int) []byte {
	bits := shift
	out := make([]byte, (shift+7*len(digits)+7)/8)
	for _, d := range digits {
		out[bits/8] |= d << (bits % 8)
		if bits%8 > 1 {
			out[bits/8+1] |= d >> (8 - bits%8)
		}
		bits += 7
	}
	from := (shift + 7) / 8
	return out[from : bits/8]
}

// semiOctets packs digits two to an octet, low half first (TS 23.040 §9.1.2.3).
func semiOctets(digits []byte) []byte {
	out := make([]byte, 0, len(digits)/2)
	for i := 0; i+1 < len(digits); i += 2 {
		out = append(out, digits[i]-'0'|(digits[i+1]-'0')<<4)
	}
	return out
}
