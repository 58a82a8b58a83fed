package message

import (
	"bytes"
	"encoding/base64"
	"strings"

	"maskline/e164"
)

// shown is how many last digits of a number give its owner away, whatever
// country or trunk prefix stands before them.
const shown = 9

// Leaks reports whether text shows a number in any form that a peer could
// read: plain, with "+" or "%2B", in national form, with separators between
// digits, with digits escaped, or inside base64. It is meant for tests and
// captures.
func Leaks(text []byte, n e164.Number) bool {
	if n == 0 {
		return false
	}
	digits := n.AppendDigits(nil)
	needle := digits[max(0, len(digits)-shown):]
	if bytes.Contains(text, needle) {
		return true
	}
	if plain, ok := unescapeAll(text); ok && bytes.Contains(plain, needle) {
		return true
	}
	if bytes.Contains(withoutSeparators(text), needle) {
		return true
	}
	for _, form := range base64Forms(needle) {
		if bytes.Contains(text, form) {
			return true
		}
	}
	return false
}

func unescapeAll(text []byte) ([]byte, bool) {
	if bytes.IndexByte(text, '%') < 0 {
		return nil, false
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && unhex(text[i+1]) < 16 && unhex(text[i+2]) < 16 {
			out = append(out, unhex(text[i+1])<<4|unhex(text[i+2]))
			i += 2
			continue
		}
		out = append(out, text[i])
	}
	return out, true
}

// withoutSeparators removes up to three separators between digits.
func withoutSeparators(text []byte) []byte {
	const most = 3
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if len(out) > 0 && isDigit(out[len(out)-1]) {
			end := i
			for end < len(text) && end-i < most && isSeparator(text[end]) {
				end++
			}
			if end < len(text) && isDigit(text[end]) {
				i = end
			}
		}
		out = append(out, text[i])
	}
	return out
}

func isSeparator(c byte) bool { return strings.IndexByte(" -.()/", c) >= 0 }

// base64Forms are the characters that the digits surely have in base64, for
// each of the three places where they can start in a group.
func base64Forms(digits []byte) [][]byte {
	forms := make([][]byte, 0, 3)
	for lead := range 3 {
		padded := append(make([]byte, lead, lead+len(digits)), digits...)
		text := base64.RawStdEncoding.EncodeToString(padded)
		first := (lead*8 + 5) / 6
		last := len(padded) * 8 / 6
		forms = append(forms, []byte(text[first:last]))
	}
	return forms
}
