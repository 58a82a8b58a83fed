package smpp

import (
	"bytes"

	"maskline/e164"
	"maskline/routing"
	"maskline/smpp/pdu"
)

// Numbers is how a bind writes numbers where it does not take them as
// international digits alone.
type Numbers struct {
	Plus          bool   // "+" before international numbers
	CountryCode   string // not empty: numbers of this country are written nationally
	TrunkPrefix   string // before national numbers; may be empty
	International string // before other countries' numbers; empty: these cannot be written
}

const (
	tonInternational = 1
	tonNational      = 2
	tonNetwork       = 3
	tonSubscriber    = 4
	tonAbbreviated   = 6
)

// append writes the digits of an international number. It returns false where
// the form has no way to write it.
func (f *Numbers) append(dst, digits []byte) ([]byte, bool) {
	switch {
	case f == nil:
		dst = append(dst, digits...)
	case f.CountryCode == "":
		dst = append(append(dst, '+'), digits...)
	case bytes.HasPrefix(digits, []byte(f.CountryCode)):
		dst = append(append(dst, f.TrunkPrefix...), digits[len(f.CountryCode):]...)
	case f.International == "":
		return dst, false
	default:
		dst = append(append(dst, f.International...), digits...)
	}
	return dst, len(dst) <= maxAddress
}

// writes reports whether append can write the number.
func (f *Numbers) writes(digits []byte) bool {
	var room [maxAddress + maxPrefix]byte
	_, ok := f.append(room[:0], digits)
	return ok
}

// maxPrefix is the longest trunk or international prefix, in digits.
const maxPrefix = 5

// sender is the number of a sender, none where it is no number that E.164 knows:
// a name, a short code, a network's own.
func (f *Numbers) sender(a pdu.Address) e164.Number {
	switch a.TON {
	case tonNetwork, tonSubscriber, tonAbbreviated:
		return 0
	default:
		return f.dialled(a)
	}
}

// dialled is the number of a destination. Peers write masks with all types of
// number, so only names are told apart.
func (f *Numbers) dialled(a pdu.Address) e164.Number {
	if a.TON == pdu.TONAlphanumeric {
		return 0
	}
	if f == nil || f.CountryCode == "" || a.TON == tonInternational || len(a.Digits) > 0 && a.Digits[0] == '+' {
		return parsed(a.Digits)
	}
	if a.TON != tonNational && f.International != "" {
		if rest, found := bytes.CutPrefix(a.Digits, []byte(f.International)); found {
			return parsed(rest)
		}
	}
	var room [maxAddress + maxPrefix]byte
	rest := bytes.TrimPrefix(a.Digits, []byte(f.TrunkPrefix))
	if len(rest) > maxAddress || len(rest) == 0 {
		return 0
	}
	return parsed(append(append(room[:0], f.CountryCode...), rest...))
}

func parsed(digits []byte) e164.Number {
	n, err := e164.Parse(digits)
	if err != nil {
		return 0
	}
	return n
}

// shortCode is an address that is a short code of the peer's country, none where
// it has none.
func shortCode(origin *routing.Origin, a pdu.Address) e164.Number {
	if origin.CallingCode == 0 || a.TON == pdu.TONAlphanumeric {
		return 0
	}
	n, err := e164.ShortCode(origin.CallingCode, a.Digits)
	if err != nil {
		return 0
	}
	return n
}

// asNetworksDo reports whether an address is of a type in which networks write
// short codes: not a national number, however short.
func asNetworksDo(a pdu.Address) bool { return a.TON == tonNetwork || a.TON == tonAbbreviated }

// written is a mask as an address for the peer. It returns false where the peer has
// no form for it.
func (t *terms) written(mask e164.Number) (a pdu.Address, ok bool) {
	digits := mask.AppendDigits(nil)
	if mask.IsShortCode() {
		return asShort(digits), true
	}
	digits, ok = t.numbers.append(nil, digits)
	return pdu.Address{TON: t.ton, NPI: t.npi, Digits: digits}, ok
}

// asShort is the address of a short code: networks know it by its digits alone,
// as a number of their own. SMPP 3.4 §5.2.5.
func asShort(digits []byte) pdu.Address { return pdu.Address{TON: tonNetwork, Digits: digits} }
