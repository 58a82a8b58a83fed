package sip

import "maskline/sip/message"

// onReinvite changes the session or refreshes it. The same description again is
// answered with ours, whatever its version says; another one is passed on. RFC 3261
// §14.2.
func (c *call) onReinvite(l *leg, req *message.Request) {
	if req.Branch == l.again.branch && req.CSeq == l.again.cseq {
		if l.again.last != nil {
			c.respond(l, &l.again)
		}
		return
	}
	if reply := c.mayModify(l, req); reply.Code != 0 {
		c.conclude(l, req, reply)
		return
	}
	l.seen = req.CSeq
	l.again.begin(req)
	if len(req.Body) == 0 {
		c.reinvited(l, req, nil)
		return
	}
	offer, fault := l.parse(req.Body)
	switch {
	case fault != nil:
		c.concludeReinvite(l, req, message.Reply{Code: fault.Code})
	case !c.reaches(l, offer):
		c.concludeReinvite(l, req, message.Reply{Code: 488})
	case offer.Content == l.heard && l.fits(offer):
		l.follow(req.Peer())
		l.hears(req.Allowed())
		ext := req.Extensions()
		c.concludeReinvite(l, req, message.Reply{Code: 200, Contact: l.own, Allow: true, Extensions: c.agree(l, &ext), SDP: l.said})
	default:
		c.reinvited(l, req, offer)
	}
}

// reinvited passes a change on. Where the other side is busy, a 491 makes this one
// ask again.
func (c *call) reinvited(l *leg, req *message.Request, offer *message.SDP) {
	if !c.relays(l) {
		c.concludeReinvite(l, req, message.Reply{Code: 491})
		return
	}
	l.hears(req.Allowed())
	trying := message.Reply{Code: 100}
	l.again.respond(100, trying.Append(nil, req.Head(l.dialog.LocalTag)), c.now)
	c.respond(l, &l.again)
	c.open(l, req, offer)
}

func (c *call) concludeReinvite(l *leg, req *message.Request, reply message.Reply) {
	l.again.respond(reply.Code, c.answer(l, req, reply), c.now)
}

// mayModify judges a re-INVITE or UPDATE by what else is going on in the dialog; its
// code is 0 where nothing speaks against it. RFC 3261 §12.2.2, §14.2, RFC 3311 §5.2.
func (c *call) mayModify(l *leg, req *message.Request) message.Reply {
	switch {
	case c.phase == phaseOver || l.ended:
		return message.Reply{Code: 481}
	case req.CSeq <= l.seen:
		return message.Reply{Code: 500}
	case l.again.state == txProceeding || l.update.open: // we have not answered its last one
		return message.Reply{Code: 500, Header: c.retryAfter(l, req.CSeq)}
	case l.number == legA && c.phase < phaseAnswered && !c.delayed: // its offer waits for our answer
		return message.Reply{Code: 500, Header: c.retryAfter(l, req.CSeq)}
	case !c.established(l) || !l.free():
		return message.Reply{Code: 491}
	default:
		ext := req.Extensions()
		return l.trunk.tooShort(&ext)
	}
}

// onCancelInDialog takes a re-INVITE back. The other side decides: should it agree in
// that moment, the change holds, as RFC 3261 §9.2 lets it.
func (c *call) onCancelInDialog(l *leg, req *message.Request) {
	if req.Branch != l.again.branch {
		c.answer(l, req, message.Reply{Code: 481})
		return
	}
	c.answer(l, req, message.Reply{Code: 200})
	if x := c.exchange; x != nil && x.from == l && l.again.state == txProceeding {
		x.taken = true
		c.cancelAsk(x.to)
	}
}
