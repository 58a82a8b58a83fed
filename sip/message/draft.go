package message

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// userAgent is all that a peer learns about us.
const userAgent = "Maskline"

// messageSize is room for the headers of most messages.
const messageSize = 640

// Dialog is what our requests inside one dialog have in common. All of it is
// ours or what this same peer told us. RFC 3261 §12.
type Dialog struct {
	CallID    string
	LocalURI  string
	LocalTag  string
	RemoteURI string
	RemoteTag string // empty before the peer answered
	Target    string // Request-URI
	Routes    []string
}

// Draft is a request of ours. Append writes its fields and nothing else.
type Draft struct {
	Method      string
	Dialog      *Dialog
	Via         string // our address, "host:port"
	Transport   string // of Via: UDP, TCP, TLS; empty: UDP
	Branch      string
	CSeq        uint32
	MaxForwards int
	Contact     string     // our address; empty: no Contact
	Allow       bool       // say which methods we serve, and who we are
	Asserted    string     // URI for P-Asserted-Identity; empty: none
	Emergency   *Emergency // of an emergency call; nil otherwise
	Cause       int        // Q.850 cause; 0: none
	Extensions  Extensions
	Expires     string // seconds; empty: none
	Credentials string // line of ours that answers a challenge; empty: none
	SDP         []byte
	DTMF        *DTMF  // of an INFO; nil: none
	Text        []byte // of a MESSAGE, UTF-8; nil: none
}

// Append writes the request.
func (d *Draft) Append(dst []byte) []byte {
	g := d.Dialog
	dst = slices.Grow(dst, messageSize+len(d.SDP)+len(d.Text))
	dst = append(dst, d.Method...)
	dst = append(dst, ' ')
	dst = append(dst, g.Target...)
	dst = append(dst, " SIP/2.0\r\nVia: SIP/2.0/"...)
	dst = append(dst, cmp.Or(d.Transport, "UDP")...)
	dst = append(dst, ' ')
	dst = append(dst, d.Via...)
	dst = append(dst, ";rport;branch="...)
	dst = append(dst, d.Branch...)
	dst = append(dst, "\r\nMax-Forwards: "...)
	dst = strconv.AppendInt(dst, int64(d.MaxForwards), 10)
	for _, route := range g.Routes {
		dst = append(dst, "\r\nRoute: <"...)
		dst = append(dst, route...)
		dst = append(dst, '>')
	}
	dst = append(dst, "\r\nFrom: "...)
	if d.Emergency != nil && d.Emergency.display != "" {
		dst = append(dst, '"')
		dst = append(dst, d.Emergency.display...)
		dst = append(dst, `" `...)
	}
	dst = appendAddress(dst, g.LocalURI, g.LocalTag)
	dst = append(dst, "\r\nTo: "...)
	dst = appendAddress(dst, g.RemoteURI, g.RemoteTag)
	dst = append(dst, "\r\nCall-ID: "...)
	dst = append(dst, g.CallID...)
	dst = append(dst, "\r\nCSeq: "...)
	dst = strconv.AppendUint(dst, uint64(d.CSeq), 10)
	dst = append(dst, ' ')
	dst = append(dst, d.Method...)
	dst = append(dst, "\r\n"...)
	if d.Contact != "" {
		dst = appendContact(dst, d.Contact)
	}
	if d.Asserted != "" {
		dst = append(dst, "P-Asserted-Identity: <"...)
		dst = append(dst, d.Asserted...)
		dst = append(dst, ">\r\n"...)
	}
	if d.Emergency != nil {
		dst = append(dst, d.Emergency.lines...)
	}
	if d.Allow {
		dst = append(dst, "Allow: "+Allow+"\r\nUser-Agent: "+userAgent+"\r\n"...)
	}
	dst = appendCause(dst, d.Cause)
	if d.Expires != "" {
		dst = append(dst, "Expires: "...)
		dst = append(dst, d.Expires...)
		dst = append(dst, "\r\n"...)
	}
	dst = d.Extensions.append(dst)
	if d.Credentials != "" {
		dst = append(dst, d.Credentials...)
		dst = append(dst, "\r\n"...)
	}
	if d.DTMF != nil {
		return d.DTMF.appendBody(dst)
	}
	if d.Text != nil {
		return appendText(dst, d.Text)
	}
	if d.Emergency != nil && len(d.Emergency.location) > 0 {
		return appendLocated(dst, d.SDP, d.Emergency.location, d.Branch)
	}
	return appendBody(dst, d.SDP)
}

func appendAddress(dst []byte, uri, tag string) []byte {
	dst = append(dst, '<')
	dst = append(dst, uri...)
	dst = append(dst, '>')
	if tag != "" {
		dst = append(dst, ";tag="...)
		dst = append(dst, tag...)
	}
	return dst
}

// Reroute is a request of Append for another transport: its Via names that one.
// RFC 3261 §18.1.1.
func Reroute(request []byte, from, to string) []byte {
	return bytes.Replace(request, []byte("\r\nVia: SIP/2.0/"+from+" "), []byte("\r\nVia: SIP/2.0/"+to+" "), 1)
}
