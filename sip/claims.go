package sip

import (
	"net/netip"
	"slices"

	"go.uber.org/zap"
)

// claim leaves out of an answer what the configuration gives to others: who answers
// for one trunk's name must not become its neighbour by that.
func (r *resolver) claim(t *trunk, l *lookup) {
	refused := 0
	for i := range l.targets {
		one := &l.targets[i]
		one.addrs = slices.DeleteFunc(one.addrs, func(a netip.AddrPort) bool {
			taken := !t.holds(a.Addr()) && r.edge.set().matcher.givesToOthers(a.Addr(), t)
			if taken {
				refused++
			}
			return taken
		})
	}
	l.targets = slices.DeleteFunc(l.targets, func(one target) bool { return len(one.addrs) == 0 })
	if refused > 0 {
		t.state.metrics.claimsRefused.Add(float64(refused))
	}
	if t.state.claims.Swap(refused > 0) || refused == 0 {
		return
	}
	r.edge.log.Warn("the name of a trunk has addresses that the configuration gives to another neighbour; they are left out",
		zap.String("trunk", t.Name), zap.Int("addresses", refused))
}

// holds reports whether the configuration gives the trunk an address. Networks of
// everybody give nobody anything.
func (t *trunk) holds(addr netip.Addr) bool {
	return slices.ContainsFunc(t.allow, func(p netip.Prefix) bool { return p.Bits() > 0 && p.Contains(addr) })
}

// givesToOthers reports whether the configuration gives an address to a neighbour
// other than the trunk's, and lets it be known by that.
func (m *matcher) givesToOthers(addr netip.Addr, t *trunk) bool {
	for _, length := range m.lengths {
		p, err := addr.Prefix(length.bits)
		if err != nil || length.bits == 0 || length.is4 != addr.Is4() {
			continue
		}
		if slices.ContainsFunc(m.trunks[p], func(o *trunk) bool {
			return (o.Carrier != t.Carrier || o.Tenant != t.Tenant) && o.isPlain()
		}) {
			return true
		}
	}
	return false
}
