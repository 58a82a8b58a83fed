package sip

import "maskline/sip/message"

// early is the dialog that one device of the called side opened by a provisional
// answer. RFC 3261 §12.1, RFC 3262 §4.
type early struct {
	leg
	rseq     uint32 // of its latest reliable answer; 0: none
	answer   *message.SDP
	reliable bool   // answer came reliably: it is the answer, or the offer
	answers  []byte // in our PRACK, to its offer
	prack    client
	seq      uint16 // of the PRACK under way
	rack     message.RAck
}

// mostEarly bounds the devices of which an attempt keeps track.
const mostEarly = 8

// mostPracks bounds the PRACKs of one attempt.
const mostPracks = 1 << 12

// provisional is what hear makes of a provisional answer.
type provisional struct {
	early    *early // nil where no dialog is kept
	reliable bool
	repeated bool // it was heard before, or came out of its order
	media    message.EarlyMedia
	offers   bool // where the INVITE did not: its description waits for the caller's answer
	offer    *message.SDP
}

// offered are the extensions in the INVITE to a trunk.
func (c *call) offered(t *trunk) message.Extensions {
	e := message.Extensions{Supported: t.extensions()}
	if t.Reliable == ReliableRequired && !c.emergency {
		e.Required, e.Supported = message.Reliable, e.Supported&^message.Reliable
	}
	if c.order != nil || c.delayed && !c.takesEarlyOffer(t) {
		e.Supported &^= message.Reliable
		e.Required = 0
	}
	if t.SessionExpires >= 0 {
		e.Expires = t.SessionExpires
	}
	if c.a.wants.EarlyMedia.Has(message.EarlySupported) {
		e.EarlyMedia = message.EarlySupported
	}
	return e
}

// dialogWith finds the early dialog with a tag.
func (a *attempt) dialogWith(tag string) *early {
	for _, e := range a.opened {
		if e.dialog.RemoteTag == tag {
			return e
		}
	}
	return nil
}

// newEarly is nil without a tag, and where there are too many.
func (a *attempt) newEarly(ev evResponse) *early {
	if len(a.opened) == mostEarly || ev.res.ToTag == "" {
		return nil
	}
	e := &early{leg: a.leg}
	e.dialog.RemoteTag, e.dialog.Target = ev.res.ToTag, a.dialog.RemoteURI
	e.learn(ev.res.Peer(), ev.source)
	a.opened = append(a.opened, e)
	return e
}

// hear notes a provisional answer in its early dialog and acknowledges a reliable
// one. RFC 3262 §4.
func (c *call) hear(a *attempt, ev evResponse) provisional {
	ext := ev.res.Extensions()
	p := provisional{early: a.dialogWith(ev.res.ToTag), media: ext.EarlyMedia &^ message.EarlySupported}
	wanted := ext.Required.Has(message.Reliable) && ext.RSeq != 0 && a.trunk.Reliable != ReliableOff &&
		c.order == nil && (!c.delayed || c.takesEarlyOffer(a.trunk))
	if p.early == nil && (wanted || len(ev.res.Body) > 0) {
		p.early = a.newEarly(ev)
	}
	e := p.early
	if e != nil {
		e.hears(ev.res.Allowed())
	}
	if e == nil || !wanted {
		return p
	}
	if e.rseq != 0 && ext.RSeq != e.rseq+1 || a.asks == mostPracks || a.offering == e {
		p.repeated = true
		return p
	}
	p.reliable, e.rseq = true, ext.RSeq
	e.rack = message.RAck{RSeq: ext.RSeq, CSeq: ev.res.CSeq, Method: message.Invite}
	if c.delayed && !e.reliable && len(ev.res.Body) > 0 {
		c.hearOffer(a, ev.res, &p)
	} else {
		c.acknowledgeReliably(a, e, nil)
	}
	return p
}

// acknowledgeReliably sends the PRACK. RFC 3262 §4.
func (c *call) acknowledgeReliably(a *attempt, e *early, answer []byte) {
	if e == a.agreed {
		e.dialog, e.hop = a.dialog, a.hop // it may have moved
	}
	a.cseq++ // one count for all early dialogs, so that it rises in each
	e.cseq, e.answers = a.cseq, answer
	e.seq = a.nextSeq()
	d := c.prackDraft(e)
	c.preauthorize(&e.leg, &d, e.hop, e.seq)
	c.sendPrack(e, &d)
}

func (c *call) prackDraft(e *early) message.Draft {
	d := c.draft(&e.leg, message.Prack, e.seq)
	d.Extensions.RAck, d.SDP = e.rack, e.answers
	return d
}

func (c *call) sendPrack(e *early, d *message.Draft) {
	data := d.Append(nil)
	e.prack.begin(data, false, e.fit(len(data)), c.now)
	c.request(&e.leg, e.hop, message.Prack, e.seq, data)
}

// onPrackResponse ends the PRACK's transaction. Whatever it says, the INVITE
// decides: a called side that misses a PRACK refuses it.
func (c *call) onPrackResponse(a *attempt, ev evResponse) {
	for _, e := range a.opened {
		if e.seq == ev.seq && !c.prackAgain(a, e, ev) {
			answerClient(&e.prack, ev.res.Code, c.now)
		}
	}
	c.sendHeld()
}

func (c *call) tickEarly(a *attempt) {
	for _, e := range a.opened {
		if e.prack.due(c.now) == txResend {
			c.request(&e.leg, e.hop, message.Prack, e.seq, e.prack.request)
		}
	}
}

// relay passes ringing on, with the called side's early media: that of the device
// that sent a description first.
func (c *call) relay(a *attempt, p provisional, res *message.Response) {
	code, e := res.Code, p.early
	if code < 180 || code > 183 {
		return
	}
	if c.ringsFirst() {
		c.hearFirst()
		return
	}
	if p.offers {
		c.passEarlyOffer(a, p, res)
		return
	}
	if len(res.Body) == 0 || c.delayed || e == nil || e.reliable {
		c.onRing(code, p.media, nil)
		return
	}
	answer := c.readAnswer(a, res)
	if answer == nil { // the caller hears of ringing only
		c.onRing(min(code, 180), 0, nil)
		return
	}
	e.answer, e.reliable = answer, p.reliable
	switch {
	case a.trunk.EarlyMedia == EarlyMediaRing:
		c.onRing(min(code, 180), 0, nil)
	case a.early != nil && res.ToTag != a.earlyTag:
		c.onRing(code, 0, nil)
	case a.early != nil && a.early.Content == answer.Content && c.relayed == code:
	default:
		c.adopt(a, answer)
		a.early, a.earlyTag, c.early = answer, res.ToTag, true
		var sdp []byte
		if !c.a.reliable.told { // else the caller has our answer
			sdp = c.describeCalled(answer)
		}
		c.onRing(code, p.media, sdp)
	}
	if p.reliable && a.early != nil && a.earlyTag == res.ToTag {
		a.agreeIn(e)
	}
}

// answerOf is the description that a 2xx stands for, nil where it is one that we
// don't relay. One that came reliably before was the answer; what a 2xx adds to
// it does not count. RFC 3261 §13.2.1.
func (c *call) answerOf(a *attempt, res *message.Response) *message.SDP {
	e := a.dialogWith(res.ToTag)
	switch {
	case e != nil && e.reliable:
		return e.answer
	case len(res.Body) > 0:
		return c.readAnswer(a, res)
	case e != nil:
		return e.answer
	default:
		return nil
	}
}
