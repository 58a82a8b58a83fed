package sip

import (
	"strings"
	"testing"
	"time"

	"maskline/e164"
)

// simOrder is a call that the edge makes: some of the callees are ways to Alice, the
// others to Bob.
type simOrder struct {
	news   []OrderKind
	legs   map[uint8]Side
	routed [2]int
}

// newOrderSim has at least one callee for each side.
func newOrderSim(t *testing.T, seed uint64) *sim {
	s := newSim(t, seed)
	for again := uint64(1); len(s.trunks) < 2; again++ {
		s = newSim(t, seed+again<<32)
	}
	s.ordered = &simOrder{legs: map[uint8]Side{}}
	s.contact, s.acked, s.started = simContact{}, true, true
	s.caller.savp, s.caller.six = false, false
	for i, tr := range s.trunks {
		if i%2 == 0 {
			s.callees[tr.addr].number = simAlice
		}
	}
	return s
}

func (s *sim) order() {
	s.edge(evOrder{secret: testSecret})
	if s.rnd.IntN(8) == 0 {
		s.at(time.Duration(s.rnd.IntN(20_000))*time.Millisecond, func() { s.edge(evEnd{"released"}) })
	}
}

func (s *sim) routeSide(side Side) event {
	if s.ordered.routed[side]++; s.ordered.routed[side] > 1 {
		s.fail("side %v is routed twice", side)
	}
	if s.rnd.IntN(20) == 0 {
		return evRouted{refused: &refusal{603, causeRejected, "blocked"}, announce: s.voice.announce}
	}
	ev := evRouted{present: simMaskA, to: simAlice, otherwise: refusal{503, causeNoCircuit, "no_carrier"}}
	if side == SideB {
		ev.present, ev.to = simMaskB, simBob
	}
	ev.announce, ev.accept, ev.ring = s.voice.unreachable, s.voice.accept, s.voice.ring
	for _, tr := range s.trunks {
		if s.sideOf(s.callees[tr.addr]) == side {
			ev.candidates = append(ev.candidates, candidate{trunk: tr})
		}
	}
	return ev
}

// heardNews wants each step once, in order.
func (s *sim) heardNews(n OrderNews) {
	o := s.ordered
	for _, before := range o.news {
		if before >= n.Kind {
			s.fail("told of %d after %v", n.Kind, o.news)
		}
	}
	o.news = append(o.news, n.Kind)
	switch n.Kind {
	case OrderAnswered:
		if o.routed[SideB] > 0 {
			s.fail("the second side was routed before the first has answered")
		}
	case OrderConnected:
		s.answeredAt = s.now
		s.voice.asked = true // or its trunk is none that is asked
		s.checkConnected()
	case OrderRinging, OrderEnded:
	}
}

// sideOf is the side that an agent is on.
func (s *sim) sideOf(u *simUA) Side {
	if u == s.caller || s.ordered != nil && u.number == simAlice {
		return SideA
	}
	return SideB
}

func (s *sim) sideOfLeg(leg uint8) Side {
	switch {
	case leg == legA:
		return SideA
	case s.ordered == nil:
		return SideB
	default:
		return s.ordered.legs[leg]
	}
}

// sideOfLegTo is that of the leg that a message is sent on.
func (s *sim) sideOfLegTo(a actSend) Side {
	if s.ordered == nil {
		return s.sideOfLeg(a.leg)
	}
	side := s.sideOf(s.callees[a.to])
	s.ordered.legs[a.leg] = side
	return side
}

// shownTo is the number that an INVITE shows.
func (s *sim) shownTo(a actSend) e164.Number {
	if s.ordered != nil && s.sideOfLegTo(a) == SideA {
		return simMaskA
	}
	return simMaskB
}

func (s *sim) firstOf(sum *summary) *simUA {
	if s.ordered == nil {
		return s.caller
	}
	return s.callees[sum.from.addr]
}

// TestOrderSimulation plays calls that the edge makes, with the same agents and over
// the same networks as TestSimulation.
func TestOrderSimulation(t *testing.T) {
	whys := map[string]int{}
	for seed := range simCount(t) {
		s := newOrderSim(t, seed)
		s.run()
		for _, line := range s.trace {
			if _, why, ok := strings.Cut(line, "over: "); ok {
				whys[strings.Fields(why)[0]]++
			}
		}
		for what, n := range s.inside {
			if n > 0 && strings.HasPrefix(what, "INVITE 200") {
				whys["changed"]++
			}
		}
	}
	t.Log(whys)
	for _, why := range []string{
		"caller", "callee", "cancelled", "refused", "timeout", "no_answer", "bad_answer", "drain", "released", "no_media_ports", "blocked", "changed", "announcement_played", "announcement_cut",
	} {
		if whys[why] == 0 {
			t.Errorf("no seed ends with %q", why)
		}
	}
}
