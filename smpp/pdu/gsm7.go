package pdu

import "unicode/utf8"

// septetTable says which character each septet stands for; 0: none. All of
// them are in the basic plane.
type septetTable [128]uint16

const (
	escape       = 0x1B // the next septet is of the extension
	septetMask   = 0x7F
	septetBits   = 7
	octetBits    = 8
	septetReturn = '\r' // fills a last octet that would hold a whole septet
)

// defaultAlphabet is the GSM 7 bit default alphabet. 3GPP TS 23.038 §6.2.1
var defaultAlphabet = septetTable{
	0x00: '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
	0x10: 'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', 0x1C: 'Æ', 'æ', 'ß', 'É',
	0x20: ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
	0x30: '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
	0x40: '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
	0x50: 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
	0x60: '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	0x70: 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
}

// defaultExtension follows an escape. 3GPP TS 23.038 §6.2.1.1
var defaultExtension = septetTable{
	0x0A: '\f',
	0x14: '^',
	0x28: '{', '}', 0x2F: '\\',
	0x3C: '[', '~', ']',
	0x40: '|',
	0x65: '€',
}

// shift is the pair of tables that a message is written with.
type shift struct {
	base, extension *septetTable
	escaped         bool // the last septet was an escape
}

// append appends the character of one septet. What the extension leaves out is
// read from the base; an escape that is not known is a space.
// 3GPP TS 23.038 §6.2.1.1
func (s *shift) append(dst []byte, septet byte) []byte {
	if septet > septetMask {
		s.escaped = false
		return utf8.AppendRune(dst, utf8.RuneError)
	}
	if septet == escape {
		if s.escaped {
			dst = append(dst, ' ')
		}
		s.escaped = !s.escaped
		return dst
	}
	c := s.base[septet]
	if s.escaped {
		s.escaped = false
		if extended := s.extension[septet]; extended != 0 {
			c = extended
		}
	}
	switch {
	case c == 0:
		return utf8.AppendRune(dst, utf8.RuneError)
	case c < utf8.RuneSelf:
		return append(dst, byte(c))
	default:
		return utf8.AppendRune(dst, rune(c))
	}
}

// end appends what an escape at the end of the text stands for.
func (s *shift) end(dst []byte) []byte {
	if s.escaped {
		return append(dst, ' ')
	}
	return dst
}

// appendGSM7 reads one septet an octet.
func appendGSM7(dst, text []byte, s shift) []byte {
	for _, septet := range text {
		if !s.escaped && septet != escape && septet <= septetMask {
			if c := s.base[septet]; c != 0 && c < utf8.RuneSelf { // most of them
				dst = append(dst, byte(c))
				continue
			}
		}
		dst = s.append(dst, septet)
	}
	return s.end(dst)
}

// appendPackedGSM7 reads septets packed into octets, which begin at a septet's
// boundary behind a header of so many octets. The number of septets is not on
// the wire: where the last one would fill seven spare bits, CR and 0 there are
// taken for filling. 3GPP TS 23.038 §6.1.2.1, TS 23.040 §9.2.3.24
func appendPackedGSM7(dst, text []byte, header int, s shift) []byte {
	at := fillBits(header)
	count := max(len(text)*octetBits-at, 0) / septetBits
	spare := len(text)*octetBits - at - count*septetBits
	for i := range count {
		septet := septetAt(text, at+i*septetBits)
		if i == count-1 && spare == 0 && (septet == septetReturn || septet == 0) {
			break
		}
		dst = s.append(dst, septet)
	}
	return s.end(dst)
}

// fillBits is how many bits follow a header so that septets begin at a multiple
// of seven.
func fillBits(header int) int {
	return (septetBits - header*octetBits%septetBits) % septetBits
}

func septetAt(packed []byte, bit int) byte {
	i, shift := bit/octetBits, bit%octetBits
	v := uint16(packed[i])
	if i+1 < len(packed) {
		v |= uint16(packed[i+1]) << octetBits
	}
	return byte(v>>shift) & septetMask
}

// septetsOf finds the septet of a character in the default alphabet, or in its
// extension, where it follows an escape.
func septetsOf(r rune) (septet byte, extended, ok bool) {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= ' ' && r <= '?' && r != '$':
		return byte(r), false, true
	case r == 0 || r > 0xFFFF:
		return 0, false, false
	}
	for i, c := range &defaultAlphabet {
		if rune(c) == r {
			return byte(i), false, true
		}
	}
	for i, c := range &defaultExtension {
		if rune(c) == r {
			return byte(i), true, true
		}
	}
	return 0, false, false
}

func encodeGSM7(dst, text []byte) ([]byte, error) {
	start := len(dst)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		septet, extended, ok := septetsOf(r)
		if !ok {
			return dst[:start], ErrNoCharacter
		}
		if extended {
			dst = append(dst, escape)
		}
		dst = append(dst, septet)
		text = text[size:]
	}
	return dst, nil
}

func encodePackedGSM7(dst, text []byte) ([]byte, error) {
	start := len(dst)
	dst, err := encodeGSM7(dst, text)
	if err != nil {
		return dst, err
	}
	return dst[:start+len(packSeptets(dst[start:start], dst[start:], 0))], nil
}

// packSeptets appends septets, one an octet, packed behind a header of so many
// octets. It may pack in place: dst may be the beginning of septets.
func packSeptets(dst, septets []byte, header int) []byte {
	var acc uint16
	bits := fillBits(header)
	for _, septet := range septets {
		acc |= uint16(septet&septetMask) << bits
		bits += septetBits
		if bits >= octetBits {
			dst = append(dst, byte(acc))
			acc >>= octetBits
			bits -= octetBits
		}
	}
	switch {
	case bits == 1 && len(septets) > 0:
		return append(dst, byte(acc)|septetReturn<<1)
	case bits > 0:
		return append(dst, byte(acc))
	default:
		return dst
	}
}
