package numberdb

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

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
	ErrSIPMessage   = errors.New("a sip: endpoint takes no SMS; expected voice")
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

// Check refuses what no store may hold: it names what was expected, never a
// value.
func (b *Binding) Check() error {
	switch {
	case b.Mask == 0:
		return ErrNoMask
	case b.Present == 0:
		return ErrNoPresent
	case b.Services == 0 || b.Services&^(SMS|Voice) != 0:
		return ErrServices
	case b.To.Kind == Account && b.Services.Has(Voice):
		return ErrSMPPVoice
	case b.To.Kind == SIP && b.Services.Has(SMS):
		return ErrSIPMessage
	case b.Party.Canonical() == b.Mask.Canonical(),
		b.To.Kind == Tel && b.To.Number.Canonical() == b.Mask.Canonical():
		return ErrSelf
	case !b.Expires.IsZero() && !storable(b):
		return ErrExpiry
	case b.Tenant != "" && !isName(b.Tenant):
		return ErrTenant
	}
	if err := checkCarriers(b.Carriers); err != nil {
		return err
	}
	_, err := NewEndpoint(b.To.Kind, b.To.Value())
	return err
}

// storable: Postgres keeps microseconds, the table nanoseconds in an int64.
func storable(b *Binding) bool {
	year := b.Expires.UTC().Year()
	return year >= 1970 && year <= 2261 && b.Expires.Nanosecond()%1000 == 0
}

func checkCarriers(names []string) error {
	if len(names) > maxCarriers {
		return ErrCarriers
	}
	for i, name := range names {
		if !isName(name) || strings.Contains(name, "|") {
			return ErrCarriers
		}
		for _, earlier := range names[:i] {
			if earlier == name {
				return ErrCarriers
			}
		}
	}
	return nil
}

// isName accepts the names of carriers and tenants.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// visible accepts 1 to longest ASCII characters, without spaces.
func visible(s string, longest int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= longest
}

// sipAddress accepts USER@HOST[:PORT] (RFC 3261 §25.1, userinfo and hostport)
// without password, parameters and headers.
func sipAddress(s string) bool {
	user, host, found := strings.Cut(s, "@")
	return found && len(s) <= maxSIP && sipUser(user) && hostPort(host)
}

func sipUser(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case alphanumeric(c), strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return s != ""
}

func hostPort(s string) bool {
	host := s
	if end := strings.LastIndexByte(s, ':'); end > strings.LastIndexByte(s, ']') {
		host = s[:end]
		port := s[end+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && strings.HasSuffix(inner, "]") && addr.Is6() && addr.Zone() == ""
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if !hostLabel(label) {
			return false
		}
		last = label
	}
	// A name does not end in a number; an address must be a whole one.
	if last[0] >= '0' && last[0] <= '9' {
		addr, err := netip.ParseAddr(host)
		return err == nil && addr.Is4()
	}
	return true
}

func hostLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
