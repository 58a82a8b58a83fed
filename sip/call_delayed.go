package sip

import "maskline/sip/message"

// An INVITE without an offer: the called side's 2xx has it, the caller's ACK the
// answer. RFC 3261 §13.2.1. The called side's ACK waits for that.

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
	case a.offer == nil:
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
