package sip

import (
	"slices"
	"time"

	"maskline/sip/message"
)

// accepting is a called side that has answered and has not yet pressed the key:
// what answered may be a machine. The caller still hears ringing.
type accepting struct {
	attempt *attempt
	answer  *message.SDP
	until   time.Time
}

const acceptKey = '1'

// ringTime is how long an attempt may ring.
func (c *call) ringTime(a *attempt) time.Duration {
	if c.plan.ring > 0 && !c.emergency {
		return min(a.trunk.Ring, c.plan.ring)
	}
	return a.trunk.Ring
}

// mustAccept reports whether the called person is asked first.
func (c *call) mustAccept(a *attempt) bool {
	return c.plan.accept > 0 && !c.emergency && a.trunk.Carrier != ""
}

// askToAccept lets the called side hear what to press. Until then neither side
// hears the other.
func (c *call) askToAccept(a *attempt, answer *message.SDP) {
	c.accepting = &accepting{a, answer, c.now.Add(c.plan.accept)}
	codec, ok := answer.G711()
	if !ok {
		c.unaccepted()
		return
	}
	c.do(actSeparate{true})
	if events, ok := answer.Keys(); ok {
		c.do(actListen{a.side(), events})
	}
	c.do(actPlay{a.side(), Prompt{Name: promptAccept, Codec: codec, Pause: pauseBetween}})
	if a.side() == SideA {
		return
	}
	if a.early == nil {
		c.onRing(180, 0, nil)
	} else if codec, ok := a.early.G711(); ok { // early media has ended with the answer
		c.do(actPlay{SideA, Prompt{Name: promptRingback, Codec: codec}})
	}
}

// cannotAsk reports whether the called person would have to be asked and the INVITE
// has no offer: there is no media before the caller's answer.
func (c *call) cannotAsk(ev *evRouted) bool {
	if !c.delayed || ev.accept == 0 || ev.emergency {
		return false
	}
	return slices.ContainsFunc(ev.candidates, func(to candidate) bool { return to.trunk.Carrier != "" })
}

// onKeyInfo is a key that came by signalling.
func (c *call) onKeyInfo(l *leg, req *message.Request) {
	switch {
	case c.answersAgain(l, req):
		return
	case req.CSeq <= l.seen:
		c.answer(l, req, message.Reply{Code: 500})
		return
	}
	dtmf, fault := req.DTMF()
	if fault != nil {
		c.conclude(l, req, message.Reply{Code: fault.Code, Header: fault.Header})
		return
	}
	c.conclude(l, req, message.Reply{Code: 200})
	c.onDigit(evDigit{l.side(), dtmf.Key})
}

// onDigit connects the call if it is the key.
func (c *call) onDigit(ev evDigit) {
	g := c.accepting
	if g == nil || c.phase != phaseCalling || ev.side != g.attempt.side() || ev.key != acceptKey {
		return
	}
	c.accepting = nil
	c.do(actListen{ev.side, listenNoMore})
	c.do(actHush{SideB})
	c.do(actHush{SideA})
	c.do(actSeparate{false})
	c.connect(g.attempt, g.answer)
}

// unaccepted hangs up on a called side that did not press the key, or could not be
// asked.
func (c *call) unaccepted() {
	a := c.accepting.attempt
	c.accepting = nil
	if c.phase != phaseCalling {
		return
	}
	c.hang(&a.leg)
	c.close(a, attemptUnaccepted, 480, 0)
	c.failed(a, false, refusal{480, causeNoAnswer, "not_accepted"})
}
