package media

import (
	"net/netip"
	"slices"
)

// latchState is how sure a port is of its peer's source address.
type latchState uint8

const (
	latchOpen   latchState = iota // no packet since the last word of signalling
	latchLoose                    // an admitted address with another port; the one of SDP may still take over
	latchStrict                   // one address, all else is a stranger
)

// standing is what the latch makes of a source address.
type standing uint8

const (
	stranger standing = iota
	unproven          // nat mode may learn it
	former            // learned by nat mode before signalling spoke again, with the same SDP
	near              // an admitted address, a port of its own
	exact             // as in SDP
	known             // the latched one
)

// latch decides whose packets a port takes and where it sends.
//
// It sends to the address of SDP from the start. It takes packets from that
// address only, or from a configured prefix; the port is learned from the
// first valid packet. An address is never learned but in nat mode. An exact
// match with SDP takes over from a merely near one at any time, so that who
// shares the peer's address cannot keep its port from it. Signalling alone
// opens the latch again.
type latch struct {
	expect netip.AddrPort // SDP's; zero: none
	source netip.AddrPort // latched; while open: the one before, or zero
	state  latchState
	follow bool // we send to source, not to expect
}

// sources are the rules by which a side's two ports judge.
type sources struct {
	from       []netip.Prefix
	nat        bool
	asymmetric bool
}

func (s *sources) within(a netip.Addr) bool {
	return slices.ContainsFunc(s.from, func(p netip.Prefix) bool { return p.Contains(a) })
}

// reopen takes a new word of signalling. Where the address stays the same we
// go on sending to where the peer was found, until it is found elsewhere.
func (l *latch) reopen(expect netip.AddrPort) {
	if expect != l.expect {
		*l = latch{expect: expect}
	}
	l.state = latchOpen
}

// target is where packets for the peer go; zero: nowhere yet.
func (l *latch) target() netip.AddrPort {
	if l.follow {
		return l.source
	}
	return l.expect
}

// judge looks at a source address and changes nothing. learned is an address
// already learned for the same side, or zero.
func (l *latch) judge(from netip.AddrPort, rules *sources, learned netip.Addr) standing {
	switch {
	case l.state != latchOpen && from == l.source:
		return known
	case l.state == latchStrict:
		return stranger
	case from == l.expect:
		return exact
	case l.state == latchLoose:
		return stranger
	case from.Addr() == l.expect.Addr() || rules.within(from.Addr()):
		return near
	case !rules.nat:
		return stranger
	case from.Addr() == learned:
		return near
	case from == l.source:
		return former
	default:
		return unproven
	}
}

// settle latches the source of a valid packet. An unproven one must have been
// proven by then.
func (l *latch) settle(from netip.AddrPort, s standing, rules *sources) {
	switch s {
	case exact:
		l.state, l.follow = latchStrict, true
	case near:
		l.state, l.follow = latchLoose, (rules.nat || from.Addr() == l.expect.Addr()) && !rules.asymmetric
	case former, unproven:
		l.state, l.follow = latchStrict, !rules.asymmetric
	default:
		return
	}
	l.source = from
}
