package media

import (
	"math"
	"net/netip"
	"slices"
	"time"
	"unsafe"
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
	stranger  standing = iota
	returning          // as known, silent for long, with another port
	unproven           // nat mode may learn it
	former             // the latched one, heard again after signalling spoke
	near               // an admitted address, a port of its own
	exact              // as in SDP
	known              // the latched one
)

// latch decides whose packets a port takes and where it sends.
//
// It sends to the address of SDP from the start. It takes packets from that
// address only, or from a configured prefix; the port is learned from the
// first valid packet, unless the side is strict. An address is never learned but in nat mode. An exact
// match with SDP takes over from a merely near one at any time, so that who
// shares the peer's address cannot keep its port from it. Signalling alone
// opens the latch again; where it names the same address, the known source
// goes first for a second, so that nobody can use the moment.
type latch struct {
	expect   packed // SDP's
	source   packed // latched; none while open
	reopened uint32 // when signalling named expect again, in ms; 0: the source was heard since
	state    latchState
	follow   bool // we send to source, not to expect
	aimed    bool // the endpoint lets source in alone
}

// sources are the rules by which a side's two ports judge what comes. The prefixes
// are Remote.From, which nobody writes.
type sources struct {
	prefixes   *netip.Prefix
	count      uint16
	nat        bool
	asymmetric bool
	strict     bool // SDP's address and port alone
	datagrams  bool // it sends what is no RTP
	mux        bool // its RTCP shares the port of RTP
}

func sourcesOf(r *Remote) sources {
	return sources{
		prefixes: unsafe.SliceData(r.From), count: uint16(min(len(r.From), math.MaxUint16)),
		nat: r.NAT, asymmetric: r.Asymmetric, strict: r.Strict, datagrams: r.Datagrams, mux: r.Mux,
	}
}

func (s *sources) within(a netip.Addr) bool {
	return slices.ContainsFunc(unsafe.Slice(s.prefixes, s.count), func(p netip.Prefix) bool { return p.Contains(a) })
}

// reopen takes a new word of signalling. Where the address stays the same we
// go on sending to where the peer was found, until it is found elsewhere. Strict
// forgets what was learned otherwise.
func (l *latch) reopen(expect netip.AddrPort, strict bool, now time.Duration) {
	if at := pack(expect); at != l.expect || strict && l.source != at {
		*l = latch{expect: pack(expect)}
		return
	}
	l.aimed, l.reopened = false, milliseconds(now)
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
		return l.source.unpack()
	}
	return l.expect.unpack()
}

// judge looks at a source address and changes nothing. learned is an address
// already learned for the same side, or zero.
func (l *latch) judge(from netip.AddrPort, rules *sources, learned netip.Addr, now time.Duration) standing {
	switch {
	case rules.strict && !l.expect.holds(from):
		return stranger
	case l.state != latchOpen && l.source.holds(from):
		if l.reopened != 0 {
			return former
		}
		return known
	case l.state == latchStrict && l.reopened == 0:
		return stranger
	case l.expect.holds(from):
		return exact
	case l.closed(now):
		return stranger
	case l.expect.addr() == from.Addr() || rules.within(from.Addr()):
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
	at := pack(from)
	switch s {
	case exact:
		l.state, l.follow = latchStrict, true
	case near:
		l.state, l.follow = latchLoose, (rules.nat || at.ip == l.expect.ip) && !rules.asymmetric
	case unproven:
		l.state, l.follow = latchStrict, !rules.asymmetric
	case former: // as it was
	default:
		return
	}
	l.source, l.reopened = at, 0
}
