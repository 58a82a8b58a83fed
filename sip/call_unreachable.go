package sip

import "time"

// onUnreachable is a request that came back as undeliverable, or whose connection
// broke.
func (c *call) onUnreachable(ev evUnreachable) {
	l := c.leg(ev.leg)
	if l == nil {
		return
	}
	switch base, _ := splitTry(ev.seq); {
	case base == seqBye:
		if !l.lost(&l.bye, c.now) {
			l.bye.stop()
		}
	case base >= seqDialog:
		c.onDialogUnreachable(l, ev.seq)
	case ev.leg != legA && base >= seqFork:
		for _, f := range c.b[ev.leg].forks {
			if ev.seq == f.seq+1 {
				f.lost(&f.bye, c.now)
			}
		}
	case ev.leg != legA && ev.seq == c.b[ev.leg].seq:
		c.onInviteUnreachable(c.b[ev.leg])
	}
}

// lost has a request sent again whose connection broke or could not be made: as a
// datagram where its length alone asked for a connection (RFC 3261 §18.1.1), else
// over a new one. False: timers decide.
func (l *leg) lost(tx *client, now time.Time) bool {
	if !tx.running() || tx.over == l.over {
		return tx.lost(now)
	}
	l.narrow = true
	tx.over, tx.resend = l.over, now
	return true
}

func (c *call) onInviteUnreachable(a *attempt) {
	if a.cancel.running() && !a.cancel.lost(c.now) {
		a.cancel.stop()
	}
	if a.invite.state != txCalling {
		return // it was there a moment ago: timers decide
	}
	if a.invite.over != a.over && !a.giving { // RFC 3261 §18.1.1: UDP where TCP is refused
		a.narrow = true
		c.invite(a, a.invite.request)
		return
	}
	a.invite.quieten()
	a.giving = true // should it answer after all, that is ended
	c.report(a, false)
	if a == c.active && c.phase == phaseCalling {
		c.close(a, attemptUnreachable, 503, 0)
		c.failed(a, true, refusal{503, causeNoCircuit, "unreachable"})
	}
}

// onDialogUnreachable is a PRACK, INFO, UPDATE or re-INVITE of ours.
func (c *call) onDialogUnreachable(l *leg, seq uint16) {
	if l.number != legA {
		for _, e := range c.b[l.number].opened {
			if e.seq == seq {
				e.lost(&e.prack, c.now)
			}
		}
	}
	if c.phase == phaseUp && c.active != nil {
		if q := c.other(l).info; q != nil && q.seq == seq {
			l.lost(&q.tx, c.now)
		}
	}
	if l.ask.seq == seq {
		c.onAskUnreachable(l)
	}
}

// onAskUnreachable gives a re-INVITE up whose connection broke before any answer: an
// INVITE is not repeated over a stream. The next one goes over a new connection.
func (c *call) onAskUnreachable(l *leg) {
	a := &l.ask
	a.cancel.lost(c.now)
	calling := a.state == txCalling
	if l.lost(&a.client, c.now) {
		a.went()
		return
	}
	if !calling || !a.over.reliable() {
		return
	}
	a.stop()
	a.expired = true
	switch a.why {
	case askRelay:
		a.why = askDropped
		c.relayFailed(500, c.retryAfter(l, a.cseq))
	case askRefresh:
		l.session.due = c.now.Add(refreshBusy)
	case askRestore:
		a.retry = c.now.Add(refreshBusy)
	case askDropped:
	}
}
