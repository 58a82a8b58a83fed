package message

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Message is the method of a text message. RFC 3428.
const Message = "MESSAGE"

// textType is the one kind of text that we write.
const textType = "text/plain;charset=utf-8"

// Text is the body of a MESSAGE as UTF-8, of so many characters at most: text/plain
// in UTF-8 or ASCII as it stands. All else is a fault: message/cpim among it, whose
// addresses would pass unread.
func (r *Request) Text(most int) ([]byte, *Fault) {
	switch {
	case len(r.Body) == 0:
		return nil, nil
	case !r.isText():
		return nil, &Fault{Code: 415, Name: "content_type", Header: "Accept: " + textType}
	case !utf8.Valid(r.Body):
		return nil, fault(400, "text")
	case len(r.Body) > most && utf8.RuneCount(r.Body) > most:
		return nil, fault(413, "text_too_long")
	default:
		return r.Body, nil
	}
}

// isText looks at Content-Type and Content-Encoding. Text without a charset is
// UTF-8. RFC 3261 §7.4.1.
func (r *Request) isText() bool {
	h := r.msg.ContentType()
	if h == nil || isEncoded(r.msg) {
		return false
	}
	kind, params, _ := strings.Cut(string(*h), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "text/plain") {
		return false
	}
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "charset") {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `"`)
		if !strings.EqualFold(value, "utf-8") && !strings.EqualFold(value, "us-ascii") {
			return false
		}
	}
	return true
}

// appendText ends a message with a text.
func appendText(dst, text []byte) []byte {
	dst = append(dst, "Content-Type: "+textType+"\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(text)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, text...)
}
