package numberdb

import (
	"errors"
	"strings"

	"maskline/e164"
)

// Faults of an endpoint or binding. They never hold the text that was refused.
var (
	ErrEndpoint     = errors.New("expected tel:NUMBER, smpp:ACCOUNT or sip:USER@HOST[:PORT]")
	ErrTel          = errors.New("expected tel: and 7 to 15 digits, with or without +")
	ErrAccount      = errors.New("expected smpp: and a system_id of 1 to 15 printable characters")
	ErrSIP          = errors.New("expected sip: and USER@HOST or USER@HOST:PORT, without parameters")
	ErrNotDelivered = errors.New("webhook: and voicemail: are not delivered by this version; expected tel:, smpp: or sip: instead")
	ErrSMPPVoice    = errors.New("an smpp: endpoint takes no calls; expected sms")
	ErrServices     = errors.New("expected sms, voice or sms+voice")
	ErrNoMask       = errors.New("a binding needs a mask")
	ErrNoPresent    = errors.New("a binding needs the number that is presented")
	ErrSelf         = errors.New("a mask cannot be its own party or destination")
	ErrExpiry       = errors.New("expected a time from 1970 to 2261, to the microsecond at most")
	ErrCarriers     = errors.New("expected at most 32 names of carriers, none empty, none twice")
	ErrTenant       = errors.New("expected a tenant's name of at most 64 printable characters")
)

const (
	maxAccount  = 15  // SMPP 3.4 §5.2.1: 16 octets with the final NUL
	maxSIP      = 255 // user, host and port together
	maxName     = 64
	maxCarriers = 32
)

// String is the scheme of the kind's text form.
func (k EndpointKind) String() string {
	switch k {
	case Tel:
		return "tel"
	case Account:
		return "smpp"
	case SIP:
		return "sip"
	default:
		return "none"
	}
}

// ParseEndpointKind reads what EndpointKind.String writes.
func ParseEndpointKind(s string) (EndpointKind, error) {
	for _, k := range []EndpointKind{Tel, Account, SIP} {
		if s == k.String() {
			return k, nil
		}
	}
	return NoEndpoint, ErrEndpoint
}

// ParseServices reads what Services.String writes.
func ParseServices(s string) (Services, error) {
	for _, set := range []Services{SMS, Voice, SMS | Voice} {
		if s == set.String() {
			return set, nil
		}
	}
	return 0, ErrServices
}

// ParseEndpoint reads the text form: tel:, smpp: or sip:.
func ParseEndpoint(s string) (Endpoint, error) {
	scheme, value, found := strings.Cut(s, ":")
	if !found {
		return Endpoint{}, ErrEndpoint
	}
	if scheme == "webhook" || scheme == "voicemail" {
		return Endpoint{}, ErrNotDelivered
	}
	kind, err := ParseEndpointKind(scheme)
	if err != nil {
		return Endpoint{}, err
	}
	return NewEndpoint(kind, value)
}

// NewEndpoint makes an endpoint of its kind and of what follows the scheme in
// its text form.
func NewEndpoint(kind EndpointKind, value string) (Endpoint, error) {
	switch kind {
	case Tel:
		n, err := e164.Parse(value)
		if err != nil {
			return Endpoint{}, ErrTel
		}
		return Endpoint{Kind: Tel, Number: n}, nil
	case Account:
		if !visible(value, maxAccount) {
			return Endpoint{}, ErrAccount
		}
		return Endpoint{Kind: Account, Name: value}, nil
	case SIP:
		if !sipAddress(value) {
			return Endpoint{}, ErrSIP
		}
		return Endpoint{Kind: SIP, Name: value}, nil
	default:
		return Endpoint{}, ErrEndpoint
	}
}

// Value is what follows the scheme in the text form, with the whole number; it
// must not reach a log, metric or error.
func (e Endpoint) Value() string {
	if e.Kind == Tel {
		return e.Number.Reveal()
	}
	return e.Name
}

// Reveal is the text form with the whole number. Like e164.Number.Reveal it
// must not reach a log, metric or error.
func (e Endpoint) Reveal() string {
	if e.Kind == NoEndpoint {
		return ""
	}
	return e.Kind.String() + ":" + e.Value()
}

// String is the text form, redacted: a SIP user is often a number.
func (e Endpoint) String() string {
	switch e.Kind {
	case Tel:
		return "tel:" + e.Number.String()
	case SIP:
		_, host, _ := strings.Cut(e.Name, "@")
		return "sip:…@" + e164.Redact(host)
	default:
		return e.Kind.String() + ":" + e164.Redact(e.Name)
	}
}

// MarshalText is the redacted form.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }
