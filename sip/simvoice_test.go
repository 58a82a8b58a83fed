package sip

import (
	"math/rand/v2"
	"time"
)

// simVoice is what the relay does in the simulation when the edge speaks itself.
type simVoice struct {
	rnd *rand.Rand // of its own, so that calls without it are what they were

	announce, unreachable Announcement
	accept, ring          time.Duration

	said  [2]int // prompts by side, to tell a stale end from a due one
	hears [2]string
	apart bool
	asked bool // the called side
}

func (s *sim) planVoice() {
	s.voice.rnd = rand.New(rand.NewPCG(s.seed, 2))
	announcement := func(name string) Announcement {
		if s.voice.rnd.IntN(2) == 0 {
			return Announcement{}
		}
		return Announcement{Prompt: name, Answer: s.voice.rnd.IntN(2) == 0, Once: s.voice.rnd.IntN(2) == 0}
	}
	v := &s.voice
	v.announce, v.unreachable = announcement("unknown"), announcement("unreachable")
	if s.voice.rnd.IntN(3) == 0 {
		v.accept = []time.Duration{20 * time.Second, time.Minute}[s.voice.rnd.IntN(2)]
	}
	if s.voice.rnd.IntN(3) == 0 {
		v.ring = 10 * time.Second
	}
}

func (s *sim) doVoice(a action) event {
	v := &s.voice
	if s.over > 0 {
		s.fail("the edge speaks after the end")
	}
	switch a := a.(type) {
	case actPlay:
		if s.voice.rnd.IntN(8) == 0 {
			return evPlaying{a.side, false}
		}
		v.said[a.side]++
		v.hears[a.side] = a.prompt.Name
		if said := v.said[a.side]; a.prompt.Times > 0 && s.voice.rnd.IntN(4) > 0 {
			s.at(time.Duration(1+s.voice.rnd.IntN(20_000))*time.Millisecond, func() {
				if v.said[a.side] == said {
					s.edge(evPlayed{a.side})
				}
			})
		}
		if a.prompt.Name == promptAccept {
			s.askedToAccept()
		}
		return evPlaying{a.side, true}
	case actHush:
		v.said[a.side]++
		v.hears[a.side] = ""
	case actSeparate:
		v.apart = a.apart
	case actListen:
	case actOneWay:
		s.checkOneWay(a)
	}
	return nil
}

// askedToAccept lets the called person press keys, or not.
func (s *sim) askedToAccept() {
	s.voice.asked = true
	for range s.voice.rnd.IntN(4) {
		key := "12#1"[s.voice.rnd.IntN(4)]
		s.at(time.Duration(s.voice.rnd.IntN(25_000))*time.Millisecond, func() { s.edge(evDigit{SideB, key}) })
		if s.voice.rnd.IntN(3) == 0 {
			s.at(time.Duration(s.voice.rnd.IntN(25_000))*time.Millisecond, func() { s.edge(evDigit{SideA, acceptKey}) })
		}
	}
}

// checkConnected holds the moment in which the caller is answered against what the
// sides hear then.
func (s *sim) checkConnected() {
	v := &s.voice
	switch announced := v.hears[SideA]; {
	case announced == "unknown" || announced == "unreachable":
	case announced != "" || v.hears[SideB] != "":
		s.fail("connected while the sides hear %q and %q", announced, v.hears[SideB])
	case v.apart:
		s.fail("connected while the sides are kept apart")
	case v.accept > 0 && !v.asked:
		s.fail("connected without asking")
	}
}
