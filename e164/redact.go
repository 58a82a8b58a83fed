package e164

import "strings"

// Redact replaces every run of at least MinDigits digits in s by an ellipsis
// and its last two digits. It returns s itself where there is no such run.
// Digits separated by single spaces, dots, dashes or brackets are one run when
// the text starts it with a "+".
func Redact(s string) string {
	var out *strings.Builder
	kept := 0
	for i := 0; i < len(s); {
		end, digits := numberAt(s, i)
		if digits < MinDigits {
			i = max(end, i+1)
			continue
		}
		if out == nil {
			out = new(strings.Builder)
			out.Grow(len(s))
		}
		out.WriteString(s[kept:i])
		out.WriteString("…")
		out.WriteString(lastDigits(s[i:end]))
		kept, i = end, end
	}
	if out == nil {
		return s
	}
	out.WriteString(s[kept:])
	return out.String()
}

// numberAt measures the number that starts at i: its end and count of digits.
func numberAt(s string, i int) (end, digits int) {
	plus := s[i] == '+'
	j := i
	if plus {
		j++
	}
	end = i
	for gap := 0; j < len(s); j++ {
		c := s[j]
		switch {
		case c >= '0' && c <= '9':
			digits++
			end = j + 1
			gap = 0
		case plus && gap < 2 && digits > 0 && strings.IndexByte(" .-()", c) >= 0:
			gap++
		default:
			return end, digits
		}
	}
	return end, digits
}

func lastDigits(s string) string {
	last := make([]byte, 0, 2)
	for i := len(s) - 1; i >= 0 && len(last) < 2; i-- {
		if s[i] >= '0' && s[i] <= '9' {
			last = append(last, s[i])
		}
	}
	return string([]byte{last[1], last[0]})
}
