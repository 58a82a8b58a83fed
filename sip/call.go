package sip

import (
	"net/netip"
	"slices"
	"time"

	"maskline/sip/message"
)

type phase uint8

const (
	phaseNew      phase = iota // being routed
	phaseCalling               // candidates are tried
	phaseAnswered              // the caller has our 2xx and has not acknowledged it
	phaseUp
	phaseOver // only transactions are left
)

var phaseNames = [...]string{"routing", "calling", "answered", "up", "over"}

func (p phase) String() string { return phaseNames[p] }

// call is the state of one two-leg call. It changes in handle only.
type call struct {
	id          uint64
	tokens      *tokens
	maxAttempts int

	phase     phase
	delayed   bool // the INVITE has no offer: the called side offers
	emergency bool
	a         caller
	b         []*attempt
	active    *attempt     // the one under way, or that was answered
	offer     *message.SDP // of the INVITE
	plan      evRouted
	next      int        // next candidate
	last      refusal    // what the caller is told if no candidate is left
	asked     *candidate // an actBegin waits for its answer

	localB       netip.AddrPort // of the next attempt
	relayed      int            // provisional code that the caller knows
	relayedMedia message.EarlyMedia
	ringAgain    time.Time
	held         *message.SDP // the answer that waits for the caller's PRACK
	early        bool         // the caller has a session description from the called side
	exchange     *exchange    // of descriptions, in the established call

	order      *ordered    // nil: a caller brought the call
	contact    *contact    // nil: no reply slot was wanted
	announcing *announcing // what the caller hears in place of a called side
	accepting  *accepting  // the called side has answered and is asked to press a key

	began, answered time.Time
	expires         time.Time
	rang            bool
	ringingAt       time.Time // the caller was told
	secret          message.Secret
	codec           string // of the answer
	speaks          string // of the latest answer
	gone            bool

	now time.Time
	out []action
}

// caller is leg A and the INVITE that opened it.
type caller struct {
	leg
	invite      server
	head        []byte // what every answer repeats
	recordRoute []byte
	reliable    reliable
	wants       message.Extensions // of the INVITE
	maxForwards int
	req         *message.Request // kept for an emergency call's attempts only
	byeWanted   bool
}

func newCall(id uint64, ids *tokens, maxAttempts int) *call {
	return &call{id: id, tokens: ids, maxAttempts: maxAttempts}
}

// handle applies one event at one instant and returns what is to be done, in
// order. The slice is good until the next call.
func (c *call) handle(ev event, now time.Time) []action {
	c.now, c.out = now, c.out[:0]
	if !opens(ev) && c.began.IsZero() {
		return nil // over another socket it came first: it will be sent again
	}
	switch ev := ev.(type) {
	case evInvite:
		c.onInvite(ev)
	case evOrder:
		c.onOrder(ev)
	case evRepeated:
		c.onRepeated()
	case evCancel:
		c.onCancel(ev.req)
	case evRequest:
		c.onRequest(ev)
	case evResponse:
		c.onResponse(ev)
	case evUnreachable:
		c.onUnreachable(ev)
	case evRouted:
		c.onRouted(ev)
	case evOpened:
		c.onOpened(ev)
	case evAllocated:
		c.onAllocated(ev)
	case evBegun:
		c.onBegun(ev)
	case evMediaFault:
		c.onMediaFault(ev)
	case evPlaying:
		c.onPlaying(ev)
	case evPlayed:
		c.onPlayed(ev)
	case evDigit:
		c.onDigit(ev)
	case evOneWay:
		c.onOneWay(ev)
	case evEnd:
		c.onEnd(ev.why)
	case evTick:
		c.tick()
	}
	if c.phase == phaseOver && !c.gone && c.asked == nil && c.wake().IsZero() {
		c.gone = true
		c.do(actGone{})
	}
	return c.out
}

// opens reports whether a call begins with the event.
func opens(ev event) bool {
	switch ev.(type) {
	case evInvite, evOrder:
		return true
	default:
		return false
	}
}

func (c *call) do(a action) { c.out = append(c.out, a) }

// wake is when evTick is due next; zero: nothing is waited for.
func (c *call) wake() time.Time {
	first := sooner(c.a.invite.next(), c.a.reliable.next(), c.a.next(), c.expires, c.ringAgain, c.voiceNext(), c.contact.next())
	if c.exchange != nil {
		first = sooner(first, c.exchange.deadline)
	}
	for _, a := range c.b {
		first = sooner(first, a.next())
	}
	return first
}

func (c *call) tick() {
	c.tickReliable()
	c.tickInvite()
	c.tickContact()
	c.tickExchange()
	c.tickLeg(&c.a.leg)
	for _, a := range c.b {
		c.tickAttempt(a)
	}
	c.tickVoice()
	c.keepRinging()
	if reached(c.expires, c.now) {
		c.expires = time.Time{}
		c.end("max_duration")
	}
}

// end hangs up both sides of an answered call.
func (c *call) end(why string) {
	if c.phase != phaseAnswered && c.phase != phaseUp {
		return
	}
	if c.alone() {
		c.endAnnouncement()
		return
	}
	c.dropExchange()
	c.dropInfos(&c.a.leg)
	c.dropInfos(&c.active.leg)
	c.hang(&c.active.leg)
	c.hang(&c.a.leg)
	c.over(why, 200, 0)
}

// onEnd is an order from outside: drain, or media that died.
func (c *call) onEnd(why string) {
	if c.announcing != nil {
		c.endAnnouncement()
		return
	}
	if c.phase == phaseNew || c.phase == phaseCalling {
		c.refuse(refusal{code: 503, cause: causeTemporary, why: why})
		return
	}
	c.end(why)
}

// over marks the end. What follows are transactions that run out.
func (c *call) over(why string, code, cause int) {
	if c.phase == phaseOver {
		return
	}
	c.contacted(contactLeft)
	if c.phase == phaseCalling {
		c.held = nil
		c.dropExchange()
		c.a.ask.stop() // its dialog ends with the INVITE
	}
	s := summary{
		from: c.a.trunk, why: why, code: code, cause: cause, emergency: c.emergency, codec: c.codec,
		began: c.began, ringing: c.ringingAt, answered: c.answered, ended: c.now,
	}
	if n := c.announcing; n != nil {
		s.announced, s.announcement = n.what.Prompt, n.outcome
	}
	if a := c.active; a != nil {
		s.to, s.second, s.cost = a.trunk, a.candidate.second, a.candidate.cost
		if c.phase == phaseCalling {
			c.giveUp(a)
		} else {
			c.close(a, attemptAnswered, code, 0)
		}
	} else if len(c.b) > 0 {
		last := c.b[len(c.b)-1]
		s.to, s.second = last.trunk, last.candidate.second
	}
	c.overOrder(&s)
	s.attempts = c.attempts()
	c.phase, c.expires = phaseOver, time.Time{}
	c.do(actOver{s})
	c.trim()
}

// trim lets go of what only setting the call up needed.
func (c *call) trim() {
	c.offer, c.plan, c.held, c.contact = nil, evRouted{}, nil, nil
	c.a.req, c.a.head, c.a.recordRoute = nil, nil, nil
	for _, a := range c.b {
		a.early, a.offer, a.draft, a.agreed, a.offering = nil, nil, nil, nil, nil
		a.opened = slices.DeleteFunc(a.opened, func(e *early) bool { return !e.prack.running() })
		if a != c.active || c.phase == phaseOver {
			a.said = nil
		}
	}
	if c.phase == phaseOver {
		c.a.said = nil
	}
}

// number is a number of our own for a session description, unlike that of the
// other leg.
func (c *call) number(leg uint8) uint64 {
	const digits = 1 << 32
	k := c.tokens.String(token{call: c.id, leg: leg})
	var n uint64
	for i := range 8 {
		n = n*31 + uint64(k[i])
	}
	return n%(digits-1) + 1
}

// settled reports whether the call is over and no request or final answer of
// ours waits to be answered.
func (c *call) settled() bool {
	if c.phase != phaseOver || c.a.bye.running() || c.a.byeWanted && !c.a.ended || c.a.invite.state == txCompleted {
		return false
	}
	for _, a := range c.b {
		if a.bye.running() || a.cancel.running() {
			return false
		}
	}
	return true
}
