package sip

import (
	"time"

	"maskline/sip/message"
)

// purpose is why we ask something inside a dialog: it decides what the answer does.
type purpose uint8

const (
	askRelay   purpose = iota + 1 // the other side changes the session
	askDropped                    // it did, and has been answered meanwhile
	askRestore                    // to what was agreed, which this side left by an answer that came too late
	askRefresh                    // nothing changes: the session's timer
)

// ask is a re-INVITE or UPDATE of ours. There is one at a time on a leg: RFC 3261
// §14.1, RFC 3311 §5.1.
type ask struct {
	client
	method      string
	seq         uint16
	cseq        uint32
	offer       []byte                 // session description in it; nil: none
	credentials string                 // in it, and in the ACK of its 2xx; RFC 3261 §22.1
	ways        [mostTry + 2]transport // by try
	why         purpose

	giving  bool // a CANCEL is wanted, or sent
	expired bool // no final answer came in time

	cancel client // the CANCEL of a re-INVITE
	retry  time.Time
}

// base is the number of its first try.
func (a *ask) base() uint16 {
	base, _ := splitTry(a.seq)
	return base
}

// went notes by what transport this try went.
func (a *ask) went() {
	_, try := splitTry(a.seq)
	a.ways[try] = a.over
}

func (a *ask) next() time.Time { return sooner(a.client.next(), a.cancel.next(), a.retry) }

// heldAck is the ACK of a 2xx that had an offer: it waits for the answer. RFC 3261
// §13.2.2.4.
type heldAck struct {
	waits bool
	seq   uint16
	cseq  uint32
	offer *message.SDP // nil: one that we don't relay
}

// sentAck is one that had an answer, for a repeated 2xx.
type sentAck struct {
	seq  uint16
	cseq uint32
	sdp  []byte
}

const sentAcks = 4 // are kept

// ask sends a re-INVITE or UPDATE; its description may be nil. The caller has seen
// that the leg is free.
func (c *call) ask(l *leg, method string, sdp []byte, why purpose) {
	if l.ask.expired && l.ask.offer == nil {
		l.lapsed = l.ask.seq
	}
	l.cseq++
	l.ask = ask{method: method, seq: l.nextSeq(), cseq: l.cseq, offer: sdp, why: why}
	d := c.askDraft(l)
	c.preauthorize(l, &d, l.hop, l.ask.seq)
	c.sendAsk(l, &d)
}

func (c *call) askDraft(l *leg) message.Draft {
	d := c.draft(l, l.ask.method, l.ask.seq)
	d.Contact, d.Allow, d.SDP, d.Extensions = l.own, true, l.ask.offer, l.sessionHeaders()
	return d
}

func (c *call) sendAsk(l *leg, d *message.Draft) {
	data := d.Append(nil)
	l.ask.credentials = d.Credentials
	l.ask.begin(data, d.Method == message.Invite, l.fit(len(data)), c.now)
	l.ask.went()
	c.requestOver(l.ask.over, l, l.hop, d.Method, l.ask.seq, data)
}

// nextSeq numbers a transaction of ours inside the dialog.
func (l *leg) nextSeq() uint16 {
	const most = uint32(seqTry-seqDialog) / 2
	seq := seqDialog + 2*uint16(uint32(l.asks)%most)
	l.asks++
	return seq
}

// free reports whether a re-INVITE or UPDATE of ours may go out: none is open in
// either direction. RFC 3261 §14.1.
func (l *leg) free() bool {
	return !l.ended && !l.ask.running() && !l.ack.waits &&
		l.again.state != txProceeding && l.again.state != txCompleted && l.again.state != txAccepted &&
		!l.update.open
}

// onAskResponse is an answer inside the dialog to a re-INVITE, UPDATE or the
// CANCEL of one. An INVITE's final answer is acknowledged however late it is.
func (c *call) onAskResponse(l *leg, ev evResponse) {
	a, res := &l.ask, ev.res
	if res.ToTag != l.dialog.RemoteTag {
		return
	}
	current := ev.seq == a.seq
	if res.Method == message.Cancel {
		if current {
			answerClient(&a.cancel, res.Code, c.now)
		}
		return
	}
	if res.Code < 200 {
		if current && a.running() {
			c.onAskProvisional(l)
		}
		return
	}
	if current && c.askAgain(l, ev) {
		return
	}
	first := current && (a.final(res.Code < 300, c.now) || res.Code < 300 && a.expired)
	if first {
		a.expired = false
		a.cancel.stop()
		if res.Code < 300 {
			l.follow(res.Peer())
			l.hears(res.Allowed())
			ext := res.Extensions()
			c.agreed(l, &ext)
		}
	}
	if res.Method == message.Invite && !c.holdsAck(l, ev, first) {
		c.acknowledgeAsk(l, ev)
	}
	if first {
		c.onAsked(l, res)
	}
}

// holdsAck reports whether a 2xx is one whose ACK waits for the other side's
// answer; where that has been sent, it is sent again.
func (c *call) holdsAck(l *leg, ev evResponse, first bool) bool {
	switch {
	case ev.res.Code >= 300:
		return false
	case first && l.ask.offer == nil:
		l.ack = heldAck{waits: true, seq: ev.seq + 1, cseq: ev.res.CSeq, offer: c.read(l, ev.res.Body)}
		return true
	case l.lapsed != 0 && ev.seq == l.lapsed:
		l.lapsed = 0
		current := l.ack
		l.ack = heldAck{waits: true, seq: ev.seq + 1, cseq: ev.res.CSeq, offer: c.read(l, ev.res.Body)}
		c.declineHeld(l)
		l.ack = current
		return true
	default:
		return c.repeatHeld(l, ev.seq+1)
	}
}

// acknowledgeAsk acknowledges a final answer to a re-INVITE. It needs no state but
// the dialog, so a repeated answer to an earlier one has its ACK too.
func (c *call) acknowledgeAsk(l *leg, ev evResponse) {
	if ev.res.Code < 300 {
		c.sendAck(l, ev.seq+1, ev.res.CSeq, nil) // a request of its own, RFC 3261 §13.2.2.4
		return
	}
	d := c.draft(l, message.Ack, ev.seq)
	d.CSeq = ev.res.CSeq
	data := d.Append(nil)
	over := l.fit(len(data))
	if base, try := splitTry(ev.seq); base == l.ask.base() { // the way of its INVITE, RFC 3261 §17.1.1.3
		over = l.ask.ways[try%uint8(len(l.ask.ways))]
	}
	c.requestOver(over, l, l.hop, message.Ack, ev.seq, data)
}

func (c *call) sendAck(l *leg, seq uint16, cseq uint32, sdp []byte) {
	d := c.draft(l, message.Ack, seq)
	d.CSeq, d.SDP = cseq, sdp
	switch { // RFC 3261 §22.1
	case !l.mayAuthorize(l.hop):
	case cseq == l.invited:
		d.Credentials = l.credentials
	case cseq == l.ask.cseq:
		d.Credentials = l.ask.credentials
	}
	c.request(l, l.hop, message.Ack, seq, d.Append(nil))
}

// onAskProvisional keeps a re-INVITE from ringing for ever.
func (c *call) onAskProvisional(l *leg) {
	a := &l.ask
	end := a.end
	a.provisional()
	a.end = end
	if a.giving {
		c.cancelAsk(l)
	}
}

// cancelAsk takes a re-INVITE back; as with the first INVITE, not before a
// provisional answer. RFC 3261 §9.1.
func (c *call) cancelAsk(l *leg) {
	a := &l.ask
	if !a.running() || a.method != message.Invite || l.ended {
		return
	}
	a.giving = true
	if a.state != txProceeding || a.cancel.state != txIdle {
		return
	}
	d := c.draft(l, message.Cancel, a.seq)
	d.CSeq = a.cseq
	data := d.Append(nil)
	a.cancel.begin(data, false, a.over, c.now)
	a.end = c.now.Add(t64)
	c.requestOver(a.over, l, l.hop, message.Cancel, a.seq, data)
}

// onAsked draws the conclusion from the first final answer.
func (c *call) onAsked(l *leg, res *message.Response) {
	why := l.ask.why
	switch {
	case c.phase == phaseOver || l.ended:
		c.declineHeld(l)
	case why == askRelay && res.Code < 300:
		c.onRelayAnswered(l, res)
	case why == askRelay:
		c.onRelayRefused(l, res)
	case why == askDropped && res.Code < 300:
		c.declineHeld(l)
		c.onRestated(l, res) // its media may have moved
		c.restore(l)
	case why == askDropped:
	case res.Code < 300:
		c.onRestated(l, res)
	case why == askRefresh:
		c.onRefreshRefused(l, res)
	case res.Code == 481: // the dialog is gone there. RFC 3261 §12.2.1.2
		c.end("dialog_lost")
	case res.Code == 491:
		l.ask.retry = c.now.Add(c.glare(l))
	}
}

// restore offers a side again what was agreed before.
func (c *call) restore(l *leg) {
	if !l.free() || l.said == nil {
		return
	}
	method := message.Invite
	if c.phase < phaseAnswered {
		method = message.Update // by which it was asked
	}
	l.latest++
	l.says(newer(l.said, l.latest), l.latest)
	c.ask(l, method, l.said, askRestore)
}

// onRestated is the answer to an offer of ours that changes nothing. The side may
// take it to move its media.
func (c *call) onRestated(l *leg, res *message.Response) {
	if len(res.Body) == 0 || l.ask.offer == nil {
		return
	}
	s := c.read(l, res.Body)
	if s == nil || s.Content == l.heard {
		return
	}
	l.heard = s.Content
	s.SetAnswer()
	c.do(actRemote{l.side(), c.remote(l, s)})
}

// tickAsk repeats our request, or asks again after a glare.
func (c *call) tickAsk(l *leg) {
	a := &l.ask
	if a.why == askRelay && a.state == txProceeding && reached(a.end, c.now) {
		c.relayFailed(504, "") // the other side is still at it, and is told to stop
	}
	switch a.due(c.now) {
	case txResend:
		c.requestOver(a.over, l, l.hop, a.method, a.seq, a.request)
	case txTimeout:
		c.onAskTimeout(l)
	case txNothing:
	}
	if a.cancel.due(c.now) == txResend {
		c.requestOver(a.over, l, l.hop, message.Cancel, a.seq, a.cancel.request)
	}
	if !reached(a.retry, c.now) {
		return
	}
	switch {
	case c.phase != phaseUp || l.ended:
		a.retry = time.Time{}
	case l.free():
		c.ask(l, a.method, l.said, a.why) // something else may be agreed by now
	default:
		a.retry = c.now.Add(refreshBusy)
	}
}

func (c *call) onAskTimeout(l *leg) {
	a := &l.ask
	a.expired = true
	if a.why == askRelay {
		a.why = askDropped
		c.relayFailed(504, "")
	}
	if a.why == askRefresh { // RFC 4028 §10: as a 408
		c.end("dialog_lost")
	}
}

// declineHeld acknowledges a 2xx whose offer nobody will answer, with no media. RFC
// 3261 §13.2.2.4 wants a valid answer there.
func (c *call) declineHeld(l *leg) {
	if !l.ack.waits {
		return
	}
	var sdp []byte
	if s := l.ack.offer; s != nil {
		sdp = c.declines(l, s).AppendInactive(nil, message.Origin{ID: c.number(l.number), Version: l.latest + 1}, l.local)
		l.latest++
	}
	c.releaseAck(l, sdp)
}

// releaseAck sends the ACK that was held.
func (c *call) releaseAck(l *leg, sdp []byte) {
	c.sendAck(l, l.ack.seq, l.ack.cseq, sdp)
	if len(l.acks) == sentAcks {
		l.acks = append(l.acks[:0], l.acks[1:]...)
	}
	l.acks = append(l.acks, sentAck{l.ack.seq, l.ack.cseq, sdp})
	l.ack = heldAck{}
}

// repeatHeld reports whether a repeated 2xx is one whose ACK was held: it is sent
// again, or waits still.
func (c *call) repeatHeld(l *leg, seq uint16) bool {
	for _, a := range l.acks {
		if a.seq == seq {
			c.sendAck(l, a.seq, a.cseq, a.sdp)
			return true
		}
	}
	return l.ack.waits && l.ack.seq == seq
}
