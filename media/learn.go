package media

import "net/netip"

const (
	learnPackets    = 8  // valid packets in sequence that prove an address
	learnStep       = 16 // largest step in sequence numbers that still counts as in sequence
	learnCandidates = 4
)

// learner proves source addresses in nat mode: version 2, a negotiated payload
// type, one SSRC and rising sequence numbers, eight times in a row.
type learner struct {
	candidates [learnCandidates]candidate
}

type candidate struct {
	from netip.AddrPort
	ssrc uint32
	seq  uint16
	seen uint8 // 0: the place is free
}

// valid counts a valid packet and reports whether its source is proven by it.
func (l *learner) valid(from netip.AddrPort, ssrc uint32, seq uint16) bool {
	c := l.candidate(from)
	if step := seq - c.seq; c.seen == 0 || c.from != from || c.ssrc != ssrc || step == 0 || step > learnStep {
		*c = candidate{from: from}
	}
	c.ssrc, c.seq, c.seen = ssrc, seq, c.seen+1
	return c.seen >= learnPackets
}

// invalid forgets a source that sent something else in between.
func (l *learner) invalid(from netip.AddrPort) {
	if c := l.candidate(from); c.from == from {
		*c = candidate{}
	}
}

// candidate finds the place of a source: its own, else the least advanced, so
// that many newcomers cannot push out who is about to be proven.
func (l *learner) candidate(from netip.AddrPort) *candidate {
	least := &l.candidates[0]
	for i := range l.candidates {
		c := &l.candidates[i]
		if c.seen > 0 && c.from == from {
			return c
		}
		if c.seen < least.seen {
			least = c
		}
	}
	return least
}
