package sip

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// target is the addresses of one SRV record, and its place among the others.
type target struct {
	addrs    []netip.AddrPort // in the order of the answer
	tier     int              // place of the NAPTR record
	priority uint16
	weight   uint16
}

const (
	mostTried = 4 // addresses of a name, by one call
	shunFor   = 30 * time.Second
)

// before compares what weights have no say in.
func (t *target) before(o *target) int {
	return cmp.Or(cmp.Compare(t.tier, o.tier), cmp.Compare(t.priority, o.priority))
}

// order draws the order in which one call tries the targets: by NAPTR, by priority,
// within one by weight, and of a host every address. RFC 2782, RFC 3263 §4.2.
func order(targets []target, draw uint64) []netip.AddrPort {
	rest := slices.Clone(targets)
	slices.SortStableFunc(rest, func(a, b target) int { return a.before(&b) })
	var list []netip.AddrPort
	for len(rest) > 0 {
		same, sum := 0, uint64(0)
		for same < len(rest) && rest[same].before(&rest[0]) == 0 {
			sum += uint64(rest[same].weight)
			same++
		}
		draw = draw*6364136223846793005 + 1442695040888963407
		pick := (draw >> 33) % (sum + 1)
		chosen := 0
		for run := uint64(rest[0].weight); run < pick; run += uint64(rest[chosen].weight) {
			chosen++
		}
		if sum == 0 {
			chosen = int((draw >> 33) % uint64(same))
		}
		list = append(list, rest[chosen].addrs...)
		rest = slices.Delete(rest, chosen, chosen+1)
	}
	return list
}

// targets are the trunk's addresses in the order in which a call tries them. Those
// that failed of late come last.
func (t *trunk) targets(draw uint64, now time.Time) []netip.AddrPort {
	if t.name == "" {
		return []netip.AddrPort{t.addr}
	}
	known := t.resolved.Load()
	if known == nil {
		return nil
	}
	list := order(known.targets, draw)
	if len(list) > 1 {
		slices.SortStableFunc(list, func(a, b netip.AddrPort) int {
			return cmp.Compare(t.shunned(a, now), t.shunned(b, now))
		})
	}
	return list
}

// shun puts an address of a name behind the others for a while.
func (t *trunk) shun(addr netip.AddrPort, now time.Time) {
	if t.name == "" {
		return
	}
	t.state.shunning.Lock()
	defer t.state.shunning.Unlock()
	if t.state.shunned == nil || len(t.state.shunned) > 2*mostTargets {
		t.state.shunned = map[netip.AddrPort]time.Time{}
	}
	t.state.shunned[addr] = now.Add(shunFor)
}

// shunned is 1 for an address that failed of late.
func (t *trunk) shunned(addr netip.AddrPort, now time.Time) int {
	t.state.shunning.Lock()
	defer t.state.shunning.Unlock()
	if until, ok := t.state.shunned[addr]; ok && now.Before(until) {
		return 1
	}
	return 0
}
