package media

import (
	"math/bits"
	"time"

	"github.com/pion/rtp"
)

const (
	maxDropout  = 3000 // a larger step forward is a restart // RFC 3550 A.1
	maxMisorder = 100  // and so is a larger step back
	window      = 64   // late packets are told from duplicates that far back
)

// stream counts what one side sends as RTP.
type stream struct {
	packets, octets uint64
	recent          uint64 // bit n: the number n before last has come

	lost                       uint32 // of the runs before this one
	late, duplicates, restarts uint32
	bursts                     uint32 // gaps between those that came

	ssrc     uint32
	expected uint32 // sequence numbers of this run, gaps included
	unique   uint32 // different ones that came

	jitter    uint32 // 16 times, in timestamp units
	transit   uint32
	timestamp uint32
	last      uint16 // highest sequence number
	unsettled bool   // transit is of another clock
}

// update counts one packet of size octets that came at now.
func (s *stream) update(h *rtp.Header, size int, now time.Duration, clock uint32) {
	s.packets++
	s.octets += uint64(size)
	arrival := uint32(uint64(now/time.Microsecond) * uint64(clock) / 1e6)
	ahead := h.SequenceNumber - s.last
	switch {
	case s.expected == 0 || h.SSRC != s.ssrc || ahead > maxDropout && -ahead > maxMisorder:
		s.restart(h, arrival)
		return
	case ahead == 0:
		s.duplicates++
		return
	case ahead <= maxDropout:
		s.recent = s.recent<<ahead | 1
		s.last = h.SequenceNumber
		s.expected += uint32(ahead)
		s.unique++
		if ahead > 1 {
			s.bursts++
		}
	default:
		s.behind(-ahead)
		return
	}
	s.measure(h.Timestamp, arrival)
}

func (s *stream) restart(h *rtp.Header, arrival uint32) {
	if s.expected > 0 {
		s.restarts++
		s.lost += uint32(s.missing())
	}
	s.ssrc, s.last, s.timestamp = h.SSRC, h.SequenceNumber, h.Timestamp
	s.expected, s.unique, s.recent = 1, 1, 1
	s.transit = arrival - h.Timestamp
}

// behind counts a packet that many numbers before the highest.
func (s *stream) behind(n uint16) {
	bit := uint64(1) << min(n, window-1)
	if n < window && s.recent&bit != 0 {
		s.duplicates++
		return
	}
	s.late++
	if uint32(n) >= s.expected {
		return // from before the first one that we saw
	}
	s.unique++
	if n < window {
		s.mend(n)
		s.recent |= bit
	}
}

// mend takes a late packet out of its gap, which thereby ends, shrinks or becomes
// two. One farther back than the window was the middle of a gap, for all we know.
func (s *stream) mend(n uint16) {
	newer := s.recent>>(n-1)&1 != 0
	older := n == window-1 || s.recent>>(n+1)&1 != 0
	switch {
	case newer && older:
		s.bursts--
	case !newer && !older:
		s.bursts++
	}
}

// measure takes a sample of the interarrival jitter. Packets that share a
// timestamp (telephone events, repeated ends) say nothing about it.
// RFC 3550 §6.4.1, A.8
func (s *stream) measure(timestamp, arrival uint32) {
	if timestamp == s.timestamp {
		return
	}
	s.timestamp = timestamp
	transit := arrival - timestamp
	d := int32(transit - s.transit)
	s.transit = transit
	if s.unsettled {
		s.unsettled = false
		return
	}
	if d < 0 {
		d = -d
	}
	s.jitter += uint32(d) - (s.jitter+8)>>4
}

func (s *stream) missing() uint64 {
	if s.unique >= s.expected {
		return 0
	}
	return uint64(s.expected - s.unique)
}

// jitterTime is the jitter as a duration.
func (s *stream) jitterTime(clock uint32) time.Duration {
	if clock == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(s.jitter>>4), uint64(time.Second))
	q, _ := bits.Div64(hi%uint64(clock), lo, uint64(clock))
	return time.Duration(q)
}
