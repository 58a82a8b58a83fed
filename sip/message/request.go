package message

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Methods that are more than a name to us.
const (
	Invite  = "INVITE"
	Ack     = "ACK"
	Cancel  = "CANCEL"
	Bye     = "BYE"
	Options = "OPTIONS"
	Prack   = "PRACK"
	Update  = "UPDATE"
	Info    = "INFO"
)

// Request is a received request, checked. Its texts come from the wire: they
// go back to who sent them, and nowhere else.
type Request struct {
	Method      string
	Source      netip.AddrPort
	Conn        uint64   // number of the connection that it came over; 0: a datagram
	Trunk       string   // name of the trunk that it came from
	Names       []string // of the certificate that its connection showed us
	Branch      string   // of the top Via
	CallID      string
	FromTag     string
	ToTag       string // empty outside a dialog
	CSeq        uint32
	MaxForwards int    // 70 where absent
	Body        []byte // of an INVITE: the session description

	location []part
	msg      *sip.Request
}

// defaultMaxForwards is what we start with. RFC 3261 §8.1.1.6.
const defaultMaxForwards = 70

// NewRequest checks what the parser made of a datagram from source. Where it
// returns a fault with a code, the request beside it holds what is needed for
// the answer.
func NewRequest(msg *sip.Request, source netip.AddrPort) (*Request, *Fault) {
	r := &Request{Method: string(msg.Method), Source: source, MaxForwards: defaultMaxForwards, msg: msg}
	if via := msg.Via(); via != nil {
		r.Branch = param(via.Params, "branch")
	}
	if h := msg.CallID(); h != nil {
		r.CallID = string(*h)
	}
	if h := msg.From(); h != nil {
		r.FromTag = param(h.Params, "tag")
	}
	if h := msg.To(); h != nil {
		r.ToTag = param(h.Params, "tag")
	}
	if h := msg.CSeq(); h != nil {
		r.CSeq = h.SeqNo
	}
	if h := msg.MaxForwards(); h != nil {
		r.MaxForwards = int(min(uint32(*h), 255))
	}
	r.Body = msg.Body()
	return r, r.check()
}

// Locates reports whether the body says where the caller is, and the caller
// insists that it be carried on.
func (r *Request) Locates() bool { return len(r.location) > 0 }

// SentBy is the host and port of the top Via.
func (r *Request) SentBy() string {
	if via := r.msg.Via(); via != nil {
		return via.SentBy()
	}
	return ""
}

// ReplyTo is where answers go. RFC 3261 §18.2.2, RFC 3581 §4; maddr is not
// followed, since it would send our answer to a third party. Over a stream it is
// where a new connection is made to if that of the request is gone.
func (r *Request) ReplyTo() netip.AddrPort {
	via := r.msg.Via()
	if via == nil || r.Conn == 0 && hasParam(via.Params, "rport") {
		return r.Source
	}
	port := via.Port
	switch {
	case port > 0 && port <= 65535:
	case r.Conn != 0 && strings.EqualFold(via.Transport, "TLS"):
		port = sip.DefaultTlsPort
	default:
		port = sip.DefaultUdpPort
	}
	return netip.AddrPortFrom(r.Source.Addr(), uint16(port))
}

// Branches calls f with the branch of each Via but the top one, until it
// returns false: a loop shows there.
func (r *Request) Branches(f func(branch string) bool) {
	for _, h := range r.msg.Headers() {
		if via, ok := h.(*sip.ViaHeader); ok && !f(param(via.Params, "branch")) {
			return
		}
	}
}

// Peer is what requests inside a dialog are addressed with: the other side's
// Contact and route set. RFC 3261 §12.1.
type Peer struct {
	Target string         // URI of the Contact; empty where there is none
	Routes []string       // in the order in which our requests carry them
	Next   netip.AddrPort // next hop by its literal address; invalid where it is a name
	NoPort bool           // Next's port is the default of UDP and TCP, since the URI has none
}

// Peer is the sender of the request.
func (r *Request) Peer() Peer {
	return peerOf(r.msg.Contact(), r.msg.GetHeaders("record-route"), false)
}

func peerOf(contact *sip.ContactHeader, recordRoutes []sip.Header, reversed bool) Peer {
	var p Peer
	if contact != nil && isSIP(&contact.Address) {
		u := contact.Address
		u.Headers = nil
		p.Target = u.String()
		p.Next, p.NoPort = uriAddr(&u), u.Port <= 0
	}
	for i := range recordRoutes {
		at := i
		if reversed {
			at = len(recordRoutes) - 1 - i
		}
		rr, ok := recordRoutes[at].(*sip.RecordRouteHeader)
		if !ok || !isSIP(&rr.Address) {
			continue
		}
		if len(p.Routes) == 0 {
			p.Next, p.NoPort = uriAddr(&rr.Address), rr.Address.Port <= 0
		}
		p.Routes = append(p.Routes, rr.Address.String())
	}
	return p
}

// FromURI is the URI of From, as the sender writes it.
func (r *Request) FromURI() string { return uriText(&r.msg.From().Address) }

// ToURI is the URI of To, as the sender writes it.
func (r *Request) ToURI() string { return uriText(&r.msg.To().Address) }
