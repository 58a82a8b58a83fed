package sip

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"maskline/sip/naming"
)

const (
	mostServices = 4  // NAPTR records that are followed
	mostHosts    = 16 // SRV records of a name that are followed
	mostTargets  = 32 // addresses of a name that are kept
)

// lookup finds what the name of a trunk means. RFC 3263 §4.
type lookup struct {
	dns   Resolver
	trunk *trunk

	targets []target
	kept    int           // addresses in targets
	life    time.Duration // the shortest of all answers
	failed  error         // what did not get an answer
	begun   bool          // life is an answer's
}

// find asks. The transport is the trunk's own, whatever NAPTR prefers; a port leaves
// NAPTR and SRV out. RFC 3263 §4.1, §4.2.
func (l *lookup) find(ctx context.Context) {
	t := l.trunk
	if t.port != 0 {
		l.host(ctx, t.name, t.port, target{})
		return
	}
	told := false
	for tier, name := range l.services(ctx) {
		told = l.service(ctx, name, tier) || told
	}
	if told || len(l.targets) > 0 {
		return
	}
	if !l.service(ctx, t.over.service()+t.name, 0) {
		l.host(ctx, t.name, t.over.port(), target{})
	}
}

// service is what stands before the name in SRV.
func (o transport) service() string {
	if o == overTLS {
		return "_sips._tcp."
	}
	return "_sip._" + o.String() + "."
}

// naptr is the service of NAPTR. RFC 3263 §4.1.
func (o transport) naptr() string {
	return [...]string{overUDP: "SIP+D2U", overTCP: "SIP+D2T", overTLS: "SIPS+D2T"}[o]
}

// services are the names that NAPTR has SRV looked up at: those for the trunk's
// transport of the lowest order, by preference. RFC 3403 §4.1.
func (l *lookup) services(ctx context.Context) (names []string) {
	all, life, err := l.dns.NAPTR(ctx, l.trunk.name)
	l.took(life, err)
	all = slices.DeleteFunc(slices.Clone(all), func(n naming.NAPTR) bool {
		return n.Service != l.trunk.over.naptr() || n.Flags != "S"
	})
	slices.SortStableFunc(all, func(a, b naming.NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	for _, n := range all {
		if n.Order == all[0].Order && len(names) < mostServices {
			names = append(names, n.Replacement)
		}
	}
	return names
}

// service follows the SRV records of a name. It reports whether there are any, or
// may be: then the name's own addresses are not its servers. RFC 2782.
func (l *lookup) service(ctx context.Context, name string, tier int) bool {
	all, life, err := l.dns.SRV(ctx, name)
	l.took(life, err)
	if err != nil {
		return true
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b naming.SRV) int { return cmp.Compare(a.Priority, b.Priority) })
	for _, srv := range all[:min(len(all), mostHosts)] {
		if srv.Target != "." && srv.Port != 0 { // the service is not there
			l.host(ctx, srv.Target, srv.Port, target{tier: tier, priority: srv.Priority, weight: srv.Weight})
		}
	}
	return len(all) > 0
}

// host adds a target of all addresses of a host that a socket of ours can send to,
// those first that the trunk's own socket can.
func (l *lookup) host(ctx context.Context, host string, port uint16, like target) {
	t := l.trunk
	network := "ip6"
	switch {
	case t.other != nil:
		network = "ip"
	case t.is4:
		network = "ip4"
	}
	found, life, err := l.dns.Addrs(ctx, network, host)
	l.took(life, err)
	for _, addr := range found {
		addr = addr.Unmap()
		if addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() || !t.reaches(addr) || l.kept == mostTargets {
			continue
		}
		l.kept++
		like.addrs = append(like.addrs, netip.AddrPortFrom(addr, port))
	}
	slices.SortStableFunc(like.addrs, func(a, b netip.AddrPort) int {
		return cmp.Compare(t.preference(a.Addr()), t.preference(b.Addr()))
	})
	if len(like.addrs) > 0 {
		l.targets = append(l.targets, like)
	}
}

// preference puts the IP version of the trunk's own socket first.
func (t *trunk) preference(addr netip.Addr) int {
	if addr.Is4() == t.is4 {
		return 0
	}
	return 1
}

// took notes what one question came to.
func (l *lookup) took(life time.Duration, err error) {
	switch {
	case err != nil:
		l.failed = cmp.Or(l.failed, err)
	case !l.begun:
		l.life, l.begun = life, true
	default:
		l.life = min(l.life, life)
	}
}
