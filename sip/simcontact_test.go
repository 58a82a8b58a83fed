package sip

import (
	"math/rand/v2"
	"time"

	"maskline/routing"
)

// simPlan is that of a first contact; nothing in it is looked at.
var simPlan = &routing.Plan{}

// simContact is a caller that is new to the mask, and the slot that it gets, or not.
type simContact struct {
	rnd         *rand.Rand // of its own, so that calls without it are what they were
	first       bool       // the caller is new
	known       bool       // its slot is there
	asked, told int
}

func (s *sim) planContact() {
	s.contact.rnd = rand.New(rand.NewPCG(s.seed, 23))
	s.contact.first = s.contact.rnd.IntN(4) == 0
}

// isNew is what the table says of the caller.
func (k *simContact) isNew() bool { return k.first && !k.known }

// openSlot answers at once, in time, too late, or so that the call has ended; now and
// then the slot is there although the answer is no, or is not in spite of a yes.
func (s *sim) openSlot(a actOpen) event {
	k := &s.contact
	if k.asked++; k.asked > 1 {
		s.fail("a second slot is asked for")
	}
	if a.plan != simPlan || a.by.Sub(s.now) != slotWithin {
		s.fail("a slot is asked for by %v", a.by.Sub(s.now))
	}
	ok, known := k.rnd.IntN(4) > 0, k.rnd.IntN(4) > 0
	after := time.Duration(k.rnd.IntN(int(slotWithin)))
	switch k.rnd.IntN(6) {
	case 0:
		k.known = known
		return evOpened{ok}
	case 1:
		after = slotWithin + slotGrace + time.Duration(k.rnd.IntN(int(time.Minute)))
	}
	s.at(after, func() {
		k.known = known
		s.edge(evOpened{ok})
	})
	return nil
}

func (s *sim) contacted(a actContacted) {
	k := &s.contact
	if k.told++; k.told > k.asked || s.over > 0 {
		s.fail("a slot is told of that nobody waits for")
	}
	if a.after > slotWithin+slotGrace {
		s.fail("a slot was waited for for %v", a.after)
	}
	s.log("over: contact_%v", a.outcome)
}
