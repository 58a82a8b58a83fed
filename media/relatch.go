package media

import (
	"net/netip"
	"time"
)

// returns reports whether a stranger may be this side's own source behind another
// port of the same address, as after a NAT has forgotten it: nothing has come from
// the known one for Config.Relatch. Its SSRC is judged with the packet. The sweep
// measures the silence, the kernel's packets included.
func (d *side) returns(from netip.AddrPort, after time.Duration) bool {
	l := &d.rtp.latch
	return after > 0 && !d.datagrams && !d.strict && l.state != latchOpen && l.reopened == 0 &&
		from.Addr() == l.source.addr() && time.Duration(d.spell.silence)*time.Millisecond >= after
}

// takeBack latches where a side has come back from. RTCP proves no SSRC of its
// own, so its port opens as if signalling had named the same address again.
func (p *port) takeBack(from netip.AddrPort, in *side, now time.Duration) {
	p.session.reclaim()
	l := &p.latch
	l.source, l.state, l.follow = pack(from), latchLoose, l.follow && !in.asymmetric
	in.spell.silence = 0
	if in.rtcp.latch.state != latchOpen {
		in.rtcp.latch.reopened = milliseconds(now)
	}
}
