package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// port is one of a session's four UDP ports. It is under the session's lock.
type port struct {
	session *Session
	out     endpoint
	latch   latch
	number  uint16
	side    Side
	rtcp    bool
}

// work is what a thread needs at hand for a packet.
type work struct {
	now    time.Duration
	header rtp.Header
	total  *counters
	thread *steerLoop // that sends at the end of its turn; nil: the backend has none
	sealed [maxPacket + tagRoom]byte
	rtcp   [maxPacket + namedRTCP]byte
}

// receive takes one datagram, which it does not keep.
func (p *port) receive(b []byte, from netip.AddrPort, w *work) {
	if p.session.released {
		w.total.drops[DropDraining].Add(1)
		return
	}
	var d Drop
	switch {
	case p.rtcp, p.carriesRTCP(b):
		d = p.relayRTCP(b, from, w)
	case p.session.sides[p.side].datagrams:
		d = p.relayDatagram(b, from, w)
	default:
		d = p.relayRTP(b, from, w)
	}
	if d != Relayed {
		w.total.drops[d].Add(1)
		p.session.sides[p.side].drop(d)
	}
}

// relayRTP judges the source, then the packet, and sends it on unchanged.
func (p *port) relayRTP(b []byte, from netip.AddrPort, w *work) Drop {
	s := p.session
	in, out := &s.sides[p.side], &s.sides[p.side.other()]
	who, d := p.judge(from, in, netip.Addr{}, w.now)
	if d != Relayed {
		return d
	}
	size := len(b)
	protection, keypad := in.srtp(), in.keypad()
	if protection != nil {
		b, d = protection.open(b, &w.header)
	}
	if d == Relayed {
		d = parseRTP(b, &w.header, in.payloads)
	}
	if who == unproven {
		if d != Relayed {
			in.seldom.learner.invalid(from)
			return d
		}
		if !in.seldom.learner.valid(from, w.header.SSRC, w.header.SequenceNumber) {
			return DropLearning
		}
	}
	if d != Relayed {
		return d
	}
	if who == returning {
		if w.header.SSRC != in.stream.ssrc {
			return p.refuse(from)
		}
		p.takeBack(from, in, w.now)
	}
	p.settle(from, who, in)
	s.quiet.last = w.now
	s.resume(in, w.now)
	in.stream.update(&w.header, size, w.now, in.clock)
	w.total.in.add(size)
	if keypad != nil {
		in.listen(s, b, w)
	}
	if s.recording != nil {
		s.recording.take(p.side, b, w)
	}
	if out.datagrams {
		return DropApart
	}
	if d := p.pass(b, out, w); d != Relayed {
		return d
	}
	if w.header.SequenceNumber == in.stream.last { // else older ones may still wait in the socket
		in.offer(s)
	}
	return Relayed
}

// pass sends on what is good, where the other side wants it.
func (p *port) pass(b []byte, out *side, w *work) Drop {
	if !out.hears(p.session) {
		return DropApart
	}
	if !out.direction.receives() {
		return DropDirection
	}
	if protection := out.srtp(); protection != nil && !out.datagrams {
		sealed, d := protection.seal(w.sealed[:0], b)
		if d != Relayed {
			return d
		}
		b = sealed
	}
	if d := out.rtp.send(b, w); d != Relayed {
		return d
	}
	out.sent.Packets++
	out.sent.Octets += uint64(len(b))
	w.total.out.add(len(b))
	return Relayed
}

// relayRTCP judges the source and sends on what may pass of the compound. RTCP
// flows on hold too. // RFC 3264 §5.1, RFC 5761 §4
func (p *port) relayRTCP(b []byte, from netip.AddrPort, w *work) Drop {
	s := p.session
	in, out := &s.sides[p.side], &s.sides[p.side.other()]
	var learned netip.Addr
	if in.nat && p.rtcp {
		learned = in.rtp.latch.source.unpack().Addr()
	}
	who, d := p.judge(from, in, learned, w.now)
	if d != Relayed {
		return d
	}
	switch who { // too few come to prove an address: RTP has to
	case unproven:
		return DropLearning
	case returning:
		return p.refuse(from)
	case stranger, former, near, exact, known:
	}
	size := len(b)
	if protection := in.srtp(); protection != nil {
		if b, d = protection.openRTCP(b); d != Relayed {
			return d
		}
	}
	built, d := rewriteRTCP(w.rtcp[:0], b, in.cname)
	if d != Relayed {
		return d
	}
	if p.rtcp { // at a shared port the voice decides
		p.settle(from, who, in)
	}
	s.quiet.last = w.now
	in.rtcpReceived++
	in.echo.hear(built, w.now)
	w.total.rtcpIn.add(size)
	if !out.hears(s) {
		return DropApart
	}
	sealed := built
	if protection := out.srtp(); protection != nil {
		if sealed, d = protection.sealRTCP(w.sealed[:0], built); d != Relayed {
			return d
		}
	}
	if d := out.rtcpPort().send(sealed, w); d != Relayed {
		return d
	}
	out.rtcpSent++
	out.echo.pass(built, w.now)
	w.total.rtcpOut.add(len(sealed))
	return Relayed
}

// judge tells strangers apart.
func (p *port) judge(from netip.AddrPort, in *side, learned netip.Addr, now time.Duration) (standing, Drop) {
	if !p.latch.expect.valid() {
		return stranger, DropNoRemote
	}
	who := p.latch.judge(from, &in.sources, learned, now)
	if who != stranger {
		return who, Relayed
	}
	if !p.rtcp && in.returns(from, p.session.relay.cfg.Relatch) {
		return returning, Relayed
	}
	return who, p.refuse(from)
}

// refuse drops a stranger's packet and remembers the first.
func (p *port) refuse(from netip.AddrPort) Drop {
	if !p.session.intruder().IsValid() {
		p.session.sides[p.side].refusals().intruder = from.Addr()
	}
	return DropStranger
}

// settle latches the source of a good packet and, once it is certain, keeps
// all others out.
func (p *port) settle(from netip.AddrPort, who standing, in *side) {
	if who == known || who == returning {
		return
	}
	p.session.reclaim() // we may send elsewhere from now on
	p.latch.settle(from, who, &in.sources)
	if p.latch.state == latchStrict && p.session.relay.cfg.Relatch == 0 {
		p.latch.aimed = p.out.aim(from, in.dscp) == nil
	}
}

// redirect takes a new address from signalling and opens the latch.
func (p *port) redirect(expect netip.AddrPort, r *Remote, now time.Duration) {
	p.latch.reopen(expect, r.Strict, now)
	_ = p.out.aim(netip.AddrPort{}, r.DSCP) // without the mark is better than not at all
}

// send sends to this port's peer. w is the thread's that does so, nil outside of
// their turns.
func (p *port) send(b []byte, w *work) Drop {
	if p.latch.aimed && p.latch.follow {
		return p.out.send(b, netip.AddrPort{}, w)
	}
	target := p.latch.target()
	if !target.IsValid() {
		return DropNoTarget
	}
	return p.out.send(b, target, w)
}
