package pdu

import "errors"

// Alphabet is how text is written as octets.
type Alphabet byte

// The alphabets.
const (
	GSM7       Alphabet = iota // GSM 7 bit default alphabet, one septet an octet. 3GPP TS 23.038 §6.2.1
	GSM7Packed                 // the same, eight septets in seven octets. 3GPP TS 23.038 §6.1.2.1
	Latin1                     // ISO 8859-1
	UCS2                       // UTF-16, most significant octet first
	ASCII                      // IA5
	Cyrillic                   // ISO 8859-5; read only
	Binary                     // octets that are no text
	OtherText                  // text in an alphabet that is not read here
)

// String is the alphabet's name in the configuration.
func (a Alphabet) String() string {
	return [...]string{"gsm7", "gsm7 packed", "latin1", "ucs2", "ascii", "cyrillic", "binary", "other"}[a]
}

// Faults of texts.
var (
	ErrNotText     = errors.New("the content is no text that can be read")
	ErrNoCharacter = errors.New("the alphabet lacks a character of the text")
)

// The values of data_coding that are written here. SMPP 3.4 §5.2.19
const (
	CodingDefault = 0x00
	CodingASCII   = 0x01
	CodingLatin1  = 0x03
	CodingBinary  = 0x04
	CodingUCS2    = 0x08
)

// AlphabetOf is the alphabet that a data_coding stands for; zero is what 0
// means to the peer. SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4
func AlphabetOf(dataCoding byte, zero Alphabet) Alphabet {
	switch {
	case dataCoding == CodingDefault:
		return zero
	case dataCoding <= 0x0F:
		return [...]Alphabet{
			CodingASCII: ASCII, 0x02: Binary, CodingLatin1: Latin1, CodingBinary: Binary, 0x05: OtherText, 0x06: Cyrillic,
			0x07: OtherText, CodingUCS2: UCS2, 0x09: OtherText, 0x0A: OtherText, 0x0B: OtherText, 0x0C: OtherText,
			0x0D: OtherText, 0x0E: OtherText, 0x0F: OtherText,
		}[dataCoding]
	case dataCoding < 0x80: // general group: a class, or automatic deletion
		return generalAlphabet(dataCoding, zero)
	case dataCoding < 0xC0: // reserved
		return OtherText
	case dataCoding < 0xE0: // message waiting
		return septets(zero)
	case dataCoding < 0xF0: // message waiting, UCS2
		return UCS2
	case dataCoding&0x04 != 0: // message class, 8-bit data
		return Binary
	default:
		return septets(zero)
	}
}

func generalAlphabet(dataCoding byte, zero Alphabet) Alphabet {
	const compressed, alphabet = 0x20, 0x0C
	switch {
	case dataCoding&compressed != 0:
		return OtherText
	case dataCoding&alphabet == 0x00:
		return septets(zero)
	case dataCoding&alphabet == 0x04:
		return Binary
	case dataCoding&alphabet == 0x08:
		return UCS2
	default:
		return OtherText
	}
}

// septets is the default alphabet as the peer packs it: values that 3GPP
// defines mean it whatever 0 means.
func septets(zero Alphabet) Alphabet {
	if zero == GSM7Packed {
		return GSM7Packed
	}
	return GSM7
}

// AppendText appends text as UTF-8. text is the payload behind its header, as
// [SplitUDH] divides them; header is nil where there is none. What is appended
// is at most four times as long as text, and what cannot be read in it is
// U+FFFD. It returns ErrNotText for binary content and for alphabets that are
// not read here.
func AppendText(dst, text []byte, header UDH, dataCoding byte, zero Alphabet) ([]byte, error) {
	switch AlphabetOf(dataCoding, zero) {
	case GSM7:
		return appendGSM7(dst, text, shiftOf(header)), nil
	case GSM7Packed:
		octets := 0
		if header != nil {
			octets = 1 + len(header)
		}
		return appendPackedGSM7(dst, text, octets, shiftOf(header)), nil
	case Latin1:
		return appendLatin1(dst, text), nil
	case UCS2:
		return appendUCS2(dst, text), nil
	case ASCII:
		return appendASCII(dst, text), nil
	case Cyrillic:
		return appendCyrillic(dst, text), nil
	default:
		return dst, ErrNotText
	}
}

// AppendEncoded appends UTF-8 in the alphabet a, exactly. It returns
// ErrNoCharacter and dst as it was where a character does not exist there or
// text is no UTF-8, and ErrNotText for alphabets that are not written here.
func AppendEncoded(dst, text []byte, a Alphabet) ([]byte, error) {
	const lastASCII, lastLatin1 = 0x7F, 0xFF
	switch a {
	case GSM7:
		return encodeGSM7(dst, text)
	case GSM7Packed:
		return encodePackedGSM7(dst, text)
	case Latin1:
		return encodeOctets(dst, text, lastLatin1)
	case UCS2:
		return encodeUCS2(dst, text)
	case ASCII:
		return encodeOctets(dst, text, lastASCII)
	default:
		return dst, ErrNotText
	}
}
