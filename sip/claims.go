package sip

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"
)

// claim leaves out of an answer what the configuration gives to others: who answers
// for one trunk's name must not become its neighbour by that.
func (r *resolver) claim(t *trunk, l *lookup) {
	kept, refused := r.untaken(t, l.targets)
	l.targets = kept
	if refused > 0 {
		t.state.metrics.claimsRefused.Add(float64(refused))
	}
	if t.state.claims.Swap(refused > 0) || refused == 0 {
		return
	}
	r.edge.log.Warn("the name of a trunk has addresses that the configuration gives to another neighbour; they are left out",
		zap.String("trunk", t.Name), zap.Int("addresses", refused))
}

// giveUp takes from what a name meant before what a reload has given to others since.
func (r *resolver) giveUp(t *trunk, old *resolution) {
	if old == nil {
		return
	}
	next := &resolution{sources: maps.Clone(old.sources), whole: old.whole}
	next.targets, _ = r.untaken(t, old.targets)
	maps.DeleteFunc(next.sources, func(a netip.Addr, _ time.Time) bool { return r.taken(t, a) })
	if len(next.sources) < len(old.sources) {
		t.resolved.Store(next)
	}
}

// untaken are the targets without the addresses of others, of which there were some.
func (r *resolver) untaken(t *trunk, targets []target) (kept []target, refused int) {
	for _, one := range targets {
		before := len(one.addrs)
		one.addrs = slices.DeleteFunc(slices.Clone(one.addrs), func(a netip.AddrPort) bool { return r.taken(t, a.Addr()) })
		if refused += before - len(one.addrs); len(one.addrs) > 0 {
			kept = append(kept, one)
		}
	}
	return kept, refused
}

// taken reports whether the configuration gives an address to others, and not to the
// trunk too.
func (r *resolver) taken(t *trunk, addr netip.Addr) bool {
	return !t.holds(addr) && r.edge.set().matcher.givesToOthers(addr, t)
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
