package numberdb

import (
	"time"

	"maskline/e164"
)

// Binding says where a contact of Party to Mask goes. Mask and Party are the
// key and come back in canonical form; To and Present stay as they were given.
type Binding struct {
	Mask     e164.Number
	Party    e164.Number // none: the public binding, for every party without its own
	To       Endpoint
	Present  e164.Number // what the endpoint sees as the sender or caller
	Services Services
	Carriers []string  // in order of preference; empty: routing decides. Read-only
	Expires  time.Time // zero: never
	Tenant   string    // empty: the operator's own

	// Of a session's bindings.
	Session ID          // none: bound by hand
	Second  e164.Number // presented where no carrier may present Present; none: there is none
	Counted bool        // the session counts contacts: it has an idle time or a number of uses
	Keep    time.Time   // until then the mask is not shown to the party again; the row stays. The table does not hold it
}

// Live reports whether the binding has not expired at now.
func (b *Binding) Live(now time.Time) bool {
	return b.Expires.IsZero() || now.Before(b.Expires)
}

// Services is the set of services that a binding carries.
type Services uint8

// The services.
const (
	SMS Services = 1 << iota
	Voice
)

// Has reports whether all of s is in the set.
func (set Services) Has(s Services) bool { return set&s == s }

// String is the form of the CSV: "sms", "voice" or "sms+voice".
func (set Services) String() string {
	switch set {
	case SMS:
		return "sms"
	case Voice:
		return "voice"
	case SMS | Voice:
		return "sms+voice"
	default:
		return "none"
	}
}

// EndpointKind is the way in which an endpoint is reached.
type EndpointKind uint8

// The kinds of endpoint.
const (
	NoEndpoint EndpointKind = iota
	Tel                     // a number, through carriers
	Account                 // an SMPP account's binds
	SIP                     // a tenant's own SIP peer
)

// Endpoint is the real end of a binding.
type Endpoint struct {
	Kind   EndpointKind
	Number e164.Number // of Tel
	Name   string      // of Account the system_id, of SIP "user@host:port"
}

// Change is one committed change of a binding.
type Change struct {
	Binding Binding // only Mask and Party matter where Deleted
	Deleted bool
}
