package sip

import (
	"cmp"
	"time"

	"maskline/sip/message"
)

// progress is the most that an attempt has heard.
type progress uint8

const (
	heardNothing progress = iota
	heardTrying           // 100
	heardRinging          // 18x
)

// attempt is leg B by one candidate: its INVITE, CANCEL, and the dialog that
// came of it. It outlives its failure until its transactions have ended.
type attempt struct {
	leg
	candidate candidate
	invite    client // it may go over TCP where the rest goes over UDP
	cancel    client
	giving    bool // a CANCEL is wanted, or sent
	progress  progress
	deadline  time.Time
	offer     *message.SDP // as it went out: the caller's, less what the trunk does not take
	refusedBy string       // tag of the final answer, for its ACK
	early     *message.SDP // of a provisional answer
	earlyTag  string
	reported  bool
	closed    bool
	forks     []*fork
	opened    []*early
	agreed    *early // whose dialog is the leg's; nil: none
	offering  *early // whose offer waits for the caller's answer
	course    course

	seq    uint16         // the INVITE's latest transaction
	draft  *message.Draft // of the INVITE, for the next one
	passed []passed       // ACKs of what refused the earlier ones, by try

	lengthened bool // a 422 was answered
}

// fork is a further 2xx to the same INVITE: acknowledged and hung up. RFC 3261
// §13.2.2.4.
type fork struct {
	leg
	seq uint16
}

const maxForks = 8 // further answers are left to time out at their sender

func (a *attempt) next() time.Time {
	first := sooner(a.invite.next(), a.cancel.next(), a.deadline, a.leg.next())
	for _, f := range a.forks {
		first = sooner(first, f.bye.next())
	}
	for _, e := range a.opened {
		first = sooner(first, e.prack.next())
	}
	return first
}

// tryNext asks for the next candidate, or tells the caller that none is left.
func (c *call) tryNext() {
	if c.next >= len(c.plan.candidates) || len(c.b)-c.order.before() >= c.maxAttempts {
		c.dismiss(c.plan.announce, c.last)
		return
	}
	c.asked = &c.plan.candidates[c.next]
	c.next++
	if !c.delayed && c.offer.For(c.asked.trunk.policy(c.asked.trunk.over)) == nil {
		if c.asked = nil; len(c.b) == 0 {
			c.last = refusal{488, 0, "no_codec"}
		}
		c.tryNext()
		return
	}
	c.do(actBegin{*c.asked, calledAt(c.asked), c.reaching()})
}

func (c *call) onBegun(ev evBegun) {
	if c.asked == nil {
		return
	}
	candidate := *c.asked
	c.asked = nil
	if ev.local.IsValid() {
		*c.reachedAt() = ev.local
	}
	switch {
	case c.phase == phaseCalling && ev.ok:
		c.try(candidate)
	case c.phase == phaseCalling:
		c.tryNext()
	case ev.ok: // the call ended meanwhile
		c.do(actReport{candidate, true})
		c.do(actAttempt{candidate: candidate, outcome: attemptCancelled, side: c.reaching()})
	}
}

// try sends the INVITE to a candidate.
func (c *call) try(to candidate) {
	t := to.trunk
	number := uint8(len(c.b))
	socket, own := t.from(to.address().Addr())
	b := message.LegB{
		CLI: &t.cli, Present: cmp.Or(to.second, c.plan.present), To: c.plan.to, User: c.plan.user, Host: t.host, Own: sentBy(own),
	}
	caller, callee, asserted := b.Caller(), b.Callee(), b.Asserted()
	var emergency *message.Emergency
	if c.plan.emergency {
		emergency = c.a.req.Emergency(t.host, sentBy(own))
		caller, callee, asserted = emergency.Caller, emergency.Callee, ""
	}
	a := &attempt{
		candidate: to, deadline: c.now.Add(t.FirstResponse), seq: seqInvite, course: course{began: c.now},
	}
	a.leg = leg{
		number: number, trunk: t, socket: socket, over: t.over, own: own, hop: to.address(), cseq: 1, invited: 1,
		from: to.address().Addr(), local: *c.reachedAt(), first: c.reaching() == SideA,
		dialog: message.Dialog{
			CallID:   c.tokens.String(token{call: c.id, kind: callIDToken, leg: number}),
			LocalTag: c.tokens.String(token{call: c.id, kind: tagToken, leg: number}),
			LocalURI: caller, RemoteURI: callee, Target: callee,
		},
	}
	if !c.delayed {
		a.offer = c.offer.For(a.policy())
		a.says(c.describe(&a.leg, a.offer))
	}
	c.b, c.active = append(c.b, a), a

	d := c.draft(&a.leg, message.Invite, seqInvite)
	d.MaxForwards = c.a.maxForwards - 1
	d.Extensions = c.offered(t)
	d.Contact, d.Allow, d.Asserted, d.Emergency, d.SDP = a.own, true, asserted, emergency, a.said
	c.preauthorize(&a.leg, &d, a.hop, seqInvite)
	a.draft, a.credentials = &d, d.Credentials
	data := d.Append(nil)
	c.invite(a, data)
}

// invite sends the attempt's INVITE, and its CANCEL and ACK after it, by the
// transport that fits it.
func (c *call) invite(a *attempt, invite []byte) {
	a.invite.begin(invite, true, a.fit(len(invite)), c.now)
	c.opening(a, message.Invite, invite)
}

// opening sends a message of the INVITE's transaction.
func (c *call) opening(a *attempt, method string, data []byte) {
	c.requestOver(a.invite.over, &a.leg, a.candidate.address(), method, a.seq, data)
}

// report tells the breaker of the attempt, once.
func (c *call) report(a *attempt, ok bool) {
	if !a.reported {
		a.reported = true
		c.do(actReport{a.candidate, ok})
	}
}

// close ends the attempt as limits and metrics see it, once.
func (c *call) close(a *attempt, o outcome, code int, retryAfter time.Duration) {
	if !a.closed {
		a.closed = true
		a.deadline = time.Time{}
		a.course.outcome, a.course.code, a.course.ended = o, code, c.now
		c.do(actAttempt{a.candidate, o, code, retryAfter, a.course, a.side()})
	}
}

// giveUp ends an attempt that the caller no longer wants, or that another one
// replaces.
func (c *call) giveUp(a *attempt) {
	c.close(a, attemptCancelled, 0, 0)
	if a.progress > heardNothing {
		c.report(a, true) // otherwise what it does now decides
	}
	c.cancel(a)
	if !a.course.answered.IsZero() {
		c.hang(&a.leg) // the caller has not had its answer yet
	}
}

// cancel asks the called side to stop. No CANCEL goes out before its first
// provisional answer (RFC 3261 §9.1): it is remembered for then.
func (c *call) cancel(a *attempt) {
	if !a.invite.running() {
		return
	}
	a.giving = true
	a.invite.quieten()
	if a.invite.state != txProceeding || a.cancel.state != txIdle {
		return
	}
	d := c.draft(&a.leg, message.Cancel, a.seq)
	open := a.dialog
	open.RemoteTag, open.Routes, open.Target = "", nil, a.dialog.RemoteURI
	d.Dialog, d.CSeq = &open, a.invited
	data := d.Append(nil)
	a.cancel.begin(data, false, a.invite.over, c.now)
	a.invite.end = c.now.Add(t64)
	c.opening(a, message.Cancel, data)
}

// failed ends the attempt under way and turns to the next candidate, or to the
// caller with final.
func (c *call) failed(a *attempt, hunt bool, final refusal) {
	c.active = nil
	if hunt && !c.early {
		c.last = final
		c.tryNext()
		return
	}
	c.active = a
	c.refuse(final)
}

// timedOut is an attempt that was too slow.
func (c *call) timedOut(a *attempt) {
	if a.progress == heardRinging {
		c.report(a, true)
		c.close(a, attemptNoAnswer, 480, 0)
		c.cancel(a)
		c.failed(a, false, refusal{480, causeNoAnswer, "no_answer"})
		return
	}
	c.report(a, false)
	c.close(a, attemptTimeout, 408, 0)
	c.cancel(a)
	c.failed(a, true, refusal{503, causeTimer, "timeout"})
}

// tickAttempt does what is due on leg B.
func (c *call) tickAttempt(a *attempt) {
	if reached(a.deadline, c.now) {
		a.deadline = time.Time{}
		if a == c.active && c.phase == phaseCalling {
			c.timedOut(a)
		}
	}
	switch a.invite.due(c.now) {
	case txResend:
		c.opening(a, message.Invite, a.invite.request)
	case txTimeout:
		if a == c.active && c.phase == phaseCalling {
			c.timedOut(a)
		}
		c.report(a, false)
	case txNothing:
	}
	if a.cancel.due(c.now) == txResend {
		c.opening(a, message.Cancel, a.cancel.request)
	}
	c.tickLeg(&a.leg)
	c.tickEarly(a)
	for _, f := range a.forks {
		if f.bye.due(c.now) == txResend {
			c.request(&f.leg, f.hop, message.Bye, f.seq+1, f.bye.request)
		}
	}
}
