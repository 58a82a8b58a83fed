package sip

import (
	"time"

	"maskline/sip/message"
)

// onResponse is an answer to a request of ours. It counts only from where the
// leg's trunk may be, and inside the dialog that the request opened.
func (c *call) onResponse(ev evResponse) {
	l, res := c.leg(ev.leg), ev.res
	if l == nil || !l.isFrom(ev.source, res.Trunk, res.Names) ||
		res.CallID != l.dialog.CallID || res.FromTag != l.dialog.LocalTag {
		return
	}
	l.conn = ev.conn
	base, _ := splitTry(ev.seq)
	switch {
	case res.Method == message.Bye && base == seqBye:
		if ev.seq != l.byeSeq || c.byeAgain(l, ev) {
			return
		}
		answerClient(&l.bye, res.Code, c.now)
	case res.Method == message.Prack && ev.leg != legA:
		c.onPrackResponse(c.b[ev.leg], ev)
	case base >= seqDialog && res.Method == message.Info:
		c.onInfoResponse(l, ev)
	case base >= seqDialog:
		c.onAskResponse(l, ev)
	case ev.leg == legA:
	case res.Method == message.Bye:
		for _, f := range c.b[ev.leg].forks {
			if ev.seq == f.seq+1 {
				answerClient(&f.bye, res.Code, c.now)
			}
		}
	case base == seqInvite && ev.seq != c.b[ev.leg].seq:
		c.repeatedChallenge(c.b[ev.leg], ev)
	case res.Method == message.Cancel && base == seqInvite:
		answerClient(&c.b[ev.leg].cancel, res.Code, c.now)
	case res.Method == message.Invite && base == seqInvite:
		c.onInviteResponse(c.b[ev.leg], ev)
	}
}

func answerClient(tx *client, code int, now time.Time) {
	if code < 200 {
		tx.provisional()
	} else {
		tx.final(code < 300, now)
	}
}

func (c *call) onInviteResponse(a *attempt, ev evResponse) {
	code := ev.res.Code
	a.hear(ev.res, c.now)
	if a.giving {
		c.report(a, !isCarriersFault(code, a.progress == heardRinging)) // it lives
	}
	switch {
	case code < 200:
		c.onProvisional(a, ev)
	case code < 300:
		c.onSuccess(a, ev)
	case !c.inviteAgain(a, ev) && !c.lengthen(a, ev):
		c.onRefusal(a, ev.res)
	}
}

func (c *call) onProvisional(a *attempt, ev evResponse) {
	if !a.invite.running() {
		return
	}
	res := ev.res
	a.invite.provisional()
	var said provisional
	if res.Code > 100 {
		said = c.hear(a, ev)
	}
	if a.giving {
		c.cancel(a)
		return
	}
	if a != c.active || c.phase != phaseCalling || said.repeated {
		return
	}
	if res.Code == 100 {
		if a.progress == heardNothing {
			a.progress, a.deadline = heardTrying, c.now.Add(a.trunk.Trying)
		}
		return
	}
	if a.progress != heardRinging {
		a.progress, a.deadline = heardRinging, c.now.Add(c.ringTime(a))
		c.report(a, true)
	}
	c.relay(a, said, res)
}

// readAnswer reads the called side's description, nil where we don't relay it.
func (c *call) readAnswer(a *attempt, res *message.Response) *message.SDP {
	answer, fault := a.parse(res.Body)
	if fault != nil || !a.takes(answer, a.offer) {
		return nil
	}
	return answer
}

// adopt tells the relay where the called side is, unless it knows.
func (c *call) adopt(a *attempt, s *message.SDP) {
	if e := a.early; e == nil || e.RTP != s.RTP || e.RTCP != s.RTCP || e.Direction != s.Direction ||
		e.PayloadTypes() != s.PayloadTypes() || e.Fax() != s.Fax() || e.Mux != s.Mux || !e.SameKeys(s) {
		c.do(actRemote{a.side(), c.remote(&a.leg, s)})
	}
}

// onSuccess acknowledges a 2xx. The first one of the attempt under way connects
// the call; any other is hung up.
func (c *call) onSuccess(a *attempt, ev evResponse) {
	if a.invite.state == txAccepted || a.invite.state == txDone && a.dialog.RemoteTag != "" && !a.unconfirmed {
		switch {
		case ev.res.ToTag != a.dialog.RemoteTag:
			c.onFork(a, ev)
		case c.delayed && c.repeatHeld(&a.leg, seqAck):
		default:
			c.acknowledge(&a.leg, seqAck) // ours was lost
		}
		return
	}
	if !a.invite.final(true, c.now) && !a.invite.late(c.now) {
		return
	}
	a.cancel.stop()
	a.deadline = time.Time{}
	c.report(a, true)
	agreed := c.confirm(a, ev)
	ext := ev.res.Extensions()
	c.agreed(&a.leg, &ext)
	if c.delayed && !agreed {
		c.onOffered(a, ev)
		return
	}
	c.acknowledge(&a.leg, seqAck)
	c.sendHeld()
	if a != c.active || c.phase != phaseCalling {
		c.hang(&a.leg)
		return
	}
	answer := c.answerOf(a, ev.res)
	if answer == nil {
		c.hang(&a.leg)
		c.close(a, attemptBadAnswer, ev.res.Code, 0)
		c.failed(a, false, refusal{488, 0, "bad_answer"})
		return
	}
	a.heard = answer.Content
	c.adopt(a, answer)
	if c.mustAccept(a) {
		c.askToAccept(a, answer)
		return
	}
	c.connect(a, answer)
}

// acknowledge sends the ACK of a 2xx: a request of its own in the dialog. RFC
// 3261 §13.2.2.4.
func (c *call) acknowledge(l *leg, seq uint16) {
	d := c.draft(l, message.Ack, seq)
	d.CSeq = l.invited
	if l.mayAuthorize(l.hop) {
		d.Credentials = l.credentials
	}
	c.request(l, l.hop, message.Ack, seq, d.Append(nil))
}

// onFork is another device's answer to the same INVITE.
func (c *call) onFork(a *attempt, ev evResponse) {
	for _, f := range a.forks {
		if f.dialog.RemoteTag == ev.res.ToTag {
			c.declineFork(f, ev)
			return
		}
	}
	if len(a.forks) == maxForks {
		return
	}
	f := &fork{leg: a.leg, seq: seqFork + 2*uint16(len(a.forks))}
	f.bye, f.again, f.ask, f.ack, f.acks, f.info, f.ended, f.cseq = client{}, server{}, ask{}, heldAck{}, nil, nil, true, a.cseq+1
	f.dialog.RemoteTag, f.dialog.Target = ev.res.ToTag, a.dialog.RemoteURI
	f.learn(ev.res.Peer(), ev.source)
	a.forks = append(a.forks, f)
	c.declineFork(f, ev)
	d := c.draft(&f.leg, message.Bye, f.seq+1)
	data := d.Append(nil)
	f.bye.begin(data, false, f.fit(len(data)), c.now)
	c.request(&f.leg, f.hop, message.Bye, f.seq+1, data)
}

// onRefusal acknowledges a final answer other than 2xx, inside the INVITE's
// transaction (RFC 3261 §17.1.1.3), and draws the conclusion.
func (c *call) onRefusal(a *attempt, res *message.Response) {
	first := a.invite.final(false, c.now)
	if first {
		a.refusedBy = res.ToTag
		for _, e := range a.opened {
			e.prack.stop() // its dialog is no more
		}
		if a.unconfirmed {
			a.ask.stop()
		}
	}
	if a.invite.state != txCompleted {
		return
	}
	c.acknowledgeRefusal(a)
	if !first || a != c.active || c.phase != phaseCalling {
		return
	}
	ringing := a.progress == heardRinging
	c.report(a, !isCarriersFault(res.Code, ringing))
	c.close(a, attemptRefused, res.Code, trunkRetryAfter(res))
	switch {
	case res.Code == 408 && ringing: // the subscriber did not answer
		c.failed(a, false, refusal{480, causeNoAnswer, "no_answer"})
	case res.Code == 408:
		c.failed(a, true, refusal{503, causeTimer, "timeout"})
	default:
		hunt := res.Code == 401 || res.Code == 407 || a.trunk.failover.on(res.Code, res.Cause)
		c.failed(a, hunt, refusal{answerFor(res.Code), res.Cause, "refused"})
	}
}

// acknowledgeRefusal sends the ACK of the INVITE's final answer.
func (c *call) acknowledgeRefusal(a *attempt) []byte {
	d := c.draft(&a.leg, message.Ack, a.seq)
	open := a.dialog
	open.RemoteTag, open.Routes, open.Target = a.refusedBy, nil, a.dialog.RemoteURI
	d.Dialog, d.CSeq = &open, a.invited
	data := d.Append(nil)
	c.opening(a, message.Ack, data)
	return data
}

// trunkRetryAfter is how long the trunk asks to be left alone. With other codes
// the header speaks of the called person. RFC 3261 §20.33.
func trunkRetryAfter(res *message.Response) time.Duration {
	if res.Code != 500 && res.Code != 503 {
		return 0
	}
	return res.RetryAfter
}
