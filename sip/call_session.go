package sip

import (
	"time"

	"maskline/sip/message"
)

// Intervals of session timers.
const (
	leastSession   = 90 * time.Second // RFC 4028 §4: nobody may ask for less
	longestSession = 24 * time.Hour   // what a 422 may raise ours to
	refreshRetry   = 10 * time.Second // after a refusal that says nothing about the dialog
	refreshBusy    = 2 * time.Second  // while something else is under way there
)

// session is a leg's session timer. RFC 4028.
type session struct {
	interval time.Duration // 0: none
	least    time.Duration // the lowest that the peer takes; 0: unknown
	ours     bool          // we refresh
	raised   bool          // our refresh asks for longer after a 422
	due      time.Time     // our next refresh
	expires  time.Time     // the BYE, somewhat before the session ends
}

func (s *session) next() time.Time { return sooner(s.due, s.expires) }

// start begins the agreed interval anew.
func (s *session) start(interval time.Duration, ours bool, now time.Time) {
	s.interval, s.ours, s.raised, s.due = max(interval, leastSession), ours, false, time.Time{}
	if ours {
		s.due = now.Add(s.interval / 2)
	}
	s.expires = now.Add(s.interval - min(32*time.Second, s.interval/3)) // RFC 4028 §10
}

func (s *session) stop() { *s = session{least: s.least} }

// tooShort is the answer to a request that asks for too short a session, with code
// 0 where it does not. What a proxy added for a sender that knows no timers, none
// would understand. RFC 4028 §9.
func (t *trunk) tooShort(e *message.Extensions) message.Reply {
	if t.SessionExpires < 0 || e.Expires == 0 || e.Expires >= leastSession || !(e.Supported | e.Required).Has(message.Timer) {
		return message.Reply{}
	}
	return message.Reply{Code: 422, Extensions: message.Extensions{MinSE: leastSession}}
}

// grant is what a 2xx says to a request with these headers: as long as the sender
// asked for and its trunk lets it be. Where it does not choose, we refresh. RFC 4028
// §9, table 2.
func (t *trunk) grant(e *message.Extensions) message.Extensions {
	if t.SessionExpires < 0 || !(e.Supported | e.Required).Has(message.Timer) {
		return message.Extensions{}
	}
	interval := max(t.SessionExpires, e.MinSE)
	if e.Expires != 0 {
		interval = min(interval, max(e.Expires, leastSession))
	}
	granted := message.Extensions{Expires: interval, Refresher: e.Refresher, Supported: message.Timer}
	switch granted.Refresher {
	case message.UAC:
		granted.Required, granted.Supported = message.Timer, 0
	case message.AnyRefresher:
		granted.Refresher = message.UAS
	case message.UAS:
	}
	return granted
}

// agree starts the timer that a request of the peer asks for, and returns what our
// 2xx to it says. A peer that no longer speaks of timers refreshes none; ours goes
// on.
func (c *call) agree(l *leg, e *message.Extensions) message.Extensions {
	granted := l.trunk.grant(e)
	l.session.least = max(l.session.least, e.MinSE)
	switch {
	case granted.Expires != 0:
		l.session.start(granted.Expires, granted.Refresher == message.UAS, c.now)
	case l.session.ours:
		l.session.start(l.session.interval, true, c.now)
	default:
		l.session.stop()
	}
	return granted
}

// agreed starts the timer that the peer's 2xx to a request of ours grants. RFC 4028
// §7.2.
func (c *call) agreed(l *leg, e *message.Extensions) {
	switch {
	case l.trunk.SessionExpires < 0:
	case e.Expires != 0:
		l.session.start(e.Expires, e.Refresher != message.UAS, c.now)
	case l.session.ours:
		l.session.start(l.session.interval, true, c.now)
	default:
		l.session.stop()
	}
}

// sessionHeaders go with a re-INVITE or UPDATE of ours: without them it would end
// the timer.
func (l *leg) sessionHeaders() message.Extensions {
	s := &l.session
	if s.interval == 0 {
		return message.Extensions{Supported: l.trunk.extensions() & message.Timer}
	}
	e := message.Extensions{Supported: message.Timer, Expires: s.interval, Refresher: message.UAS, MinSE: s.least}
	if s.ours {
		e.Refresher = message.UAC
	}
	return e
}

// tickSession refreshes the session when it is half over, or ends the call that
// nobody refreshed in time.
func (c *call) tickSession(l *leg) {
	s := &l.session
	switch {
	case l.ended || c.phase == phaseOver:
		s.stop()
	case reached(s.expires, c.now):
		s.stop()
		c.end("session_expired")
	case !reached(s.due, c.now):
	case c.phase == phaseUp && l.free():
		s.due = time.Time{}
		c.refresh(l)
	default:
		s.due = c.now.Add(refreshBusy)
	}
}

// refresh tells the peer that the call lives: by UPDATE if the peer serves that,
// else by a re-INVITE with the description that it has. RFC 4028 §7.4.
func (c *call) refresh(l *leg) {
	if l.serves.Has(message.Update) {
		c.ask(l, message.Update, nil, askRefresh)
	} else {
		c.ask(l, message.Invite, l.said, askRefresh)
	}
}

// onRefreshRefused is the answer to a refresh other than a 2xx. RFC 4028 §7.3, §10.
func (c *call) onRefreshRefused(l *leg, res *message.Response) {
	s := &l.session
	switch ext := res.Extensions(); {
	case res.Code == 408 || res.Code == 481:
		c.end("dialog_lost")
	case res.Code == 491:
		s.due = c.now.Add(c.glare(l))
	case res.Code == 422 && ext.MinSE > s.interval && ext.MinSE <= longestSession && !s.raised:
		s.interval, s.least, s.raised = ext.MinSE, ext.MinSE, true
		c.refresh(l)
	case l.ask.method == message.Update && (res.Code == 405 || res.Code == 501):
		l.serves = l.serves.Without(message.Update)
		c.refresh(l)
	default:
		s.raised = false
		s.due = c.now.Add(max(refreshRetry, res.RetryAfter))
	}
}

// lengthen answers a 422 to the attempt's INVITE, once, by asking for as long a
// session as the called side wants. False: it is a refusal. RFC 4028 §7.3.
func (c *call) lengthen(a *attempt, ev evResponse) bool {
	if ev.res.Code != 422 || a.lengthened || !c.mayReinvite(a) {
		return false
	}
	ext := ev.res.Extensions()
	_, try := splitTry(ev.seq)
	if a.draft.Extensions.Expires == 0 || ext.MinSE <= a.draft.Extensions.Expires || ext.MinSE > longestSession || try > mostTry {
		return false
	}
	a.lengthened, a.session.least = true, ext.MinSE
	a.draft.Extensions.Expires, a.draft.Extensions.MinSE = ext.MinSE, ext.MinSE
	seq := joinTry(seqInvite, try+1)
	a.draft.Branch = c.tokens.branch(token{c.id, branchToken, a.number, seq})
	c.preauthorize(&a.leg, a.draft, a.hop, seq)
	c.reinvite(a, ev, seq)
	return true
}
