package pdu

import "unicode/utf8"

// appendLatin1 reads ISO 8859-1, control characters 0x80 to 0x9F included:
// nothing here is CP1252.
func appendLatin1(dst, text []byte) []byte {
	for _, c := range text {
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst
}

// appendASCII reads IA5; what is above it is U+FFFD.
func appendASCII(dst, text []byte) []byte {
	for _, c := range text {
		if c < utf8.RuneSelf {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, utf8.RuneError)
		}
	}
	return dst
}

// appendCyrillic reads ISO 8859-5, which has the order of Unicode but for four
// characters.
func appendCyrillic(dst, text []byte) []byte {
	for _, c := range text {
		r := rune(c)
		switch {
		case c <= 0xA0 || c == 0xAD:
		case c == 0xF0:
			r = '№'
		case c == 0xFD:
			r = '§'
		default:
			r += 0x0400 - 0xA0
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// encodeOctets writes characters up to last, one an octet.
func encodeOctets(dst, text []byte, last rune) ([]byte, error) {
	start := len(dst)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r > last {
			return dst[:start], ErrNoCharacter
		}
		dst = append(dst, byte(r))
		text = text[size:]
	}
	return dst, nil
}
