package message

import "strings"

const maxKeyBody = 256 // octets

// Key is the key that an INFO tells of: application/dtmf-relay with a Signal line,
// or application/dtmf with the key alone. 0: none.
func (r *Request) Key() byte {
	h := r.msg.ContentType()
	if h == nil || len(r.Body) > maxKeyBody {
		return 0
	}
	kind, _, _ := strings.Cut(string(*h), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/dtmf":
		return keyOf(string(r.Body))
	case "application/dtmf-relay":
		for line := range strings.Lines(string(r.Body)) {
			if name, value, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				return keyOf(value)
			}
		}
	}
	return 0
}

func keyOf(text string) byte {
	text = strings.ToUpper(strings.TrimSpace(text))
	if len(text) != 1 || strings.IndexByte("0123456789*#ABCD", text[0]) < 0 {
		return 0
	}
	return text[0]
}
