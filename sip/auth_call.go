package sip

import (
	"net/netip"

	"maskline/sip/message"
)

// A request that is challenged is sent once more, as a new transaction: the upper
// bits of its number count the tries. RFC 3261 §22.2.
const (
	seqTry  uint16 = 1 << 14
	mostTry        = 2 // the second only after a nonce that was too old
)

// splitTry takes the number of a transaction apart.
func splitTry(seq uint16) (base uint16, try uint8) { return seq & (seqTry - 1), uint8(seq / seqTry) }

func joinTry(base uint16, try uint8) uint16 { return base + uint16(try)*seqTry }

// mayAuthorize reports whether a request of the leg may carry credentials: on a
// leg that we opened, to the address that its INVITE went to. Others that the trunk
// allows may belong to whoever is behind it, and the caller's side never gets
// any: what it challenges it may have passed on from elsewhere.
func (l *leg) mayAuthorize(hop netip.AddrPort) bool {
	return l.number != legA && l.trunk.auth != nil && hop.Addr() == l.from
}

// preauthorize gives a request of ours credentials by the latest challenge.
func (c *call) preauthorize(l *leg, d *message.Draft, hop netip.AddrPort, seq uint16) {
	if l.mayAuthorize(hop) {
		d.Credentials = l.trunk.auth.again(authCalls, d.Method, d.Dialog.Target, c.cnonce(l, seq))
	}
}

// reauthorize gives a request that was challenged credentials and the number of
// its next try; false where the challenge is not to be answered. It is true once
// for a request, and once more where the nonce was too old. The caller
// counts CSeq up and sends it.
func (c *call) reauthorize(l *leg, d *message.Draft, hop netip.AddrPort, ev evResponse) (seq uint16, ok bool) {
	if !l.mayAuthorize(hop) || ev.source.Addr() != l.from {
		return 0, false
	}
	base, try := splitTry(ev.seq)
	seq = joinTry(base, try+1)
	if base == seqInvite && c.b[l.number].lengthened {
		try-- // a 422 took one
	}
	if try >= mostTry {
		return 0, false
	}
	line, stale, ok := l.trunk.auth.answer(authCalls, ev.res, d.Method, d.Dialog.Target, c.cnonce(l, seq))
	if !ok || try > 0 && !stale {
		return 0, false
	}
	d.Credentials, d.Branch = line, c.tokens.branch(token{c.id, branchToken, l.number, seq})
	return seq, true
}

// cnonce is the client's nonce of one request of ours.
func (c *call) cnonce(l *leg, seq uint16) string {
	return c.tokens.String(token{c.id, cnonceToken, l.number, seq})
}

// inviteAgain answers a challenge of the attempt's INVITE: the same attempt goes
// on with another INVITE. False: it is a refusal.
func (c *call) inviteAgain(a *attempt, ev evResponse) bool {
	if !c.mayReinvite(a) {
		return false
	}
	seq, ok := c.reauthorize(&a.leg, a.draft, a.hop, ev)
	if !ok {
		return false
	}
	c.reinvite(a, ev, seq)
	return true
}

// mayReinvite reports whether the attempt may go on with another INVITE.
func (c *call) mayReinvite(a *attempt) bool {
	return a.draft != nil && !a.giving && a == c.active && c.phase == phaseCalling && a.invite.running() &&
		(!c.delayed || !c.early) // the caller has the offer of a dialog that is no more
}

// reinvite acknowledges the refusal of the attempt's INVITE and sends the next one.
func (c *call) reinvite(a *attempt, ev evResponse, seq uint16) {
	a.invite.final(false, c.now)
	a.refusedBy = ev.res.ToTag
	for _, e := range a.opened {
		e.prack.stop() // its dialog is no more
	}
	a.opened, a.early, a.earlyTag = nil, nil, ""
	c.leaveEarly(a)
	a.passed = append(a.passed, passed{a.invite.over, c.acknowledgeRefusal(a)})
	a.cseq++
	a.invited, a.draft.CSeq, a.seq = a.cseq, a.cseq, seq
	a.progress, a.deadline = heardNothing, c.now.Add(a.trunk.FirstResponse)
	a.credentials = a.draft.Credentials
	data := a.draft.Append(nil)
	a.invite = client{}
	c.invite(a, data)
}

// passed is the ACK of a challenge, which goes the way of the INVITE.
type passed struct {
	over transport
	ack  []byte
}

// repeatedChallenge acknowledges again what challenged an earlier INVITE of the
// attempt.
func (c *call) repeatedChallenge(a *attempt, ev evResponse) {
	if _, try := splitTry(ev.seq); ev.res.Code >= 300 && int(try) < len(a.passed) {
		p := &a.passed[try]
		c.requestOver(p.over, &a.leg, a.candidate.address(), message.Ack, ev.seq, p.ack)
	}
}

// askAgain answers a challenge of the leg's re-INVITE or UPDATE.
func (c *call) askAgain(l *leg, ev evResponse) bool {
	a := &l.ask
	if !a.running() || a.giving || l.ended || c.phase == phaseOver {
		return false
	}
	d := c.askDraft(l)
	seq, ok := c.reauthorize(l, &d, l.hop, ev)
	if !ok {
		return false
	}
	if a.method == message.Invite {
		c.acknowledgeAsk(l, ev)
	}
	l.cseq++
	a.seq, a.cseq, d.CSeq = seq, l.cseq, l.cseq
	c.sendAsk(l, &d)
	return true
}

// prackAgain answers a challenge of a PRACK.
func (c *call) prackAgain(a *attempt, e *early, ev evResponse) bool {
	if !e.prack.running() {
		return false
	}
	d := c.prackDraft(e)
	seq, ok := c.reauthorize(&e.leg, &d, e.hop, ev)
	if !ok {
		return false
	}
	a.cseq++
	e.cseq, e.seq, d.CSeq = a.cseq, seq, a.cseq
	c.sendPrack(e, &d)
	return true
}

// infoAgain answers a challenge of an INFO that goes to the leg.
func (c *call) infoAgain(to *leg, q *infos, ev evResponse) bool {
	if !q.tx.running() {
		return false
	}
	d := c.infoDraft(to, q)
	seq, ok := c.reauthorize(to, &d, to.hop, ev)
	if !ok {
		return false
	}
	to.cseq++
	q.seq, d.CSeq = seq, to.cseq
	c.dispatchInfo(to, q, &d)
	return true
}

// byeAgain answers a challenge of a leg's BYE.
func (c *call) byeAgain(l *leg, ev evResponse) bool {
	if !l.bye.running() {
		return false
	}
	d := c.draft(l, message.Bye, ev.seq)
	seq, ok := c.reauthorize(l, &d, l.hop, ev)
	if !ok {
		return false
	}
	l.cseq++
	d.CSeq, l.byeSeq = l.cseq, seq
	data := d.Append(nil)
	l.bye.begin(data, false, l.fit(len(data)), c.now)
	c.request(l, l.hop, message.Bye, seq, data)
	return true
}
