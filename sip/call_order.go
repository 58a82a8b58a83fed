package sip

import (
	"net/netip"

	"maskline/sip/message"
)

// ordered is a call without a caller. The first side is called like any called side,
// with an offer of ours; once it has answered, its dialog moves to the caller's place,
// and all goes on as if it had called.
type ordered struct {
	answered *attempt // the first side's; nil: that one is being called
	tried    int      // attempts to reach the first side
	rings    bool     // it was told
}

// holds reports whether the dialog with this number stands in the caller's place.
func (o *ordered) holds(number uint8) bool {
	return o != nil && o.answered != nil && o.answered.number == number
}

// before is how many attempts were not for the side that is being called.
func (o *ordered) before() int {
	if o == nil {
		return 0
	}
	return o.tried
}

type (
	// evOrder opens a call that nobody brings.
	evOrder struct{ secret message.Secret }
	// actSide asks for the way to a side of an ordered call; evRouted answers.
	actSide struct{ side Side }
	// actNews tells who ordered the call.
	actNews struct{ news OrderNews }
)

func (evOrder) isEvent()  {}
func (actSide) isAction() {}
func (actNews) isAction() {}

// reaching is the side that is being called.
func (c *call) reaching() Side {
	if c.ringsFirst() {
		return SideA
	}
	return SideB
}

// ringsFirst reports whether the first side of an ordered call is being called.
func (c *call) ringsFirst() bool { return c.order != nil && c.order.answered == nil }

func (c *call) onOrder(ev evOrder) {
	c.began, c.secret, c.order = c.now, ev.secret, &ordered{}
	c.a.maxForwards = maxForwards
	c.offer = message.Speech()
	c.do(actSide{SideA})
}

// onSideRouted is the way to the side that is to be called next.
func (c *call) onSideRouted(ev *evRouted) {
	if c.phase != phaseNew && (c.phase != phaseCalling || c.ringsFirst() || c.active != nil) {
		return
	}
	if ev.refused != nil {
		c.dismiss(ev.announce, *ev.refused)
		return
	}
	c.plan, c.last, c.next = *ev, ev.otherwise, 0
	if c.phase == phaseCalling {
		c.tryNext()
		return
	}
	c.phase = phaseCalling
	c.allocate()
}

// reachedAt is the relay's address for the side that is being called.
func (c *call) reachedAt() *netip.AddrPort {
	if c.ringsFirst() {
		return &c.a.local
	}
	return &c.localB
}

func (c *call) news(kind OrderKind) { c.do(actNews{OrderNews{Kind: kind, At: c.now}}) }

// orderAnswered goes on when a side has answered.
func (c *call) orderAnswered(a *attempt, answer *message.SDP) {
	if c.ringsFirst() {
		c.callSecond(a, answer)
		return
	}
	c.answered, c.phase, c.codec = c.now, phaseUp, answer.Codec()
	c.speaks = c.codec
	c.expires = c.now.Add(min(c.a.trunk.MaxDuration, a.trunk.MaxDuration))
	c.do(actHush{SideA})
	c.do(actAnswered{c.codec})
	c.news(OrderConnected)
	c.trim()
}

// callSecond moves the first side to the caller's place, and offers the second one the
// codec that the first has chosen: then no description has to change when both have
// answered.
func (c *call) callSecond(a *attempt, answer *message.SDP) {
	offer := answer.Speaking()
	codec, ok := answer.G711()
	if offer == nil || !ok {
		c.hang(&a.leg)
		c.close(a, attemptBadAnswer, 200, 0)
		c.failed(a, false, refusal{488, 0, "bad_answer"})
		return
	}
	c.order.answered, c.order.tried = a, len(c.b)
	c.a.leg = a.leg
	a.ended = true // what is left here is the INVITE's transaction
	a.session.stop()
	c.active, c.offer = nil, offer
	c.do(actPlay{SideA, Prompt{Name: promptRingback, Codec: codec}})
	c.news(OrderAnswered)
	c.do(actSide{SideB})
}

// hearFirst tells that the first side rings, once. What its network says is for nobody.
func (c *call) hearFirst() {
	if !c.order.rings {
		c.order.rings = true
		c.news(OrderRinging)
	}
}

// hearSecond lets the first side hear the second one's early media instead of our
// ringing.
func (c *call) hearSecond(sdp []byte) {
	if sdp != nil {
		c.do(actHush{SideA})
	}
}

// dismissOrder ends a call after an announcement, if the first side is there to hear it
// and has not heard the second one's network.
func (c *call) dismissOrder(what Announcement, final refusal) {
	codec, ok := c.offer.G711()
	if what.Prompt == "" || c.ringsFirst() || c.early || !ok {
		c.refuseOrder(final)
		return
	}
	c.announcing = &announcing{what: what, final: final, codec: codec, outcome: announceFailed}
	c.play()
}

// refuseOrder ends a call of which one side could not be reached.
func (c *call) refuseOrder(r refusal) {
	if c.phase != phaseNew && c.phase != phaseCalling {
		return
	}
	if !c.ringsFirst() {
		c.hang(&c.a.leg)
	}
	c.over(r.why, r.code, r.cause)
}

// overOrder says of an ordered call's end whom it had reached.
func (c *call) overOrder(s *summary) {
	if c.order == nil {
		return
	}
	s.side = c.reaching()
	first := c.order.answered
	if first == nil {
		s.from, s.to = s.to, nil
		return
	}
	s.from = first.trunk
	s.cost += first.candidate.cost // a leg goes through a carrier on either side
	if len(c.b) == c.order.tried {
		s.to = nil
	}
	c.close(first, attemptAnswered, 200, 0)
}
