package webhook

import (
	"errors"
	"net/netip"
)

// errAddress says that an address may not be posted to. It does not say which.
var errAddress = errors.New("the address is private, local or special, and not among api.webhooks.allow_private")

// special are the networks that are not of the public internet, or lead into
// another one. IANA special-purpose address registries, RFC 6890.
func special() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8",        // this network
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // shared by carriers, RFC 6598
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // a cloud's agent of its hosts, in the public range
		"169.254.0.0/16",   // link-local, and the metadata of clouds
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments
		"192.0.2.0/24",     // documentation
		"192.31.196.0/24",  // AS112
		"192.52.193.0/24",  // AMT
		"192.88.99.0/24",   // relays of 6to4
		"192.168.0.0/16",   // private
		"192.175.48.0/24",  // AS112
		"198.18.0.0/15",    // benchmarks
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, and broadcast
		"2001::/23",        // protocol assignments, Teredo
		"2001:db8::/32",    // documentation
		"2002::/16",        // 6to4: an IPv4 address within
		"2620:4f:8000::/48",
		"3fff::/20", // documentation
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// addresses says which may be posted to.
type addresses struct {
	special []netip.Prefix
	allowed []netip.Prefix // though they are special
	global  netip.Prefix   // of IPv6, everything else is special
	nat64   netip.Prefix   // an IPv4 address within, RFC 6052
}

func newAddresses(allowed []netip.Prefix) *addresses {
	a := &addresses{special: special(), global: netip.MustParsePrefix("2000::/3"), nat64: netip.MustParsePrefix("64:ff9b::/96")}
	for _, p := range allowed {
		a.allowed = append(a.allowed, netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-unmapped(p.Addr())).Masked())
	}
	return a
}

// unmapped is how many bits of a prefix go with Unmap.
func unmapped(a netip.Addr) int {
	if a.Is4In6() {
		return 96
	}
	return 0
}

// isAllowed reports whether the operator has named the address.
func (a *addresses) isAllowed(addr netip.Addr) bool { return in(a.allowed, addr.Unmap()) }

// check refuses what may not be posted to.
func (a *addresses) check(addr netip.Addr) error {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid() || addr.Zone() != "":
		return errAddress
	case a.isAllowed(addr):
		return nil
	case a.nat64.Contains(addr):
		whole := addr.As16()
		return a.check(netip.AddrFrom4([4]byte(whole[12:])))
	case addr.Is6() && !a.global.Contains(addr), in(a.special, addr):
		return errAddress
	}
	return nil
}

func in(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
