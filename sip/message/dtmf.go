package message

import (
	"bytes"
	"strconv"
	"strings"
)

// Bodies of INFO that carry a key press. They are no standard; gateways of many
// makers send the first one.
const (
	typeDTMFRelay = "application/dtmf-relay"
	typeDTMF      = "application/dtmf"
)

// AcceptDTMF is the header line of a 415 to an INFO.
const AcceptDTMF = "Accept: " + typeDTMFRelay + ", " + typeDTMF

const (
	maxDTMFBody     = 128 // octets
	defaultDuration = 160 // milliseconds
	minDuration     = 40
	maxDuration     = 8000
)

// DTMF is one key press. Nothing else of an INFO goes on.
type DTMF struct {
	Key      byte // 0-9, *, #, A-D
	Duration int  // milliseconds, 40 to 8000
	bare     bool // the body is the key alone
}

// DTMF reads the key press in an INFO. The fault is 415 for a body of another kind,
// 400 for one that holds no key.
func (r *Request) DTMF() (DTMF, *Fault) {
	d := DTMF{Duration: defaultDuration}
	switch r.bodyType() {
	case typeDTMFRelay:
	case typeDTMF:
		d.bare = true
	default:
		return d, &Fault{Code: 415, Name: "content_type", Header: AcceptDTMF}
	}
	if len(r.Body) > maxDTMFBody {
		return d, fault(400, "dtmf")
	}
	if d.bare && !bytes.ContainsRune(r.Body, '=') {
		d.Key = dtmfKey(string(r.Body))
	}
	for line := range strings.Lines(string(r.Body)) {
		name, value, _ := strings.Cut(line, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			d.Key = dtmfKey(value)
		case "duration":
			if ms, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				d.Duration = min(max(ms, minDuration), maxDuration)
			}
		}
	}
	if d.Key == 0 {
		return d, fault(400, "dtmf")
	}
	return d, nil
}

// dtmfKey is 0 for what is no key. Some write * and # as the events 10 and 11 of
// RFC 4733.
func dtmfKey(text string) byte {
	switch text = strings.ToUpper(strings.TrimSpace(text)); {
	case text == "10":
		return '*'
	case text == "11":
		return '#'
	case len(text) == 1 && strings.Contains("0123456789*#ABCD", text):
		return text[0]
	default:
		return 0
	}
}

// appendBody writes the body with its headers.
func (d *DTMF) appendBody(dst []byte) []byte {
	kind, body := typeDTMF, []byte{d.Key}
	if !d.bare {
		kind = typeDTMFRelay
		body = append([]byte("Signal="), d.Key)
		body = append(body, "\r\nDuration="...)
		body = strconv.AppendInt(body, int64(d.Duration), 10)
		body = append(body, "\r\n"...)
	}
	dst = append(dst, "Content-Type: "+kind+"\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

// bodyType is the media type in lower case, empty where the body is encoded.
func (r *Request) bodyType() string {
	h := r.msg.ContentType()
	if h == nil || isEncoded(r.msg) {
		return ""
	}
	kind, _, _ := strings.Cut(string(*h), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// InfoPackage reports whether an INFO belongs to a package of RFC 6086. We serve none.
func (r *Request) InfoPackage() bool { return len(r.msg.GetHeaders("info-package")) > 0 }
