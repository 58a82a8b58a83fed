package media

import (
	"encoding/binary"
	"net/netip"
)

// leastDatagram is UDPTL's sequence number and the length of a packet. // T.38 §9.1
const leastDatagram = 3

// relayDatagram judges the source and the size of what is no RTP, and sends it on
// unchanged and unread.
func (p *port) relayDatagram(b []byte, from netip.AddrPort, w *work) Drop {
	s := p.session
	in, out := &s.sides[p.side], &s.sides[p.side.other()]
	who, d := p.judge(from, in, netip.Addr{}, w.now)
	if d != Relayed {
		return d
	}
	if len(b) < leastDatagram || len(b) > maxPacket {
		return DropSize
	}
	if who == unproven && !in.seldom.learner.valid(from, 0, binary.BigEndian.Uint16(b)) { // T.38 §9.1.2: it counts up
		return DropLearning
	}
	p.settle(from, who, in)
	s.quiet.last = w.now
	in.stream.packets++
	in.rarely().datagrams++
	in.stream.octets += uint64(len(b))
	w.total.in.add(len(b))
	if !out.datagrams {
		return DropApart // the two sides change over one after the other
	}
	return p.pass(b, out, w)
}
