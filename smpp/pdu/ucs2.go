package pdu

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUCS2 reads UTF-16, most significant octet first. A surrogate without
// its other half and an odd octet at the end are U+FFFD.
func appendUCS2(dst, text []byte) []byte {
	for len(text) >= 2 {
		r, size := decodeUCS2(text)
		dst = utf8.AppendRune(dst, r)
		text = text[size:]
	}
	if len(text) > 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	return dst
}

// decodeUCS2 reads one character of at least two octets of text.
func decodeUCS2(text []byte) (r rune, size int) {
	r = rune(binary.BigEndian.Uint16(text))
	if !utf16.IsSurrogate(r) {
		return r, 2
	}
	if len(text) >= 4 {
		if pair := utf16.DecodeRune(r, rune(binary.BigEndian.Uint16(text[2:]))); pair != utf8.RuneError {
			return pair, 4
		}
	}
	return utf8.RuneError, 2
}

func encodeUCS2(dst, text []byte) ([]byte, error) {
	start := len(dst)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			return dst[:start], ErrNoCharacter
		}
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			dst = binary.BigEndian.AppendUint16(dst, uint16(high))
			r = low
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(r))
		text = text[size:]
	}
	return dst, nil
}
