package prefix

import (
	"errors"
	"fmt"

	"maskline/e164"
)

// Digits is a prefix: 0 to 15 digits. Bits 4-53 hold them as an integer of 15
// digits, filled up with zeros on the right, bits 0-3 their count: a prefix
// sorts directly before all that begin with it. The zero Digits is the empty
// prefix, which every number begins with.
type Digits uint64

const countBits = 4

// ErrDigits is the fault of Parse. It never holds the text that was refused.
var ErrDigits = errors.New("expected 1 to 15 digits, with or without +, or * for every destination")

// everything is the text form of the empty prefix.
const everything = "*"

// powers are those of ten, up to that of MaxDigits.
var powers = [e164.MaxDigits + 1]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// Parse reads digits with or without a leading "+", or "*" for none.
func Parse(s string) (Digits, error) {
	if s == everything {
		return 0, nil
	}
	if s != "" && s[0] == '+' {
		s = s[1:]
	}
	if s == "" || len(s) > e164.MaxDigits {
		return 0, ErrDigits
	}
	value := uint64(0)
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, ErrDigits
		}
		value = value*10 + uint64(d)
	}
	return Digits(value*powers[e164.MaxDigits-len(s)]<<countBits | uint64(len(s))), nil
}

// Of is the first digits of a number.
func Of(n e164.Number, count int) Digits {
	padded, most := n.Padded()
	count = min(count, most)
	step := powers[e164.MaxDigits-count]
	return Digits(padded/step*step<<countBits | uint64(count))
}

// Len is the count of digits.
func (d Digits) Len() int { return int(d & (1<<countBits - 1)) }

// digit is the one at a place below Len.
func (d Digits) digit(place int) uint64 {
	return d.padded() / powers[e164.MaxDigits-1-place] % 10
}

// padded is the digits as an integer of 15.
func (d Digits) padded() uint64 { return uint64(d) >> countBits }

// begins reports whether the digits begin with those of a prefix.
func (d Digits) begins(with Digits) bool {
	return with.Len() <= d.Len() && d.padded()-with.padded() < powers[e164.MaxDigits-with.Len()]
}

// Reveal is the text form with all digits; nothing that it returns may reach a
// log, metric or error.
func (d Digits) Reveal() string {
	if d == 0 {
		return everything
	}
	return string(d.append(make([]byte, 0, e164.MaxDigits), d.Len()))
}

func (d Digits) append(dst []byte, count int) []byte {
	for place := range count {
		dst = append(dst, byte('0'+d.digit(place)))
	}
	return dst
}

// String is the text form; of a prefix as long as a number, the first six
// digits.
func (d Digits) String() string {
	if d.Len() < e164.MinDigits {
		return d.Reveal()
	}
	return string(d.append(nil, e164.MinDigits-1)) + "…"
}

// Format is the redacted form for every verb, numeric ones included.
func (d Digits) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.String())) }

// MarshalText is the redacted form.
func (d Digits) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
