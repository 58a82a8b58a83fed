package sip

import "time"

// runOneWay lets the relay tell of one-way audio, in whatever state the call is.
func (s *sim) runOneWay() {
	if s.voice.rnd.IntN(4) > 0 {
		return
	}
	for _, side := range []Side{SideA, SideB} {
		s.at(time.Duration(s.voice.rnd.IntN(120_000))*time.Millisecond, func() {
			if s.started {
				s.edge(evOneWay{side})
			}
		})
	}
}

// checkOneWay wants one-way audio told of calls that are up, at one of their trunks.
func (s *sim) checkOneWay(a actOneWay) {
	switch {
	case s.call.answered.IsZero() || s.call.active == nil:
		s.fail("one-way audio of a call that is not up")
	case a.side == SideA && a.trunk != s.call.a.trunk, a.side == SideB && a.trunk != s.call.active.trunk:
		s.fail("one-way audio is told at a trunk that is not its side's")
	}
	s.log("one-way audio at %v", a.side)
}
