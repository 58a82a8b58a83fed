package numberdb

import (
	"net/netip"
	"strconv"
	"strings"
)

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
