package message

import (
	"strings"

	"maskline/e164"
)

// Form is how a trunk is told numbers.
type Form uint8

// The forms.
const (
	E164     Form = iota // "+" and the international number
	National             // numbers of the trunk's country without its code, others with their prefix
	Plain                // the international number, digits only
)

// Numbers is how a trunk writes numbers. The zero Numbers reads international
// ones, with or without "+", and writes them with it.
type Numbers struct {
	Form          Form   // how we write them to it; it may write all forms that can be told apart
	CountryCode   string // calling code of its country; empty: it writes no national numbers
	TrunkPrefix   string // before national numbers, "0"; empty: they are bare where Form is National
	International string // before other countries' numbers, "00"; empty: it writes "+" or nothing
	TechPrefix    string // before called numbers, ours always, its own where it writes one
}

// append writes a number. One of another country is written with "+" where the
// national form has no prefix for it.
func (n *Numbers) append(dst []byte, number e164.Number) []byte {
	switch {
	case n.Form == Plain:
	case n.Form == National && n.CountryCode != "" && number.HasPrefix(n.CountryCode):
		var digits [e164.MaxDigits]byte
		dst = append(dst, n.TrunkPrefix...)
		return append(dst, number.AppendDigits(digits[:0])[len(n.CountryCode):]...)
	case n.Form == National && n.International != "":
		dst = append(dst, n.International...)
	default:
		dst = append(dst, '+')
	}
	return number.AppendDigits(dst)
}

// read takes a number in whatever form it was written. context is its
// phone-context (RFC 3966 §5.1.5); one that is a domain says nothing more than
// the trunk does.
func (n *Numbers) read(text, context string) e164.Number {
	if strings.HasPrefix(text, "+") {
		return parsed(text)
	}
	if code, global := strings.CutPrefix(context, "+"); global {
		if code == n.CountryCode {
			text = strings.TrimPrefix(text, n.TrunkPrefix)
		}
		return parsed(code + text)
	}
	if rest, found := strings.CutPrefix(text, n.International); found && n.International != "" {
		return parsed(rest)
	}
	if n.CountryCode == "" || n.TrunkPrefix == "" && n.Form != National {
		return parsed(text)
	}
	if rest, found := strings.CutPrefix(text, n.TrunkPrefix); found {
		return parsed(n.CountryCode + rest)
	}
	return parsed(text)
}

// called is read for a called number: the trunk may have written the technical
// prefix. No prefix stands before "+".
func (n *Numbers) called(text, context string) e164.Number {
	if rest, found := strings.CutPrefix(text, n.TechPrefix); found && n.TechPrefix != "" {
		if number := n.read(rest, context); number != 0 {
			return number
		}
	}
	return n.read(text, context)
}

func parsed(text string) e164.Number {
	number, err := e164.Parse(text)
	if err != nil {
		return 0
	}
	return number
}
