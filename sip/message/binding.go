package message

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Register is the method that tells a registrar where we are. RFC 3261 §10.
const Register = "REGISTER"

// Granted is how long a registrar keeps the binding of our Contact with this
// user; 0 where it has none. It is the contact's own expires, else that of the
// whole answer. RFC 3261 §10.2.4.
func (r *Response) Granted(user string) time.Duration {
	for _, h := range r.msg.Headers() {
		if name := h.Name(); !strings.EqualFold(name, "contact") && !strings.EqualFold(name, "m") {
			continue
		}
		for _, value := range splitAddresses(h.Value()) {
			var u sip.Uri
			var params sip.HeaderParams
			if _, err := sip.ParseAddressValue(value, &u, &params); err != nil || u.User != user {
				continue
			}
			if expires := param(params, "expires"); expires != "" {
				return seconds(expires)
			}
			return r.interval("expires")
		}
	}
	return 0
}

// MinExpires is the shortest life that a registrar grants, of a 423; 0: not said.
func (r *Response) MinExpires() time.Duration { return r.interval("min-expires") }

func (r *Response) interval(name string) time.Duration {
	for _, h := range r.msg.Headers() {
		if strings.EqualFold(h.Name(), name) {
			return seconds(h.Value())
		}
	}
	return 0
}

// Target is the user part of the Request-URI: for a request to a contact that we
// registered, that of the contact.
func (r *Request) Target() string { return r.msg.Recipient.User }

// Retarget takes To for whom the request is for: the Request-URI of one to a
// registered contact names the contact alone.
func (r *Request) Retarget() { r.msg.Recipient = r.msg.To().Address }
