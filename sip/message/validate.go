package message

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// magic starts every branch of RFC 3261 §8.1.1.7.
const magic = "z9hG4bK"

// check holds a request against RFC 3261 §8.2 and §16.3: first what every
// answer needs, then what each method asks for.
func (r *Request) check() *Fault {
	n := countHeaders(r.msg.Headers())
	if f := n.check(); f != nil {
		return f
	}
	if f := checkVias(r.msg.Headers()); f != nil {
		return f
	}
	if r.msg.SipVersion != "SIP/2.0" {
		return fault(505, "version")
	}
	cseq := strings.TrimSpace(string(r.msg.CSeq().MethodName))
	switch {
	case cseq != r.Method:
		return fault(400, "cseq_method")
	case r.FromTag == "":
		return fault(400, "no_from_tag")
	case !strings.HasPrefix(r.Branch, magic) || len(r.Branch) == len(magic):
		return fault(400, "branch")
	}
	if r.Method == Ack || r.Method == Cancel {
		return nil // both are about an INVITE that was checked
	}
	return r.checkPurpose(&n)
}

func (r *Request) checkPurpose(n *headerCount) *Fault {
	if f := checkScheme(&r.msg.Recipient); f != nil {
		return f
	}
	if tags := r.required(); tags != "" {
		return &Fault{Code: 420, Name: "extension", Header: "Unsupported: " + tags}
	}
	if r.Method != Invite && r.Method != Update && r.Method != Message {
		return nil
	}
	if r.MaxForwards == 0 {
		return fault(483, "max_forwards")
	}
	if r.Method == Message {
		return nil // Text checks its body
	}
	contact := r.msg.Contact()
	if n.contact != 1 || contact == nil || !isSIP(&contact.Address) {
		return fault(400, "contact")
	}
	for _, h := range r.msg.Headers() {
		if rr, ok := h.(*sip.RecordRouteHeader); ok && !isSIP(&rr.Address) {
			return fault(400, "record_route")
		}
	}
	c, f := readContent(r.msg)
	r.Body, r.location = c.sdp, c.location
	return f
}

// headerCount tells missing and repeated headers.
type headerCount struct {
	to, from, callID, cseq, via, maxForwards, contentLength, contact int
}

func countHeaders(all []sip.Header) headerCount {
	var n headerCount
	for _, h := range all {
		switch h.(type) {
		case *sip.ToHeader:
			n.to++
		case *sip.FromHeader:
			n.from++
		case *sip.CallIDHeader:
			n.callID++
		case *sip.CSeqHeader:
			n.cseq++
		case *sip.ViaHeader:
			n.via++
		case *sip.MaxForwardsHeader:
			n.maxForwards++
		case *sip.ContentLengthHeader:
			n.contentLength++
		case *sip.ContactHeader:
			n.contact++
		}
	}
	return n
}

func (n *headerCount) check() *Fault {
	switch {
	case n.via == 0:
		return fault(0, "no_via") // nowhere to send an answer
	case n.to == 0:
		return fault(400, "no_to")
	case n.from == 0:
		return fault(400, "no_from")
	case n.callID == 0:
		return fault(400, "no_call_id")
	case n.cseq == 0:
		return fault(400, "no_cseq")
	case n.to > 1 || n.from > 1 || n.callID > 1 || n.cseq > 1 || n.maxForwards > 1:
		return fault(400, "repeated_header")
	case n.contentLength > 1:
		return fault(400, "repeated_content_length")
	}
	return nil
}

// checkVias accepts the hosts that sipgo's parser took for one: letters,
// digits and what addresses hold, no comma.
func checkVias(all []sip.Header) *Fault {
	for _, h := range all {
		via, ok := h.(*sip.ViaHeader)
		if !ok {
			continue
		}
		if via.Host == "" || via.Port < 0 || via.Port > 65535 {
			return fault(400, "via")
		}
		for _, c := range []byte(via.Host) {
			if !isLetter(c) && !isDigit(c) && strings.IndexByte(".-:_[]", c) < 0 {
				return fault(400, "via")
			}
		}
	}
	return nil
}

// checkScheme accepts what can name a called number. RFC 3261 §8.2.2.1; sips
// would promise a protection that a datagram has not.
func checkScheme(u *sip.Uri) *Fault {
	switch u.Scheme {
	case "sip":
		if u.Host == "" || len(u.Headers) > 0 { // RFC 3261 §19.1.1: no headers in a Request-URI
			return fault(400, "request_uri")
		}
		if _, ok := unescape(u.User); !ok {
			return fault(400, "request_uri")
		}
		return nil
	case "tel":
		return nil
	case "urn":
		if isSOS(u) {
			return nil
		}
	}
	return fault(416, "scheme")
}

// required lists the option tags that the sender insists on and that we don't
// know. RFC 3261 §8.2.2.3.
func (r *Request) required() string {
	var tags []string
	for _, h := range r.msg.Headers() {
		name := h.Name()
		if !strings.EqualFold(name, "require") && !strings.EqualFold(name, "proxy-require") {
			continue
		}
		for tag := range strings.SplitSeq(h.Value(), ",") {
			tag = strings.TrimSpace(tag)
			if known := optionOf(tag); known != 0 && strings.EqualFold(name, "require") {
				continue // the call decides
			}
			if isTokenText(tag) {
				tags = append(tags, tag)
			}
		}
	}
	return strings.Join(tags, ", ")
}

func isTokenText(s string) bool {
	for i := range len(s) {
		if !isToken(s[i]) {
			return false
		}
	}
	return s != ""
}
