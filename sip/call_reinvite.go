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
	offer, reply := c.judgeOffer(l, req)
	if reply.Code != 0 {
		c.concludeReinvite(l, req, reply)
		return
	}
	trying := message.Reply{Code: 100}
	l.again.respond(100, trying.Append(nil, req.Head(l.dialog.LocalTag)), c.now)
	c.respond(l, &l.again)
	c.open(l, req, offer)
}

// judgeOffer reads the offer in a re-INVITE or UPDATE, nil where it has none. With a
// code the reply is all there is to say: the offer is no good, says nothing new, or
// cannot go on now; then a 491 makes its sender ask again.
func (c *call) judgeOffer(l *leg, req *message.Request) (*message.SDP, message.Reply) {
	var offer *message.SDP
	if len(req.Body) > 0 {
		var fault *message.Fault
		offer, fault = l.parse(req.Body)
		switch {
		case fault != nil:
			return nil, message.Reply{Code: fault.Code}
		case !c.reaches(l, offer):
			return nil, message.Reply{Code: 488}
		case offer.Content == l.heard && l.fits(offer):
			return nil, c.refreshed(l, req)
		}
	}
	if !c.relays(l) {
		return nil, message.Reply{Code: 491}
	}
	l.hears(req.Allowed())
	return offer, message.Reply{}
}

// refreshed is the answer to a description that is the side's last one.
func (c *call) refreshed(l *leg, req *message.Request) message.Reply {
	l.follow(req.Peer())
	l.hears(req.Allowed())
	reply := message.Reply{Code: 200, Contact: l.own, Allow: true, SDP: l.said}
	if c.established(l) {
		ext := req.Extensions()
		reply.Extensions = c.agree(l, &ext)
	}
	return reply
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
	case c.awaits(l, req.Method):
		return message.Reply{Code: 500, Header: c.retryAfter(l, req.CSeq)}
	case !c.mayChange(l, req.Method) || !l.free():
		return message.Reply{Code: 491}
	default:
		ext := req.Extensions()
		return l.trunk.tooShort(&ext)
	}
}

// awaits reports whether something that the caller offered or sent waits for our
// answer: its first offer, one in a PRACK, or its INVITE where it sends another one.
func (c *call) awaits(l *leg, method string) bool {
	if l.number != legA || c.phase >= phaseAnswered {
		return false
	}
	return method == message.Invite || !c.delayed && !c.a.reliable.told || c.a.reliable.prack.open
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
