package naming

import (
	"encoding/binary"
	"strings"
)

// parseNAPTR reads a record's data. One with an expression in place of a
// replacement is of no use to SIP. RFC 3403 §4.1, RFC 3263 §4.1.
func parseNAPTR(data []byte) (NAPTR, bool) {
	if len(data) < 4 {
		return NAPTR{}, false
	}
	n := NAPTR{Order: binary.BigEndian.Uint16(data), Preference: binary.BigEndian.Uint16(data[2:])}
	data = data[4:]
	var texts [3]string // flags, services, expression
	for i := range texts {
		if len(data) == 0 || len(data) < 1+int(data[0]) {
			return NAPTR{}, false
		}
		texts[i], data = string(data[1:1+data[0]]), data[1+data[0]:]
	}
	n.Flags, n.Service = strings.ToUpper(texts[0]), strings.ToUpper(texts[1])
	var ok bool
	n.Replacement, ok = wholeName(data)
	return n, ok && texts[2] == ""
}

// wholeName reads a name that is the rest of a record. It is never compressed.
// RFC 3403 §4.1.
func wholeName(data []byte) (string, bool) {
	var name strings.Builder
	for len(data) > 0 {
		n := int(data[0])
		if n == 0 {
			text := strings.ToLower(name.String())
			return text, len(data) == 1 && isHostName(text)
		}
		if n > 63 || len(data) < 1+n || name.Len()+n > 254 || strings.IndexByte(string(data[1:1+n]), '.') >= 0 {
			return "", false
		}
		name.Write(data[1 : 1+n])
		name.WriteByte('.')
		data = data[1+n:]
	}
	return "", false
}
