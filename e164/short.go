package e164

import (
	"errors"
	"strings"
)

// A short code is no E.164 number: the same digits mean another service in every
// country. A Number holds one as it holds a number, with the calling code of its
// country in bits 20-29: it has fewer digits than any number, so it equals none,
// sorts before all of them, and is as redacted.

// MinShort and MaxShort bound the digits of a short code.
const (
	MinShort = 3
	MaxShort = 6
)

const (
	codeShift      = 20 // 6 digits take 20 bits
	codeMask       = 1<<10 - 1
	shortMask      = 1<<codeShift - 1
	maxCallingCode = 999
)

// ErrShortCode is the fault of a short code. It never holds the text that was
// refused.
var ErrShortCode = errors.New("expected a calling code, a colon and 3 to 6 digits, such as 44:60123")

// ShortCode is a short code of the country with that calling code, 1 to 999.
// Countries that share a calling code share its short codes here.
func ShortCode[T ~string | ~[]byte](callingCode uint16, digits T) (Number, error) {
	if callingCode == 0 || callingCode > maxCallingCode || len(digits) < MinShort || len(digits) > MaxShort {
		return 0, ErrShortCode
	}
	value := uint64(0)
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, ErrShortCode
		}
		value = value*10 + uint64(d)
	}
	return Number(value | uint64(len(digits))<<digitBits | uint64(callingCode)<<codeShift), nil
}

// IsShortCode reports whether it is a short code.
func (n Number) IsShortCode() bool { return n != 0 && n.Len() < MinDigits }

func (n Number) shortCallingCode() uint64 { return uint64(n) >> codeShift & codeMask }

func (n Number) validShort() bool {
	count, code := n.Len(), n.shortCallingCode()
	return count >= MinShort && code >= 1 && code <= maxCallingCode &&
		n.value() < [...]uint64{1e3, 1e4, 1e5, 1e6}[count-MinShort] &&
		uint64(n) == n.value()|code<<codeShift|uint64(count)<<digitBits
}

// ParseMask reads a number as Parse does, or a short code in the form of Reveal:
// its calling code, a colon and its digits.
func ParseMask(s string) (Number, error) {
	code, digits, found := strings.Cut(s, ":")
	if !found {
		return Parse(s)
	}
	const longest = 3
	if code == "" || len(code) > longest || code[0] == '0' || strings.Trim(code, "0123456789") != "" {
		return 0, ErrShortCode
	}
	value := uint16(0)
	for _, d := range []byte(code) {
		value = value*10 + uint16(d-'0')
	}
	return ShortCode(value, digits)
}
