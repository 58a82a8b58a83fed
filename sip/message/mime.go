package message

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Accept lists the bodies that we understand, as the header of that name says them.
const Accept = "application/sdp, multipart/mixed"

const (
	maxParts    = 8
	locationXML = "application/pidf+xml" // RFC 4119
)

// part is one body, alone or of several.
type part struct {
	kind     string // media type in small letters
	id       string // Content-ID
	encoded  bool   // compressed, or in a transfer encoding
	optional bool   // its sender does not insist on it: RFC 3261 §20.11
	data     []byte
}

// content is what we take of a body.
type content struct {
	sdp      []byte
	location []part // only an emergency call carries them on
}

type bodied interface {
	Body() []byte
	ContentType() *sip.ContentTypeHeader
	GetHeaders(name string) []sip.Header
}

// readContent sorts a body into what we take and what we may leave. Everything
// else is a fault. RFC 3261 §8.2.3, RFC 5621 §8.
func readContent(msg bodied) (content, *Fault) {
	var c content
	if isPlain(msg) {
		c.sdp = msg.Body()
		return c, nil
	}
	parts, f := partsOf(msg)
	if f != nil {
		return c, f
	}
	for _, p := range parts {
		switch {
		case p.encoded && !p.optional:
			return c, &Fault{Code: 415, Name: "content_encoding", Header: "Accept-Encoding: identity"}
		case p.encoded:
		case p.kind == "application/sdp" && c.sdp == nil:
			c.sdp = p.data
		case p.kind == locationXML && !p.optional:
			c.location = append(c.location, p)
		case !p.optional:
			return c, unknownContent()
		}
	}
	return c, nil
}

func unknownContent() *Fault {
	return &Fault{Code: 415, Name: "content_type", Header: "Accept: " + Accept}
}

// isPlain reports whether the body is what nearly all bodies are: a session
// description and nothing else.
func isPlain(msg bodied) bool {
	h := msg.ContentType()
	if h == nil || isEncoded(msg) {
		return false
	}
	kind, _, _ := strings.Cut(string(*h), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/sdp")
}

// partsOf takes a body apart. There is no multipart within multipart here.
func partsOf(msg bodied) ([]part, *Fault) {
	body := msg.Body()
	if len(body) == 0 {
		return nil, nil
	}
	h := msg.ContentType()
	if h == nil {
		return nil, unknownContent()
	}
	kind, params, err := mime.ParseMediaType(string(*h))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return nil, unknownContent()
	}
	whole := part{kind: kind, encoded: isEncoded(msg), data: body}
	for _, h := range msg.GetHeaders("content-disposition") {
		whole.optional = isOptional(h.Value())
	}
	if kind != "multipart/mixed" || whole.encoded {
		return []part{whole}, nil
	}
	return cutParts(body, params["boundary"])
}

// isEncoded reports whether the body is compressed or the like.
func isEncoded(msg bodied) bool {
	for _, name := range []string{"content-encoding", "e"} {
		for _, h := range msg.GetHeaders(name) {
			if !strings.EqualFold(h.Value(), "identity") {
				return true
			}
		}
	}
	return false
}

func cutParts(body []byte, boundary string) ([]part, *Fault) {
	if boundary == "" || len(boundary) > 70 { // RFC 2046 §5.1.1
		return nil, fault(400, "multipart")
	}
	var parts []part
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) && len(parts) > 0 {
			return parts, nil
		}
		if err != nil || len(parts) == maxParts {
			return nil, fault(400, "multipart")
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return nil, fault(400, "multipart")
		}
		one := part{optional: isOptional(p.Header.Get("Content-Disposition")), data: data}
		if id := p.Header.Get("Content-ID"); made(id, func(c byte) bool { return c > ' ' && c < 0x7F }) {
			one.id = id
		}
		one.kind, _, _ = mime.ParseMediaType(p.Header.Get("Content-Type"))
		switch strings.ToLower(p.Header.Get("Content-Transfer-Encoding")) {
		case "", "7bit", "8bit", "binary":
		default:
			one.encoded = true
		}
		one.encoded = one.encoded || p.Header.Get("Content-Encoding") != ""
		parts = append(parts, one)
	}
}

// isOptional reads handling= of a Content-Disposition.
func isOptional(value string) bool {
	for p := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "handling") {
			return strings.EqualFold(strings.TrimSpace(v), "optional")
		}
	}
	return false
}

// appendLocated writes a body of several parts: our description, and where the
// caller is. boundary is a token of ours that nobody could foresee. RFC 6442 §4.
func appendLocated(dst, sdp []byte, location []part, boundary string) []byte {
	var b []byte
	begin := func(kind string) {
		b = append(b, "--"...)
		b = append(b, boundary...)
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, kind...)
		b = append(b, "\r\n"...)
	}
	begin("application/sdp")
	b = append(b, "\r\n"...)
	b = append(b, sdp...)
	b = append(b, "\r\n"...)
	for _, p := range location {
		begin(p.kind)
		if p.id != "" {
			b = append(b, "Content-ID: "...)
			b = append(b, p.id...)
			b = append(b, "\r\n"...)
		}
		b = append(b, "\r\n"...)
		b = append(b, p.data...)
		b = append(b, "\r\n"...)
	}
	b = append(b, "--"...)
	b = append(b, boundary...)
	b = append(b, "--\r\n"...)
	return appendTyped(dst, "multipart/mixed;boundary="+boundary, b)
}
