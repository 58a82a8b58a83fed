package e164

import "strconv"

// CallingCode is the country calling code that the number begins with, one to
// three digits. ITU-T E.164 Annex to Operational Bulletin 1114. Codes that are
// not assigned count as having three.
func (n Number) CallingCode() string {
	if n == 0 {
		return ""
	}
	if n.IsShortCode() {
		return strconv.FormatUint(n.shortCallingCode(), 10)
	}
	d := n.AppendDigits(make([]byte, 0, MaxDigits))
	return string(d[:callingCodeLen(d[0], d[1])])
}

func callingCodeLen(first, second byte) int {
	switch first {
	case '1', '7':
		return 1
	case '2':
		return two(second, "07")
	case '3':
		return two(second, "0123469")
	case '4':
		return two(second, "013456789")
	case '5':
		return two(second, "12345678")
	case '6':
		return two(second, "0123456")
	case '8':
		return two(second, "1246")
	case '9':
		return two(second, "0123458")
	default:
		return 3
	}
}

// two is 2 where the second digit completes a code, else 3.
func two(second byte, complete string) int {
	for i := range len(complete) {
		if complete[i] == second {
			return 2
		}
	}
	return 3
}
