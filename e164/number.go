package e164

import (
	"errors"
	"fmt"
)

// Number is a telephone number in international form without its "+".
// Bits 0-49 hold the digits as an integer, bits 50-53 their count, so leading
// zeros survive and equal numbers are equal integers. The zero Number is "none"
// (a withheld or alphanumeric sender). Bits 54-63 are 0. A [ShortCode] has fewer digits.
type Number uint64

// MinDigits and MaxDigits bound a number's length (E.164 §6.2 for the upper
// one; shorter strings are short codes, which are no E.164 numbers).
const (
	MinDigits = 7
	MaxDigits = 15
)

const (
	digitBits = 50
	valueMask = 1<<digitBits - 1
)

// Faults of Parse. They never contain the text that was refused.
var (
	ErrLength = errors.New("a number has 7 to 15 digits")
	ErrDigit  = errors.New("a number holds digits only, with or without a leading +")
)

// Parse reads 7 to 15 digits with or without a leading "+".
func Parse[T ~string | ~[]byte](s T) (Number, error) {
	i := 0
	if len(s) > 0 && s[0] == '+' {
		i = 1
	}
	count := len(s) - i
	var value uint64
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, ErrDigit
		}
		if count <= MaxDigits {
			value = value*10 + uint64(d)
		}
	}
	if count < MinDigits || count > MaxDigits {
		return 0, ErrLength
	}
	return Number(value | uint64(count)<<digitBits), nil
}

// MustParse is Parse for constants and tests; it panics on a fault.
func MustParse(s string) Number {
	n, err := Parse(s)
	if err != nil {
		panic(fmt.Sprintf("e164.MustParse: %v", err))
	}
	return n
}

// Len is the count of digits, 0 for none.
func (n Number) Len() int { return int(uint64(n) >> digitBits & 0xF) }

// value is the digits as an integer.
func (n Number) value() uint64 {
	if n.IsShortCode() {
		return uint64(n) & shortMask
	}
	return uint64(n) & valueMask
}

// Valid reports whether Parse or ShortCode could have made the number, as numbers
// that were read from elsewhere should be asked.
func (n Number) Valid() bool {
	count := n.Len()
	if n.IsShortCode() {
		return n.validShort()
	}
	return count >= MinDigits && count <= MaxDigits && uint64(n)>>(digitBits+4) == 0 &&
		uint64(n)&valueMask < [...]uint64{1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}[count-MinDigits]
}

// Padded is the digits as an integer of MaxDigits digits, filled up with zeros on
// the right, and their count. It is for arithmetic on prefixes; it must not reach
// a log, metric or error.
func (n Number) Padded() (value uint64, count int) {
	count = n.Len()
	return n.value() * fill[count], count
}

// fill[n] makes n digits MaxDigits.
var fill = [MaxDigits + 1]uint64{1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1}

// AppendDigits appends the bare digits, without "+".
func (n Number) AppendDigits(dst []byte) []byte {
	var buf [MaxDigits]byte
	count := n.Len()
	value := n.value()
	for i := count - 1; i >= 0; i-- {
		buf[i] = byte('0' + value%10)
		value /= 10
	}
	return append(dst, buf[:count]...)
}

// Reveal is the whole number with "+", or a short code with its calling code and
// a colon. It is the only method that makes a
// string of it: nothing that it returns may reach a log, metric or error.
func (n Number) Reveal() string {
	if n == 0 {
		return ""
	}
	if n.IsShortCode() {
		return string(n.AppendDigits(append([]byte(n.CallingCode()), ':')))
	}
	return string(n.AppendDigits(append(make([]byte, 0, 1+MaxDigits), '+')))
}

// Canonical is the form used as a key. The mobile prefixes that exist on one
// side of the wire only are removed: +54 9 ... (Argentina) and +52 1 ...
// (Mexico, in use until 2019 and still sent by carriers).
func (n Number) Canonical() Number {
	const thirteen = 13
	if n.Len() != thirteen {
		return n
	}
	value := uint64(n) & valueMask
	switch value / 1e10 {
	case 549:
		value = 54*1e10 + value%1e10
	case 521:
		value = 52*1e10 + value%1e10
	default:
		return n
	}
	return Number(value | (thirteen-1)<<digitBits)
}

// HasPrefix reports whether the number starts with the digits of prefix.
func (n Number) HasPrefix(prefix string) bool {
	count := n.Len()
	if len(prefix) > count {
		return false
	}
	value := n.value()
	for i := count; i > len(prefix); i-- {
		value /= 10
	}
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != byte('0'+value%10) {
			return false
		}
		value /= 10
	}
	return true
}

// String is the redacted form: an ellipsis and the last two digits.
func (n Number) String() string {
	if n == 0 {
		return "none"
	}
	value := n.value()
	return "…" + string([]byte{byte('0' + value/10%10), byte('0' + value%10)})
}

// GoString is the redacted form.
func (n Number) GoString() string { return n.String() }

// Format is the redacted form for every verb, numeric ones included.
func (n Number) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.String())) }

// MarshalText is the redacted form, so that JSON and zap never show a number.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
