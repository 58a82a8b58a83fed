package pdu

import "unicode/utf16"

// airOctets is the user data of one short message. 3GPP TS 23.040 §9.2.3.16
const airOctets = 140

// Room is how many units of text fit into one short message beside a user data
// header of so many octets, its count included. A unit is a septet for GSM7 and
// Latin1, since an SMSC sends what comes in its default alphabet as septets,
// and an octet for all else.
func Room(a Alphabet, header int) int {
	octets := max(airOctets-header, 0)
	if a == GSM7 || a == Latin1 {
		return octets * octetBits / septetBits
	}
	return octets
}

// Units is how much room text takes.
func Units(a Alphabet, text []byte) (units int) {
	if a != GSM7 && a != Latin1 {
		return len(text)
	}
	if a == GSM7 {
		return len(text) // an escape is an octet of its own
	}
	for _, c := range text {
		units += latin1Units(c)
	}
	return units
}

// latin1Units is what a character takes as septets.
func latin1Units(c byte) int {
	switch c {
	case '\f', '[', '\\', ']', '^', '{', '|', '}', '~':
		return 2 // with an escape
	default:
		return 1
	}
}

// Cut is how many octets at the beginning of text fit into so much room. It
// never parts an escape from its character, or the halves of a character in
// UCS2. It is 0 only where text is empty or not one character fits.
func Cut(a Alphabet, text []byte, room int) int {
	if a == Latin1 {
		used := 0
		for i, c := range text {
			if used += latin1Units(c); used > room {
				return i
			}
		}
		return len(text)
	}
	if len(text) <= room {
		return len(text)
	}
	switch a {
	case GSM7:
		return cutSeptets(text, room)
	case UCS2:
		room &^= 1
		if room >= 2 && utf16.IsSurrogate(rune(text[room-2])<<octetBits) && text[room-2] < 0xDC {
			room -= 2
		}
		return room
	default:
		return room
	}
}

// cutSeptets counts the escapes before the cut: an odd number of them parts the
// last one from its character.
func cutSeptets(text []byte, room int) int {
	escapes := 0
	for escapes < room && text[room-1-escapes] == escape {
		escapes++
	}
	if escapes%2 == 1 {
		return room - 1
	}
	return room
}
