package media

import "time"

// leastRated packets are needed for an opinion.
const leastRated = 50

// Quality is how well what one side sends can be understood when it reaches us,
// as far as packets tell.
type Quality struct {
	// R is the rating by the E-model, 0 to 93, and MOS the mean opinion score that
	// goes with it, 1 to 4.4. Both are 0 where it is unknown: fewer than 50 packets,
	// or a codec without published values. // ITU-T G.107, G.113
	R, MOS float64
	// Loss is the part of the packets that did not come, 0 to 1.
	Loss float64
	// Burstiness is how much longer the gaps are than if packets were lost by
	// chance: 1 where they are not. // ITU-T G.107 §7.5, BurstR
	Burstiness float64
}

// quality rates the stream of a side that goes this far: its own half of the
// round trip, the codec, and a playout buffer of twice the jitter.
func (s *SideStats) quality(c codec) Quality {
	q := Quality{Burstiness: 1}
	voice := s.Received.Packets - s.Datagrams
	unique := voice - min(s.Duplicates, voice)
	if expected := unique + s.Lost; expected > 0 {
		q.Loss = float64(s.Lost) / float64(expected)
	}
	if s.Bursts > 0 {
		q.Burstiness = max(1, float64(s.Lost)/float64(s.Bursts)*(1-q.Loss))
	}
	if c == unrated || unique < leastRated {
		return q
	}
	of := c.impairment()
	delay := s.RoundTrip/2 + of.delay + 2*min(s.Jitter, time.Second)
	q.R = rate(of, q.Loss, q.Burstiness, delay)
	q.MOS = opinion(q.R)
	return q
}

// SetCodec says what both sides send from now on: the name of its encoding as in
// rtpmap, empty where it is unknown, and the clock of its timestamps in Hz, zero
// for 8000. Jitter begins anew where the clock changes.
func (s *Session) SetCodec(name string, clock uint32) {
	if clock == 0 {
		clock = defaultClockRate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reclaim()
	s.codec = codecOf(name)
	for i := range s.sides {
		d := &s.sides[i]
		if d.clock != clock {
			d.clock, d.stream.jitter = clock, 0
			d.stream.unsettled = true
		}
	}
}
