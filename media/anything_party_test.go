package media

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/pion/srtp/v3"
)

// party is one of the two who speak in a call of TestIntakeOfAnything, and all who pretend to
// be it.
type party struct {
	c      *anyCall
	side   Side
	remote Remote

	right, wrong *srtp.Context // nil: plain
	compounds    [][]byte
	ssrc         uint32
	seq          uint16
	last         []byte // said before
	lastWire     []byte
}

func newParty(c *anyCall, side Side, fax bool) *party {
	r := c.random
	p := &party{c: c, side: side, ssrc: r.Uint32(), seq: uint16(r.Uint32())}
	p.remote = Remote{
		PayloadTypes: NewPayloadTypes(8, 72, 101), From: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 10 + byte(side), 0, 0}), 16)},
		NAT: r.IntN(4) == 0, Strict: r.IntN(4) == 0, Asymmetric: r.IntN(8) == 0, Mux: r.IntN(4) == 0, Datagrams: fax,
	}
	if r.IntN(2) == 0 && !fax {
		p.agreeOnKeys(Suite(1 + r.IntN(int(suites)-1)))
	}
	p.compounds = [][]byte{
		everything(c), marshal(c, senderReport()),
		{0x80, 201, 0, 1, 0, 0, 0, 7},
		{0x80, 201, 0, 1, 0, 0, 0, 7, 0xa1, 203, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4},
		{0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 203, 0, 2, 0, 0, 0, 7, 3, 'b', 'y', 'e'},
		[]byte("\x80\xcc\x00\x02\x00\x00\x00\x07name"),
	}
	p.move()
	return p
}

func (p *party) agreeOnKeys(suite Suite) {
	draw := func() MasterKey {
		key, salt := suite.lengths()
		b := make([]byte, key+salt)
		for i := range b {
			b[i] = byte(p.c.random.Uint32())
		}
		return NewMasterKey(b)
	}
	context := func(k MasterKey) *srtp.Context {
		size, _ := suite.lengths()
		ctx, err := srtp.CreateContext(k.octets()[:size], k.octets()[size:], suite.profile())
		if err != nil {
			p.c.Fatal("a party has no context")
		}
		return ctx
	}
	p.remote.SRTP = SRTP{Suite: suite, Ours: draw(), Theirs: draw()}
	p.right, p.wrong = context(p.remote.SRTP.Theirs), context(draw())
}

// move is what a re-INVITE brings.
func (p *party) move() {
	p.remote.RTP = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, byte(p.c.random.IntN(2)), 2 + byte(p.side)}), uint16(5000+2*p.c.random.IntN(2)))
	p.remote.Direction = SendRecv
	if p.c.random.IntN(4) == 0 {
		p.remote.Direction = Direction(p.c.random.IntN(4))
	}
}

// behind is where a party's NAT may be.
func (p *party) behind() netip.Addr { return netip.AddrFrom4([4]byte{127, 2, 0, byte(p.side)}) }

// at reports whether what is for the party may be sent there.
func (p *party) at(a netip.AddrPort) bool {
	rtcp := next(p.remote.RTP)
	if a == p.remote.RTP || a == rtcp && !p.remote.Mux {
		return true
	}
	if p.remote.Strict || p.remote.Asymmetric {
		return false
	}
	ip := a.Addr()
	return ip == p.remote.RTP.Addr() || p.remote.NAT && (ip == p.behind() || p.remote.From[0].Contains(ip))
}

// from is where the packet comes from that was said. What must not be heard from there is
// made so that it proves nothing in nat mode either.
func (p *party) from(at *port) netip.AddrPort {
	r, named := p.c.random, p.remote.RTP
	if at.rtcp {
		named = next(named)
	}
	strange := false
	switch r.IntN(16) {
	case 0:
		named = netip.AddrPortFrom(named.Addr(), uint16(5000+r.IntN(8)))
		strange = p.remote.Strict && named != p.remote.RTP && named != next(p.remote.RTP)
	case 1:
		named, strange = netip.AddrPortFrom(p.remote.From[0].Addr().Next(), 5000), p.remote.Strict
	case 2:
		named, strange = netip.AddrPortFrom(p.behind(), named.Port()), !p.remote.NAT || p.remote.Strict
	case 3:
		named, strange = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(4))}), named.Port()), true
	case 4: // the other party
		named, strange = p.c.parties[p.side.other()].remote.RTP, true
	}
	if strange {
		p.disprove()
	}
	return named
}

// disprove makes what was said worth nothing from an address that may not be learned.
func (p *party) disprove() {
	now, r := &p.c.now, p.c.random
	now.refused = true
	switch {
	case p.right != nil && len(now.b) > 0:
		now.b[len(now.b)-1] ^= 1 // of the tag
	case p.right == nil && len(now.b) >= rtpHeader:
		binary.BigEndian.PutUint32(now.b[8:], r.Uint32())
	}
	if p.remote.Datagrams && len(now.b) > 2 {
		binary.BigEndian.PutUint16(now.b, uint16(r.Uint32()))
	}
}

// say makes the next packet, as c.now, and tells at which port it belongs.
func (p *party) say() *port {
	c, r := p.c, p.c.random
	d := &c.s.sides[p.side]
	at, room := &d.rtp, c.wire[:0]
	var plain []byte
	switch kind := r.IntN(16); {
	case p.remote.Datagrams && kind < 12:
		p.seq += uint16(1 + r.IntN(2))
		plain = append(binary.BigEndian.AppendUint16(room, p.seq), 6, 1, 2, 3, 4, 5, 6)
	case kind < 10:
		plain = p.voice(room, 8)
	case kind == 10:
		plain = p.voice(room, 101)[:rtpHeader+4]
		copy(plain[rtpHeader:], []byte{byte(r.IntN(18)), byte(r.IntN(2)) << 7, 0, 160})
	case kind < 13:
		plain = append(room, p.compounds[r.IntN(len(p.compounds))]...)
		if at = &d.rtcp; p.remote.Mux {
			at = &d.rtp
		}
	case kind == 13 && p.last != nil: // once more
		c.now = fed{b: append(room, p.lastWire...), said: p.last}
		return at
	default:
		plain = room[:r.IntN(maxPacket+100)]
		for i := range plain {
			plain[i] = byte(r.Uint32())
		}
	}
	p.seal(plain, at)
	return at
}

func (p *party) voice(b []byte, payloadType byte) []byte {
	p.seq += uint16(1 + p.c.random.IntN(20)/19)
	b = append(b, 0x80, payloadType)
	b = binary.BigEndian.AppendUint16(b, p.seq)
	b = binary.BigEndian.AppendUint32(b, uint32(p.seq)*160)
	b = binary.BigEndian.AppendUint32(b, p.ssrc)
	return b[:rtpHeader+160]
}

// seal protects a packet where that is agreed on, or fails to, and may alter it.
func (p *party) seal(plain []byte, at *port) {
	c, r := p.c, p.c.random
	said := append(c.wire[maxPacket:maxPacket], plain[:min(len(plain), maxPacket)]...)
	wire, refused := plain, false
	if p.right != nil {
		proven := false
		switch r.IntN(8) {
		case 0:
			wire, _ = under(p.wrong, plain, at.rtcp)
		case 1: // without any
		default:
			wire, proven = under(p.right, plain, at.rtcp)
		}
		refused = !proven
	}
	if !refused && len(wire) > 0 {
		p.last, p.lastWire = append(p.last[:0], said...), append(p.lastWire[:0], wire...)
	}
	if r.IntN(4) == 0 {
		before := append(c.buffer[maxPacket:maxPacket], wire[:min(len(wire), maxPacket)]...)
		wire = p.alter(wire)
		refused = refused || p.right != nil && !bytes.Equal(before, wire)
	}
	if p.right == nil {
		said = wire
	}
	c.now = fed{b: wire, said: said, refused: refused}
}

// alter does to a packet what lines, faults and attackers do.
func (p *party) alter(b []byte) []byte {
	r := p.c.random
	if len(b) == 0 {
		return b
	}
	switch r.IntN(6) {
	case 0:
		for range 1 + r.IntN(8) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
	case 1: // in the header, where it matters
		b[r.IntN(min(len(b), rtpHeader))] = byte(r.Uint32())
	case 2:
		b = b[:r.IntN(len(b))]
	case 3:
		b = b[:min(len(b)+r.IntN(100), cap(b))]
	case 4: // lengths
		edges := [...]byte{0, 1, 0x7f, 0x80, 0xff}
		b[r.IntN(len(b))], b[len(b)-1] = edges[r.IntN(len(edges))], edges[r.IntN(len(edges))]
	default: // two in one
		tail := p.compounds[r.IntN(len(p.compounds))]
		b = append(b, tail[:min(len(tail), cap(b)-len(b))]...)
	}
	return b
}
