package message

import (
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Allow lists the methods that we serve, as the header of that name says them.
const Allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"

// replySize is room for what an answer adds to its head.
const replySize = 256

// Reply is an answer to a request. Beyond what the requester sent itself
// ([Request.Head], [Request.RecordRoute]) it holds only what stands here.
type Reply struct {
	Code        int
	RecordRoute []byte // the request's own, for answers that make a dialog
	Contact     string // our address, "host:port"; empty: no Contact
	Allow       bool   // say which methods we serve
	Texts       bool   // MESSAGE among them, outside calls
	Cause       int    // Q.850 cause for a Reason header (RFC 3326); 0: none
	Header      string // lines of ours, "Unsupported: 100rel"; may be empty
	Extensions  Extensions
	SDP         []byte // our session description; may be empty
}

// Append writes the answer to a request with this head.
func (r *Reply) Append(dst, head []byte) []byte {
	dst = slices.Grow(dst, len(head)+len(r.RecordRoute)+len(r.SDP)+replySize)
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(r.Code), 10)
	dst = append(dst, ' ')
	dst = append(dst, phrase(r.Code)...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, head...)
	dst = append(dst, r.RecordRoute...)
	if r.Contact != "" {
		dst = appendContact(dst, r.Contact)
	}
	switch {
	case r.Allow && r.Texts:
		dst = append(dst, "Allow: "+Allow+", "+Message+"\r\n"...)
	case r.Allow:
		dst = append(dst, "Allow: "+Allow+"\r\n"...)
	}
	dst = appendCause(dst, r.Cause)
	if r.Header != "" {
		dst = append(dst, r.Header...)
		dst = append(dst, "\r\n"...)
	}
	dst = r.Extensions.append(dst)
	return appendBody(dst, r.SDP)
}

func appendContact(dst []byte, host string) []byte {
	dst = append(dst, "Contact: <sip:"...)
	dst = append(dst, host...)
	return append(dst, ">\r\n"...)
}

func appendCause(dst []byte, cause int) []byte {
	if cause <= 0 {
		return dst
	}
	dst = append(dst, "Reason: Q.850;cause="...)
	dst = strconv.AppendInt(dst, int64(cause), 10)
	return append(dst, "\r\n"...)
}

func appendBody(dst, sdp []byte) []byte {
	if len(sdp) > 0 {
		return appendTyped(dst, "application/sdp", sdp)
	}
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

func appendTyped(dst []byte, kind string, body []byte) []byte {
	dst = append(dst, "Content-Type: "...)
	dst = append(dst, kind...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

// Head is what an answer repeats of its request: Via, From, To, Call-ID and
// CSeq (RFC 3261 §8.2.6.2), with our tag in To where it has none. Headers that
// the request lacks are left out.
func (r *Request) Head(tag string) []byte {
	var w writer
	w.b = make([]byte, 0, 512)
	top := true
	for _, h := range r.msg.Headers() {
		if via, ok := h.(*sip.ViaHeader); ok {
			w.via(via, r.Source, top)
			top = false
		}
	}
	if h := r.msg.From(); h != nil {
		w.text("From: ")
		w.address(h.DisplayName, &h.Address, h.Params)
		w.text("\r\n")
	}
	if h := r.msg.To(); h != nil {
		w.text("To: ")
		w.address(h.DisplayName, &h.Address, h.Params)
		if r.ToTag == "" && tag != "" {
			w.text(";tag=")
			w.text(tag)
		}
		w.text("\r\n")
	}
	if r.CallID != "" {
		w.text("Call-ID: ")
		w.text(r.CallID)
		w.text("\r\n")
	}
	if h := r.msg.CSeq(); h != nil {
		w.text("CSeq: ")
		w.number(int(h.SeqNo))
		w.text(" ")
		w.text(string(h.MethodName))
		w.text("\r\n")
	}
	return w.b
}

// RecordRoute repeats the request's Record-Route headers. RFC 3261 §12.1.1.
func (r *Request) RecordRoute() []byte {
	var w writer
	for _, h := range r.msg.Headers() {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			w.text("Record-Route: <")
			rr.Address.StringWrite(&w)
			w.text(">\r\n")
		}
	}
	return w.b
}

// writer appends text; it is the io.StringWriter that sipgo's types want.
type writer struct{ b []byte }

var _ io.StringWriter = (*writer)(nil)

// WriteString appends s.
func (w *writer) WriteString(s string) (int, error) {
	w.b = append(w.b, s...)
	return len(s), nil
}

func (w *writer) text(s string) { w.b = append(w.b, s...) }

func (w *writer) number(n int) { w.b = strconv.AppendInt(w.b, int64(n), 10) }

// via writes a Via; the top one says where the request came from. RFC 3261
// §18.2.1, RFC 3581 §4.
func (w *writer) via(h *sip.ViaHeader, source netip.AddrPort, top bool) {
	w.text("Via: SIP/2.0/")
	w.text(h.Transport)
	w.text(" ")
	if addr, err := netip.ParseAddr(h.Host); err == nil && addr.Is6() {
		w.text("[" + h.Host + "]")
	} else {
		w.text(h.Host)
	}
	if h.Port > 0 {
		w.text(":")
		w.number(h.Port)
	}
	rport := false
	for _, kv := range h.Params {
		switch name := strings.TrimSpace(kv.K); {
		case top && strings.EqualFold(name, "received"):
		case top && strings.EqualFold(name, "rport"):
			rport = true
		default:
			w.param(kv.K, kv.V)
		}
	}
	if top {
		if rport {
			w.text(";rport=")
			w.number(int(source.Port()))
		}
		if rport || h.Host != source.Addr().String() {
			w.text(";received=")
			w.b = source.Addr().AppendTo(w.b)
		}
	}
	w.text("\r\n")
}

// address writes a name-addr. The display name was kept with its escapes.
func (w *writer) address(display string, u *sip.Uri, params sip.HeaderParams) {
	if display != "" {
		w.text(`"`)
		w.text(display)
		w.text(`" `)
	}
	w.text("<")
	u.StringWrite(w)
	w.text(">")
	for _, kv := range params {
		w.param(kv.K, kv.V)
	}
}

func (w *writer) param(k, v string) {
	w.text(";")
	w.text(k)
	if v != "" {
		w.text("=")
		w.text(v)
	}
}
