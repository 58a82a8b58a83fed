package sip

import "maskline/sip/message"

// onRequest is a request with our tag in To.
func (c *call) onRequest(ev evRequest) {
	l, req := c.leg(ev.leg), ev.req
	if l == nil {
		return
	}
	if !l.knows(req) {
		if req.Method != message.Ack {
			c.answer(l, req, message.Reply{Code: 481})
		}
		return
	}
	if c.onVoiceRequest(l, req) {
		return
	}
	switch req.Method {
	case message.Ack:
		c.onAck(l, req)
	case message.Bye:
		c.onBye(l, req)
	case message.Invite:
		c.onReinvite(l, req)
	case message.Cancel: // we have answered what it is about: no effect, RFC 3261 §9.2
		code := 481
		if req.Branch == l.again.branch {
			code = 200
		}
		c.answer(l, req, message.Reply{Code: code})
	default:
		c.onOther(l, req)
	}
}

// onOther is a request that changes nothing in the dialog.
func (c *call) onOther(l *leg, req *message.Request) {
	switch {
	case c.phase == phaseOver || l.ended:
		c.answer(l, req, message.Reply{Code: 481})
	case req.Method == message.Options:
		c.answer(l, req, message.Reply{Code: 200, Allow: true})
	default:
		c.answer(l, req, message.Reply{Code: refuseMethod(req.Method), Allow: true})
	}
}

// refuseMethod tells known methods that we don't serve from unknown ones.
func refuseMethod(method string) int {
	switch method {
	case "REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER", "INFO", "MESSAGE", "PRACK", "UPDATE":
		return 405
	default:
		return 501
	}
}

// onBye ends the dialog with one side, and so the call.
func (c *call) onBye(l *leg, req *message.Request) {
	if req.CSeq < l.seen { // RFC 3261 §12.2.2
		c.answer(l, req, message.Reply{Code: 500})
		return
	}
	c.answer(l, req, message.Reply{Code: 200})
	l.seen, l.byeUntil = req.CSeq, c.now.Add(t64)
	if l.ended {
		return // repeated, or crossing ours
	}
	l.ended = true
	if l.number == legA {
		c.callerLeft()
	} else {
		c.calleeLeft(c.b[l.number])
	}
}

func (c *call) callerLeft() {
	if c.a.invite.state == txProceeding { // RFC 3261 §15: an early dialog may be ended by BYE too
		c.refuse(refusal{code: 487, why: "cancelled"})
		return
	}
	if c.a.invite.state == txAccepted {
		c.a.invite.stop() // the ACK was lost or is late
	}
	c.end("caller")
}

func (c *call) calleeLeft(a *attempt) {
	if a != c.active {
		return
	}
	if c.phase == phaseCalling { // its answer was lost or is late
		c.report(a, true)
		c.close(a, attemptRefused, 480, 0)
		c.refuse(refusal{code: 480, cause: causeNormal, why: "callee"})
		return
	}
	c.end("callee")
}

// onReinvite answers a repeated session description with ours: a refresh,
// whatever its version says. A changed one is refused, which leaves the session as
// it is. RFC 3261 §14.2.
func (c *call) onReinvite(l *leg, req *message.Request) {
	if req.Branch == l.again.branch && req.CSeq == l.again.cseq {
		if l.again.last != nil {
			c.respond(l, &l.again)
		}
		return
	}
	switch {
	case c.phase == phaseOver || l.ended:
		c.answer(l, req, message.Reply{Code: 481})
		return
	case req.CSeq <= l.seen:
		c.answer(l, req, message.Reply{Code: 500})
		return
	case !c.established(l) || l.again.state == txCompleted || l.again.state == txAccepted:
		c.answer(l, req, message.Reply{Code: 491})
		return
	}
	l.seen = req.CSeq
	l.again.begin(req)
	reply := message.Reply{Code: 488}
	if offer, fault := message.ParseSDP(req.Body, &l.trunk.media); fault == nil && offer.Content == l.heard {
		reply = message.Reply{Code: 200, Contact: l.own, Allow: true, SDP: l.said}
		l.follow(req.Peer())
	}
	l.again.respond(reply.Code, c.answer(l, req, reply), c.now)
}

// established reports whether a side's dialog is in use.
func (c *call) established(l *leg) bool {
	switch c.phase {
	case phaseUp:
		return l.number == legA || c.active != nil && l == &c.active.leg
	case phaseAnswered:
		return l.number != legA && c.active != nil && l == &c.active.leg
	default:
		return false
	}
}
