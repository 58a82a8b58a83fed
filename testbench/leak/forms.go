package leak

import (
	"bytes"
	"strings"
)

// unescaped is data with its %XX escapes read, nil where there are none.
func unescaped(data []byte) []byte {
	if bytes.IndexByte(data, '%') < 0 {
		return nil
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if i+2 < len(data) && data[i] == '%' && unhex(data[i+1]) < 16 && unhex(data[i+2]) < 16 {
			out = append(out, unhex(data[i+1])<<4|unhex(data[i+2]))
			i += 2
			continue
		}
		out = append(out, data[i])
	}
	return out
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	default:
		return 16
	}
}

// joined is data without the separators, up to three, that stand between two
// digits; nil where there are none.
func joined(data []byte) []byte {
	const most = 3
	var out []byte
	kept := 0
	for i := 1; i < len(data); i++ {
		if !isSeparator(data[i]) || !isDigit(data[i-1]) {
			continue
		}
		end := i
		for end < len(data) && end-i < most && isSeparator(data[end]) {
			end++
		}
		if end < len(data) && isDigit(data[end]) {
			out = append(out, data[kept:i]...)
			kept, i = end, end
		}
	}
	if kept == 0 {
		return nil
	}
	return append(out, data[kept:]...)
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isSeparator(c byte) bool { return strings.IndexByte(" -.()/", c) >= 0 }
