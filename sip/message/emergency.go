package message

import "strings"

// Emergency is what an emergency call carries on unmasked: who really calls,
// what was dialled, and where the caller is. It is made only for plans that
// routing flags as emergency, out on the trunk that takes them.
type Emergency struct {
	Callee string // Request-URI and To: as dialled, at the trunk's host unless it is a URN
	Caller string // From: the caller's own user part, at our host

	display  string
	lines    []byte // P-Asserted-Identity and location headers, as they came
	location []part // of the body
}

// carried are the headers that go on as they came. RFC 6442, RFC 7315 §5.4.
func carried(name string) bool {
	for _, h := range [...]string{"p-asserted-identity", "geolocation", "geolocation-routing", "p-access-network-info"} {
		if strings.EqualFold(name, h) {
			return true
		}
	}
	return false
}

// Emergency takes the true caller, the dialled string and the location out of
// the request. host is the trunk's "host:port", own ours.
func (r *Request) Emergency(host, own string) *Emergency {
	e := &Emergency{location: r.location}
	u := r.msg.Recipient
	if u.Scheme == "urn" {
		e.Callee = u.String()
	} else {
		e.Callee = "sip:" + string(appendEscaped(nil, r.Dialled())) + "@" + host
	}
	from := r.msg.From()
	e.display = from.DisplayName
	if user, _ := userText(&from.Address); user != "" {
		e.Caller = "sip:" + string(appendEscaped(nil, user)) + "@" + own
	} else {
		e.Caller = anonymous
	}
	for _, h := range r.msg.Headers() {
		if carried(h.Name()) {
			e.lines = append(e.lines, h.Name()+": "+h.Value()+"\r\n"...)
		}
	}
	return e
}
