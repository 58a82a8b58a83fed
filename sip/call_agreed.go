package sip

import "maskline/sip/message"

// The called side's answer, or offer, in a reliable provisional answer is agreed on
// before the call is answered: that device's early dialog is the leg's from then on,
// until another device answers. Both sides may change the session in it. RFC 3262 §5,
// RFC 3311 §5.1.

// agreeIn takes the early dialog for the leg's.
func (a *attempt) agreeIn(e *early) {
	a.agreed, a.unconfirmed = e, true
	a.dialog, a.hop = e.dialog, e.hop
	a.heard = e.answer.Content
	a.forget()
	a.hears(e.serves)
}

// agreedEarly reports whether the session may change before the answer: both sides
// have agreed on one reliably.
func (c *call) agreedEarly() bool {
	a := c.active
	return c.phase == phaseCalling && a != nil && a.agreed != nil && !a.giving && c.a.reliable.told && c.accepting == nil
}

// mayChange reports whether a request of the leg may change the session now.
func (c *call) mayChange(l *leg, method string) bool {
	return c.established(l) || method != message.Invite && c.agreedEarly() && (l == &c.a.leg || l == &c.active.leg)
}

// mayAsk reports whether a side that agreed early can be offered something: before
// the answer by UPDATE alone.
func (l *leg) mayAsk() bool {
	return l.serves.Has(message.Update) || l.number != legA && !l.unconfirmed
}

// confirm makes the dialog of a 2xx the leg's, and reports whether the session has
// been agreed on in it.
func (c *call) confirm(a *attempt, ev evResponse) bool {
	if a.dialog.RemoteTag != ev.res.ToTag {
		c.leaveEarly(a)
	}
	agreed := a.unconfirmed
	if !agreed {
		a.forget()
	}
	a.offering, a.unconfirmed = nil, false
	a.dialog.RemoteTag = ev.res.ToTag
	a.learn(ev.res.Peer(), ev.source)
	a.hears(ev.res.Allowed())
	return agreed
}

// leaveEarly gives up the early dialog that was the leg's: another device answers, or
// the INVITE goes out again.
func (c *call) leaveEarly(a *attempt) {
	a.offering = nil
	if !a.unconfirmed {
		return
	}
	if c.exchange != nil {
		c.relayFailed(500, c.retryAfter(c.exchange.from, c.exchange.cseq))
	}
	a.agreed, a.unconfirmed, c.speaks = nil, false, ""
	a.ask = ask{}
	a.forget()
	a.dialog.RemoteTag, a.dialog.Routes, a.dialog.Target = "", nil, a.dialog.RemoteURI
	a.hop = a.candidate.address()
	if a.draft != nil {
		a.says(a.draft.SDP, 1) // what the other devices were offered
	}
}

// device is the leg as another device on the called side sees it, while the leg has
// the dialog of one.
func (l *leg) device() *leg {
	other := *l
	other.dialog.RemoteTag, other.unconfirmed = "", false
	other.ask, other.ack = ask{}, heldAck{}
	other.forget()
	return &other
}

// settleEarly notes what both sides have agreed on before the answer.
func (c *call) settleEarly(x *exchange, answer *message.SDP) {
	a := c.active
	c.speaks = answer.Codec()
	if x.to == &a.leg {
		a.agreed.answer = answer
	} else {
		a.agreed.answer = x.offer
	}
	a.early = a.agreed.answer
}

// sendHeld asks the called side what waited for the end of our PRACK: a PRACK that a
// later request overtakes is refused. RFC 3261 §12.2.2.
func (c *call) sendHeld() {
	x := c.exchange
	if x == nil || x.held == "" || x.to == &c.active.leg && x.to.unconfirmed && c.active.pracking() {
		return
	}
	method := x.held
	x.held = ""
	c.ask(x.to, method, x.text, askRelay)
}

// pracking reports whether a PRACK of ours waits for its answer.
func (a *attempt) pracking() bool {
	for _, e := range a.opened {
		if e.prack.running() {
			return true
		}
	}
	return false
}

// resume answers the caller once nothing is being changed any more.
func (c *call) resume() {
	if c.phase == phaseCalling && c.held != nil && c.exchange == nil {
		c.connect(c.active, c.held)
	}
}
