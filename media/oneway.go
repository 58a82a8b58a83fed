package media

import "time"

const (
	oneWayAfter = 10 * time.Second // of silence on one side alone
	pauseMost   = 2 * time.Second  // a side that paused for longer is not sending
	stepMost    = 2 * sweepEvery   // a sweep that was held up counts for no more
)

// spell is for how long a side has been silent, as the sweeps see it: for a packet
// it costs nothing. It is small since each side has one.
type spell struct {
	alone   uint32 // milliseconds in which the other one was sending
	silence uint16 // milliseconds, up to a minute
	packets uint16 // at the last sweep; the next one finds no 65,536 more
}

// note takes the number of packets that a side has sent until now.
func (p *spell) note(packets uint64, step time.Duration) {
	p.silence = min(p.silence, 60_000) + uint16(step/time.Millisecond)
	if uint16(packets) != p.packets {
		p.silence, p.packets = 0, uint16(packets)
	}
}

// count adds to the time for which a side has been silent alone, or begins anew.
func (p *spell) count(alone bool, step time.Duration) {
	if !alone {
		p.alone = 0
		return
	}
	p.alone = uint32(min(uint64(p.alone)+uint64(step/time.Millisecond), 1<<32-1))
}

// watch looks, a step after the last time, for a side that is silent while the
// other one sends, and tells the owner of it, once for each side. It reports
// whether the session is to end for it. What came before the answer or around a
// hold does not count, nor does a fax, in which one side sends at a time.
func (s *Session) watch(step time.Duration) (end bool) {
	step = min(step, stepMost)
	for i := range s.sides {
		s.sides[i].spell.note(s.sides[i].stream.packets, step)
	}
	watched := s.quiet.since != 0 && !s.held && !s.apart && s.sides[A].speaks() && s.sides[B].speaks()
	for i := range s.sides {
		d, other := &s.sides[i], &s.sides[Side(i).other()]
		sending := other.stream.packets > 0 && time.Duration(other.spell.silence)*time.Millisecond <= pauseMost
		d.spell.count(watched && sending && d.spell.silence > 0, step)
		end = s.report(Side(i), time.Duration(d.spell.alone)*time.Millisecond) || end
	}
	return end
}

// speaks reports whether signalling has told of the side's voice.
func (d *side) speaks() bool { return d.named && !d.datagrams }

// report judges for how long a side has been silent alone.
func (s *Session) report(silent Side, length time.Duration) (end bool) {
	limit := s.relay.cfg.OneWay
	end = limit > 0 && length >= limit
	if d := &s.sides[silent]; !d.unheard && (end || length >= oneWayAfter) {
		d.unheard = true
		s.relay.total.oneWay.Add(1)
		s.note(notice{kind: noticeOneWay, side: silent})
	}
	return end
}
