package media

import (
	"net/netip"
	"time"
)

// shortcut is what the kernel is to do with the RTP of one side.
type shortcut struct {
	source   netip.AddrPort // latched
	from, to netip.AddrPort // of what leaves
	dscp     uint8
	payloads PayloadTypes
	clock    uint32
}

// bypass is a backend's way to relay the RTP of one side by itself. It is under
// the session's lock.
type bypass interface {
	open() bool
	// reaches reports whether it could send to a peer.
	reaches(to netip.Addr) bool
	// begin hands a stream over from its next packet on. False: it cannot, now or
	// later, and reaches nobody any more.
	begin(c *shortcut, s *stream) bool
	// read moves what was counted since into the stream, and returns how many
	// packets and octets that is.
	read(s *stream) (packets, octets uint64)
	// end takes the stream back; done closes its books, after a last read.
	end()
	done()
}

// offer lets the kernel take over what this side sends, where nothing speaks
// against it.
func (in *side) offer(s *Session) {
	b := in.bypass
	if b == nil || b.open() {
		return
	}
	out := &s.sides[in.rtp.side.other()]
	c := shortcut{
		source: in.rtp.latch.source.unpack(), from: netip.AddrPortFrom(out.network.cfg.Addr, out.rtp.number), to: out.rtp.latch.target(),
		dscp: out.dscp, payloads: in.payloads.unlikeRTCP(), clock: in.clock,
	}
	if s.recording != nil || in.srtp() != nil || out.srtp() != nil {
		return
	}
	if in.network != out.network || in.rtp.latch.state != latchStrict || in.rtp.latch.reopened != 0 || in.keypad() != nil || c.payloads == (PayloadTypes{}) ||
		!out.hears(s) || !out.direction.receives() || !c.to.IsValid() || in.stream.expected == 0 || !b.reaches(c.to.Addr()) {
		return
	}
	if !b.begin(&c, &in.stream) && s.relay.total.refused.Add(1) == 1 {
		s.relay.log.Warn("a stream stays in user space: the kernel's table of streams is full")
	}
}

// collect counts what the kernel relayed for a side.
func (s *Session) collect(in *side, now time.Duration) {
	if in.bypass == nil || !in.bypass.open() {
		return
	}
	packets, octets := in.bypass.read(&in.stream)
	if packets == 0 {
		return
	}
	s.quiet.last = now
	out := &s.sides[in.rtp.side.other()]
	out.sent.Packets += packets
	out.sent.Octets += octets
	s.relay.total.in.addMany(packets, octets)
	s.relay.total.out.addMany(packets, octets)
}

// resume takes a stream back of which a packet came to user space: the kernel
// did not know it as one of the stream's.
func (s *Session) resume(in *side, now time.Duration) {
	if in.bypass == nil || !in.bypass.open() {
		return
	}
	in.bypass.end()
	s.collect(in, now)
	in.bypass.done()
}

// reclaim takes both sides back into user space. What may go to the kernel again
// does with its next packet.
func (s *Session) reclaim() {
	for i := range s.sides {
		s.resume(&s.sides[i], s.relay.now())
	}
}
