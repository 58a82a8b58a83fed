package sip

import (
	"time"

	"maskline/sip/message"
)

// reliable sends the provisional answers to the caller one at a time, each again
// until its PRACK. RFC 3262 §3.
type reliable struct {
	on      bool
	rseq    uint32       // of the latest one
	open    bool         // it has not been acknowledged
	sdp     []byte       // the session description in it; nil: none
	version uint64       // of sdp
	told    bool         // the caller has acknowledged a session description: that was our answer
	now     *message.SDP // what the called side answered since
	every   time.Duration
	resend  time.Time
	end     time.Time
	waiting *message.Reply // what comes after it
	prack   served         // the PRACK that counted last
}

func (r *reliable) next() time.Time { return sooner(r.resend, r.end, r.prack.end) }

// quieten stops repeating. Its PRACK may still come.
func (r *reliable) quieten() {
	r.waiting, r.resend, r.end = nil, time.Time{}, time.Time{}
}

func (r *reliable) due(now time.Time) txDue {
	r.prack.tick(now)
	if reached(r.end, now) {
		r.quieten()
		return txTimeout
	}
	if !reached(r.resend, now) {
		return txNothing
	}
	r.every *= 2 // without the bound of T2
	r.resend = now.Add(r.every)
	return txResend
}

// inform gives the caller a provisional answer, reliably if it can be. Without an
// offer in its INVITE the first reliable one has to hold ours (RFC 3261 §13.2.1):
// before we have it who insists hears nothing.
func (c *call) inform(reply message.Reply) {
	r := &c.a.reliable
	offerless := c.delayed && reply.SDP == nil && !c.early
	switch {
	case offerless && c.a.wants.Required.Has(message.Reliable):
	case !r.on || offerless:
		c.tell(reply)
	case r.open:
		if r.waiting != nil && reply.SDP == nil {
			reply.SDP = r.waiting.SDP
		}
		r.waiting = &reply
	default:
		c.informReliably(reply)
	}
}

// mostReliable is the highest first RSeq. RFC 3262 §3.
const mostReliable = 1<<31 - 1

func (c *call) informReliably(reply message.Reply) {
	r := &c.a.reliable
	if r.rseq == 0 {
		r.rseq = uint32(c.number(legA)%mostReliable) + 1
	} else {
		r.rseq++
	}
	reply.Extensions.Required, reply.Extensions.RSeq = message.Reliable, r.rseq
	c.tell(reply)
	r.open, r.sdp, r.version = true, reply.SDP, c.a.version
	r.every, r.resend, r.end = t1, c.now.Add(t1), c.now.Add(t64)
}

// tickReliable repeats a provisional answer. A caller that never acknowledges it
// is refused. RFC 3262 §3.
func (c *call) tickReliable() {
	switch c.a.reliable.due(c.now) {
	case txResend:
		c.respond(&c.a.leg, &c.a.invite)
	case txTimeout:
		c.refuse(refusal{code: 504, cause: causeTimer, why: "no_prack"})
	case txNothing:
	}
}

// tellAgain offers the caller what the called side answered, where that is not what
// the caller was told reliably: another device answered, or other media.
func (c *call) tellAgain() {
	s := c.a.reliable.now
	c.a.reliable.now = nil
	if s == nil || !c.a.free() {
		return
	}
	text, version := c.describe(&c.a.leg, s)
	if version == c.a.version {
		return
	}
	c.a.says(text, version)
	method := message.Invite
	if c.a.serves.Has(message.Update) {
		method = message.Update
	}
	c.ask(&c.a.leg, method, text, askRestore)
}

// onPrack acknowledges a provisional answer of ours. RFC 3262 §3.
func (c *call) onPrack(l *leg, req *message.Request) {
	r := &c.a.reliable
	if l.number != legA {
		c.answer(l, req, message.Reply{Code: 481})
		return
	}
	if r.prack.is(req) {
		if r.prack.last != nil {
			c.repeat(l, req, r.prack.last)
		}
		return
	}
	ack := req.Extensions().RAck
	switch {
	case !r.open || ack.RSeq != r.rseq || ack.CSeq != c.a.invite.cseq || ack.Method != message.Invite:
		c.answer(l, req, message.Reply{Code: 481})
		return
	case req.CSeq <= l.seen:
		c.answer(l, req, message.Reply{Code: 500})
		return
	}
	l.seen, r.open = req.CSeq, false
	r.prack.begin(req)
	described := r.sdp != nil
	if described { // what came after it is no answer
		r.told = true
		c.a.says(r.sdp, r.version)
		r.sdp = nil
	}
	waiting := r.waiting
	r.quieten()
	if described && c.delayed {
		c.onAnswerInPrack(req)
	} else {
		c.onOfferInPrack(req)
	}
	switch {
	case c.a.invite.state != txProceeding:
	case c.held != nil:
		c.connect(c.active, c.held)
	case waiting != nil:
		if r.told {
			waiting.SDP = nil // the caller has our answer
		}
		c.informReliably(*waiting)
	}
}

// onOfferInPrack answers the PRACK. An offer in it that changes the session is passed
// on as one in an UPDATE, if that can be now. The PRACK counts all the same. RFC 3262
// §5.
func (c *call) onOfferInPrack(req *message.Request) {
	if len(req.Body) == 0 {
		c.concludePrack(req, message.Reply{Code: 200})
		return
	}
	if !c.a.reliable.told { // what the caller offered before has no answer yet
		c.concludePrack(req, message.Reply{Code: 488})
		return
	}
	offer, fault := c.a.parse(req.Body)
	switch {
	case fault != nil || !c.reaches(&c.a.leg, offer):
		c.concludePrack(req, message.Reply{Code: 488})
	case offer.Content == c.a.heard && c.a.fits(offer):
		c.concludePrack(req, message.Reply{Code: 200, SDP: c.a.said})
	case c.exchange != nil || !c.a.free():
		c.concludePrack(req, message.Reply{Code: 491})
	case !c.relays(&c.a.leg):
		c.concludePrack(req, message.Reply{Code: 488})
	default:
		c.open(&c.a.leg, req, offer)
	}
}

func (c *call) concludePrack(req *message.Request, reply message.Reply) {
	c.a.reliable.prack.respond(c.answer(&c.a.leg, req, reply), c.now)
}

// extend takes part in what the caller supports. It is false where the caller
// needs what its trunk is not to have, and is refused. RFC 3261 §8.2.2.3.
func (c *call) extend(e *message.Extensions) bool {
	ours := c.a.trunk.extensions()
	if missing := e.Required &^ ours; missing != 0 {
		c.tell(message.Reply{Code: 420, Header: missing.Unsupported()})
		c.over("extension", 420, 0)
		return false
	}
	if reply := c.a.trunk.tooShort(e); reply.Code != 0 {
		c.tell(reply)
		c.over("session_interval", reply.Code, 0)
		return false
	}
	c.a.reliable.on = ours.Has(message.Reliable) && (e.Supported | e.Required).Has(message.Reliable)
	return true
}

// extensions are those that calls with the trunk may use.
func (t *trunk) extensions() message.OptionTags {
	var o message.OptionTags
	if t.Reliable != ReliableOff {
		o |= message.Reliable
	}
	if t.SessionExpires >= 0 {
		o |= message.Timer
	}
	return o
}

// keepRinging repeats the last provisional answer, lest proxies on the caller's
// side give the call up: their timer C is no less than three minutes. RFC 3261
// §13.3.1.1, §16.6.
func (c *call) keepRinging() {
	if !reached(c.ringAgain, c.now) {
		return
	}
	c.ringAgain = c.now.Add(ringEvery)
	if c.a.reliable.on {
		c.inform(message.Reply{Code: c.relayed})
	} else {
		c.respond(&c.a.leg, &c.a.invite)
	}
}

const ringEvery = time.Minute
