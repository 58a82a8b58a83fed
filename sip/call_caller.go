package sip

import (
	"time"

	"maskline/sip/message"
)

// onInvite opens leg A: 100 at once, then the offer is read and routing asked.
func (c *call) onInvite(ev evInvite) {
	req := ev.req
	c.began, c.secret = c.now, ev.secret
	c.a.leg = leg{
		number: legA, trunk: ev.trunk, socket: ev.socket, over: ev.over, conn: req.Conn, own: ev.own, seen: req.CSeq,
		from: req.Source.Addr(),
		dialog: message.Dialog{
			CallID: req.CallID, LocalURI: req.ToURI(), RemoteURI: req.FromURI(), RemoteTag: req.FromTag,
			LocalTag: c.tokens.String(token{call: c.id, kind: tagToken, leg: legA}),
		},
	}
	c.a.learn(req.Peer(), req.Source)
	c.a.hears(req.Allowed())
	c.a.head, c.a.recordRoute = req.Head(c.a.dialog.LocalTag), req.RecordRoute()
	c.a.maxForwards, c.a.req = req.MaxForwards, req
	c.a.invite.begin(req)
	c.tell(message.Reply{Code: 100})

	c.a.wants, c.delayed = req.Extensions(), len(req.Body) == 0
	if !c.extend(&c.a.wants) {
		return
	}
	if !c.delayed {
		offer, fault := c.a.parse(req.Body)
		if fault != nil {
			c.refuse(refusal{code: fault.Code, why: fault.Name})
			return
		}
		c.offer, c.a.heard, c.a.layout = offer, offer.Content, offer.Layout()
	}
	c.route()
}

// route asks where the call goes.
func (c *call) route() {
	req, numbers := c.a.req, &c.a.trunk.cli.Numbers
	called := req.Called(numbers)
	c.do(actRoute{dialled: called.Dialled, to: called.Number, from: req.Caller(numbers, c.a.trunk.TrustPAI)})
}

// tell answers the INVITE.
func (c *call) tell(reply message.Reply) {
	if reply.Code > 100 && reply.Code < 300 {
		reply.Contact, reply.RecordRoute = c.a.own, c.a.recordRoute
		reply.Allow = reply.Code >= 200
	}
	if reply.Code >= 200 {
		c.a.reliable.quieten()
		c.ringAgain = time.Time{}
	}
	data := reply.Append(nil, c.a.head)
	c.a.invite.respond(reply.Code, data, c.now)
	c.respond(&c.a.leg, &c.a.invite)
}

// refuse answers the INVITE for good and ends the call.
func (c *call) refuse(r refusal) {
	if c.order != nil {
		c.refuseOrder(r)
		return
	}
	if c.a.invite.state != txProceeding {
		return
	}
	c.tell(message.Reply{Code: r.code, Cause: r.cause})
	c.over(r.why, r.code, r.cause)
}

func (c *call) onRepeated() {
	if c.a.invite.last != nil && c.a.invite.state != txAccepted {
		c.respond(&c.a.leg, &c.a.invite)
	}
}

// onCancel ends the INVITE; a CANCEL that crosses our final answer is answered
// and has no effect. RFC 3261 §9.2.
func (c *call) onCancel(req *message.Request) {
	if !c.a.isFrom(req.Source, req.Trunk, req.Names) {
		return
	}
	c.answer(&c.a.leg, req, message.Reply{Code: 200})
	c.refuse(refusal{code: 487, why: "cancelled"})
}

func (c *call) onRouted(ev evRouted) {
	if c.order != nil {
		c.onSideRouted(&ev)
		return
	}
	if c.phase != phaseNew {
		return
	}
	if ev.contact != nil && c.contact == nil {
		c.awaitSlot(&ev)
		return
	}
	if ev.refused != nil {
		c.dismiss(ev.announce, *ev.refused)
		return
	}
	if c.cannotAsk(&ev) {
		c.refuse(refusal{code: 488, why: "no_offer"})
		return
	}
	if c.a.req.Locates() && !ev.emergency {
		c.refuseLocation()
		return
	}
	c.plan, c.last, c.emergency = ev, ev.otherwise, ev.emergency
	if !ev.emergency {
		c.a.req = nil
	}
	c.phase = phaseCalling
	c.allocate()
}

// refuseLocation answers a call that must carry where the caller is and goes to
// somebody who must not learn it.
func (c *call) refuseLocation() {
	c.tell(message.Reply{Code: 415, Header: "Accept: " + message.Accept})
	c.over("location", 415, 0)
}

func (c *call) onAllocated(ev evAllocated) {
	if c.phase != phaseCalling {
		return
	}
	if c.announcing != nil {
		c.announceAt(ev)
		return
	}
	if !ev.localA.IsValid() {
		c.refuse(refusal{code: 503, cause: causeTemporary, why: "no_media_ports"})
		return
	}
	c.a.local, c.localB = ev.localA, ev.localB
	if !c.delayed && c.order == nil {
		c.do(actRemote{SideA, c.remote(&c.a.leg, c.offer)})
	}
	c.tryNext()
}

// onMediaFault ends a call of which one side cannot be sent media.
func (c *call) onMediaFault(ev evMediaFault) {
	switch {
	case c.announcing != nil:
		c.endAnnouncement()
		return
	case c.accepting != nil && ev.side == c.accepting.attempt.side():
		c.unaccepted()
		return
	}
	if c.phase == phaseNew || c.phase == phaseCalling {
		if ev.side == SideA || c.held != nil {
			c.refuse(refusal{code: 488, why: "media_address"})
		} else if c.active != nil {
			c.active.early = nil // the relay does not have it; the answer may be better
		}
		return
	}
	c.end("media_address")
}

// onAck ends the repetition of our final answer.
func (c *call) onAck(l *leg, req *message.Request) {
	if l.number == legA && req.CSeq == c.a.invite.cseq {
		accepted := c.a.invite.state == txAccepted
		if !c.a.invite.acknowledged(c.now) || !accepted {
			return
		}
		if c.phase == phaseAnswered && !c.alone() && c.active.ack.waits {
			c.onAnswerToDelayed(req)
		}
		if c.phase == phaseAnswered {
			c.phase = phaseUp
			c.trim()
			c.tellAgain()
		}
		if c.a.byeWanted {
			c.hang(l)
		}
		return
	}
	if req.CSeq == l.again.cseq {
		accepted := l.again.state == txAccepted
		if !l.again.acknowledged(c.now) || !accepted {
			return
		}
		if x := c.exchange; x != nil && x.from == l && x.answered {
			c.onAnswerInAck(req)
		}
	}
}

// tickInvite repeats the final answer until its ACK. Without one the call ends:
// RFC 3261 §13.3.1.4.
func (c *call) tickInvite() {
	accepted := c.a.invite.state == txAccepted
	switch c.a.invite.due(c.now) {
	case txResend:
		c.respond(&c.a.leg, &c.a.invite)
	case txTimeout:
		if !accepted {
			return
		}
		if c.phase == phaseAnswered {
			c.end("no_ack")
		} else {
			c.hang(&c.a.leg)
		}
	case txNothing:
	}
}

// onRing tells the caller of a provisional answer, each code once and each
// session description once, so that candidates tried in turn look like one.
func (c *call) onRing(code int, media message.EarlyMedia, sdp []byte) {
	if c.order != nil {
		c.hearSecond(sdp)
		return
	}
	if !c.a.wants.EarlyMedia.Has(message.EarlySupported) {
		media = 0
	}
	if sdp == nil && code == c.relayed && (media == 0 || media == c.relayedMedia) {
		return
	}
	c.relayed, c.relayedMedia, c.ringAgain = code, media, c.now.Add(ringEvery)
	c.ringing()
	c.inform(message.Reply{Code: code, Extensions: message.Extensions{EarlyMedia: media}, SDP: sdp})
}

func (c *call) ringing() {
	if !c.rang {
		c.rang = true
		if c.phase == phaseCalling {
			c.ringingAt = c.now
		}
		c.do(actRinging{after: c.now.Sub(c.began)})
	}
}

// connect answers the caller with the called side's description, not before a
// reliable one of ours is acknowledged and a change of it is answered, and not with a
// second one after it. RFC 3262 §3, RFC 3261 §13.2.1.
func (c *call) connect(a *attempt, answer *message.SDP) {
	if c.order != nil {
		c.orderAnswered(a, answer)
		return
	}
	if c.a.reliable.open && c.a.reliable.sdp != nil || c.exchange != nil {
		c.held = answer
		return
	}
	c.held = nil
	c.answered = c.now
	c.phase, c.codec = phaseAnswered, answer.Codec()
	if a.agreed != nil && c.speaks != "" {
		c.codec = c.speaks
	}
	c.expires = c.now.Add(min(c.a.trunk.MaxDuration, a.trunk.MaxDuration))
	c.ringing()
	c.speaks = c.codec
	c.do(actAnswered{c.codec})
	reply := message.Reply{Code: 200, Extensions: c.agree(&c.a.leg, &c.a.wants)}
	switch {
	case !c.a.reliable.told:
		reply.SDP = c.describeCalled(answer)
	case a.agreed == nil:
		c.a.reliable.now = answer
	}
	c.tell(reply)
	c.a.req = nil
}

// describeCalled writes the called side's description for the caller; a changed one
// gets a new version.
func (c *call) describeCalled(answer *message.SDP) []byte {
	c.a.says(c.describe(&c.a.leg, answer))
	return c.a.said
}
