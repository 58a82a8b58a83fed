package sip

import "maskline/sip/message"

// An INVITE without an offer: the called side's 2xx has it, the caller's ACK the
// answer. RFC 3261 §13.2.1. The called side's ACK waits for that. Where both sides
// have 100rel, the offer may come in a reliable provisional answer, and the answer in
// the PRACK: the called side's PRACK waits for the caller's. RFC 3262 §5.

// takesEarlyOffer reports whether a trunk may offer before the answer: the caller must
// be able to answer then.
func (c *call) takesEarlyOffer(t *trunk) bool {
	return c.a.reliable.on && t.EarlyMedia != EarlyMediaRing
}

// hearOffer is an offer in a reliable provisional answer. The first device's waits
// for the caller's answer. Those that nobody will answer get one without media.
func (c *call) hearOffer(a *attempt, res *message.Response, p *provisional) {
	e := p.early
	e.reliable, e.answer = true, c.read(&e.leg, res.Body)
	p.offer = e.answer
	if p.offer != nil {
		p.offer = p.offer.For(c.a.policy())
	}
	first := !a.giving && a == c.active && c.phase == phaseCalling && !c.early
	if first && p.offer != nil {
		a.offering, a.mux = e, e.mux
	} else {
		c.declineInPrack(a, e)
	}
	p.offers = first
}

func (c *call) declineInPrack(a *attempt, e *early) {
	var sdp []byte
	if e.answer != nil {
		a.latest++
		sdp = c.declines(&e.leg, e.answer).AppendInactive(nil, message.Origin{ID: c.number(a.number), Version: a.latest}, a.local)
	}
	c.acknowledgeReliably(a, e, sdp)
}

// passEarlyOffer gives the caller the offer in a reliable provisional answer.
func (c *call) passEarlyOffer(a *attempt, p provisional, res *message.Response) {
	if p.offer == nil {
		c.close(a, attemptBadAnswer, res.Code, 0)
		c.cancel(a)
		c.failed(a, false, refusal{488, 0, "bad_answer"})
		return
	}
	s := p.early.answer
	a.offer, a.layout = p.offer, s.Layout()
	a.early, a.earlyTag, c.early = s, res.ToTag, true
	c.adoptSide(&a.leg, s)
	c.onRing(res.Code, p.media, c.describeCalled(a.offer))
}

// onAnswerInPrack takes the caller's answer to that offer.
func (c *call) onAnswerInPrack(req *message.Request) {
	a := c.active
	if c.phase != phaseCalling || a == nil || a.offering == nil {
		c.concludePrack(req, message.Reply{Code: 200})
		return
	}
	e := a.offering
	a.offering = nil
	s := c.read(&c.a.leg, req.Body)
	if s == nil || !c.a.takes(s, a.offer) {
		c.concludePrack(req, message.Reply{Code: 488})
		c.declineInPrack(a, e)
		c.refuse(refusal{488, 0, "bad_answer"})
		return
	}
	c.concludePrack(req, message.Reply{Code: 200})
	c.speaks = s.Codec()
	a.agreeIn(e)
	c.adoptSide(&c.a.leg, s)
	a.says(c.describe(&a.leg, s))
	c.acknowledgeReliably(a, e, a.said)
}

// onOffered takes the offer in a 2xx.
func (c *call) onOffered(a *attempt, ev evResponse) {
	s := c.read(&a.leg, ev.res.Body)
	a.ack = heldAck{waits: true, seq: seqAck, cseq: ev.res.CSeq, offer: s}
	if s != nil {
		a.offer = s.For(c.a.policy())
	}
	switch {
	case a != c.active || c.phase != phaseCalling:
		c.hang(&a.leg)
	case a.offer == nil || c.early: // the caller has another device's offer
		c.hang(&a.leg)
		c.close(a, attemptBadAnswer, ev.res.Code, 0)
		c.failed(a, false, refusal{488, 0, "bad_answer"})
	default:
		a.layout = s.Layout()
		c.adoptSide(&a.leg, s)
		c.connect(a, a.offer)
	}
}

// onAnswerToDelayed takes the answer in the caller's ACK.
func (c *call) onAnswerToDelayed(req *message.Request) {
	a := c.active
	s := c.read(&c.a.leg, req.SDP())
	if s == nil || !c.a.takes(s, a.offer) {
		c.end("bad_answer")
		return
	}
	c.adoptSide(&c.a.leg, s)
	a.says(c.describe(&a.leg, s))
	c.releaseAck(&a.leg, a.said)
}

// declineFork acknowledges another device's 2xx; an offer in it gets a valid answer,
// and no media.
func (c *call) declineFork(f *fork, ev evResponse) {
	var sdp []byte
	if c.delayed {
		if s := c.read(&f.leg, ev.res.Body); s != nil {
			sdp = c.declines(&f.leg, s).AppendInactive(nil, message.Origin{ID: c.number(f.number), Version: 1}, f.local)
		}
	}
	c.sendAck(&f.leg, f.seq, ev.res.CSeq, sdp)
}
