package message

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// param finds a parameter whatever the case of its name and the white space
// around it; both are kept by the parser.
func param(params sip.HeaderParams, name string) string {
	for _, kv := range params {
		if strings.EqualFold(strings.TrimSpace(kv.K), name) {
			return strings.TrimSpace(kv.V)
		}
	}
	return ""
}

func hasParam(params sip.HeaderParams, name string) bool {
	for _, kv := range params {
		if strings.EqualFold(strings.TrimSpace(kv.K), name) {
			return true
		}
	}
	return false
}

func isSIP(u *sip.Uri) bool { return u.Scheme == "sip" && u.Host != "" && !u.Wildcard }

func uriText(u *sip.Uri) string { return u.String() }

// uriAddr is the address of a URI whose host is a literal. Names are not
// resolved: they came from the wire.
func uriAddr(u *sip.Uri) netip.AddrPort {
	addr, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil || addr.Zone() != "" {
		return netip.AddrPort{}
	}
	port := u.Port
	if port <= 0 || port > 65535 {
		port = sip.DefaultUdpPort
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port))
}

// unescape resolves %XX. RFC 3261 §19.1.2.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi > 15 || lo > 15 {
			return "", false
		}
		out = append(out, hi<<4|lo)
		i += 2
	}
	return string(out), true
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	default:
		return 255
	}
}

// appendEscaped writes the user part of a URI. RFC 3261 §25.1.
func appendEscaped(dst []byte, user string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(user) {
		c := user[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', isDigit(c), strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
