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
	l.conn = req.Conn
	switch {
	case l.dialog.RemoteTag == "":
		l.forget()
	case l.unconfirmed && req.FromTag != l.dialog.RemoteTag:
		l = l.device()
	}
	if c.onVoiceRequest(l, req) {
		return
	}
	switch req.Method {
	case message.Invite, message.Update, message.Info:
		if c.answersAgain(l, req) {
			return
		}
	}
	switch req.Method {
	case message.Ack:
		c.onAck(l, req)
	case message.Bye:
		c.onBye(l, req)
	case message.Invite:
		c.onReinvite(l, req)
	case message.Prack:
		c.onPrack(l, req)
	case message.Update:
		c.onUpdate(l, req)
	case message.Info:
		c.onInfo(l, req)
	case message.Cancel:
		c.onCancelInDialog(l, req)
	default:
		c.onOther(l, req)
	}
}

// forget starts the peer's count of requests anew: before the answer each device on
// the called side has its own.
func (l *leg) forget() { l.seen, l.answered, l.update = 0, nil, served{} }

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
	case "REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER", "MESSAGE":
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
	c.declineHeld(l)
	l.ended = true
	if l == &c.a.leg {
		c.callerLeft()
	} else {
		c.calleeLeft(c.b[l.number])
	}
}

func (c *call) callerLeft() {
	if c.order != nil && c.phase == phaseCalling {
		c.refuseOrder(refusal{code: 487, why: "cancelled"})
		return
	}
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

// established reports whether a side's dialog is in use.
func (c *call) established(l *leg) bool {
	switch c.phase {
	case phaseUp:
		return l == &c.a.leg || c.active != nil && l == &c.active.leg
	case phaseAnswered:
		return l.number != legA && c.active != nil && l == &c.active.leg
	default:
		return false
	}
}
