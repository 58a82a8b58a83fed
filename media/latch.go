package media

import (
	"net/netip"
	"slices"
	"time"
)

// relearnAfter is how long, after signalling has named the same address again,
// a port waits for the source that it knew before it takes another.
const relearnAfter = time.Second

// latchState is how sure a port is of its peer's source address.
type latchState uint8

const (
	latchOpen   latchState = iota // no packet yet
	latchLoose                    // an admitted address with another port; the one of SDP may still take over
	latchStrict                   // one address, all else is a stranger
)

// standing is what the latch makes of a source address.
type standing uint8

const (
	stranger standing = iota
	unproven          // nat mode may learn it
	former            // the latched one, heard again after signalling spoke
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
// opens the latch again; where it names the same address, the known source
// goes first for a second, so that nobody can use the moment.
type latch struct {
	expect   netip.AddrPort // SDP's; zero: none
	source   netip.AddrPort // latched; zero while open
	reopened uint32         // when signalling named expect again, in ms; 0: the source was heard since
	state    latchState
	follow   bool // we send to source, not to expect
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
func (l *latch) reopen(expect netip.AddrPort, now time.Duration) {
	if expect != l.expect {
		*l = latch{expect: expect}
		return
	}
	l.reopened = milliseconds(now)
}

// milliseconds is never zero; differences hold across its wrap.
func milliseconds(t time.Duration) uint32 { return uint32(t/time.Millisecond) | 1 }

// closed reports whether only the latched source and SDP's count now.
func (l *latch) closed(now time.Duration) bool {
	return l.state != latchOpen && (l.reopened == 0 || milliseconds(now)-l.reopened < uint32(relearnAfter/time.Millisecond))
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
func (l *latch) judge(from netip.AddrPort, rules *sources, learned netip.Addr, now time.Duration) standing {
	switch {
	case l.state != latchOpen && from == l.source:
		if l.reopened != 0 {
			return former
		}
		return known
	case l.state == latchStrict && l.reopened == 0:
		return stranger
	case from == l.expect:
		return exact
	case l.closed(now):
		return stranger
	case from.Addr() == l.expect.Addr() || rules.within(from.Addr()):
		return near
	case !rules.nat:
		return stranger
	case from.Addr() == learned:
		return near
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
	case unproven:
		l.state, l.follow = latchStrict, !rules.asymmetric
	case former: // as it was
	default:
		return
	}
	l.source, l.reopened = from, 0
}
