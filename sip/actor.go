package sip

import (
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"maskline/routing"
	"maskline/sip/message"
)

// actor runs one call: it feeds events to it one at a time, in the order of
// their posting, and does what the call wants. Whoever posts the first event
// works the mailbox off; nobody waits.
type actor struct {
	edge                *Edge
	call                *call
	id                  string // correlation id, in logs only
	inviteKey, mergeKey callKey
	trunk               *trunk // that it came from; nil: it was ordered
	order               *Order // nil: a caller brought it
	alarm               alarm
	shown               atomic.Pointer[CallState]

	mu      sync.Mutex
	mailbox []event
	running bool
	idle    sync.Cond // on mu: running has become false

	// Only the goroutine that works the mailbox off touches these.
	media     MediaSession
	last      *trunk // of the latest attempt
	lastSide  Side   // that it was for
	parties   parties
	uses      []*trunk  // that it holds on to
	engaged   [2]*trunk // of the attempts that have not ended, by side; nil: none
	emergency bool
	over      bool // actOver was carried out
	picked    bool // the called side has answered
	settled   bool // over, and nothing of ours is unanswered
	dead      bool

	unacknowledged bool // as the trunk counts it
}

// mostWaiting bounds the messages from the network that wait in a mailbox.
const mostWaiting = 64

// deliver gives the call a message from the network. Where too many wait, the
// socket is not read until they are worked off: a flood in one call may neither
// fill the memory nor keep whoever works it off, the timers of all calls perhaps,
// at it for ever. Nothing that handles events may call it.
func (a *actor) deliver(ev event) {
	a.mu.Lock()
	if len(a.mailbox) >= mostWaiting {
		for a.running {
			a.idle.Wait()
		}
	}
	a.work(ev)
}

// post gives the call an event. It does not wait.
func (a *actor) post(ev event) {
	a.mu.Lock()
	a.work(ev)
}

// work adds an event and, unless somebody else does, works the mailbox off. It is
// called with mu held, and unlocks it.
func (a *actor) work(ev event) {
	a.mailbox = append(a.mailbox, ev)
	if a.running {
		a.mu.Unlock()
		return
	}
	a.running = true
	defer func() { // whatever came of it: nobody waits for ever
		a.running, a.mailbox = false, nil
		a.idle.Broadcast()
		a.mu.Unlock()
	}()
	for len(a.mailbox) > 0 {
		ev := a.mailbox[0]
		a.mailbox = a.mailbox[1:]
		a.unlocked(ev)
	}
}

// unlocked handles an event without mu, which is held again when it returns or
// panics.
func (a *actor) unlocked(ev event) {
	a.mu.Unlock()
	defer a.mu.Lock()
	a.handle(ev)
}

// handle lets the call judge the event, and the events that come of its actions.
func (a *actor) handle(ev event) {
	defer a.rescue()
	if a.dead {
		return
	}
	now := a.edge.now()
	before := a.call.phase
	for events := []event{ev}; len(events) > 0; events = events[1:] {
		actions := a.call.handle(events[0], now)
		for _, act := range actions {
			if result := a.do(act, now); result != nil {
				events = append(events, result)
			}
		}
		clear(actions) // messages sent are not kept
	}
	if a.call.phase != before {
		a.show()
	}
	if a.call.gone {
		a.remove()
		return
	}
	a.settle(a.call.settled())
	a.countUnacknowledged(a.call.unacknowledged())
	if wake := a.call.wake(); !wake.IsZero() {
		a.edge.timers.set(&a.alarm, wake)
	}
}

// rescue keeps a fault of ours to the one call. What it held is given back; its
// peers learn of the end from our silence or a 481. A further fault costs the one
// step that it strikes.
func (a *actor) rescue() {
	fault := recover()
	if fault == nil {
		return
	}
	a.dead = true
	a.edge.panicked(fmt.Sprintf("%T", fault), debug.Stack())
	for _, t := range a.engaged {
		if t != nil {
			a.surely(t.leave)
		}
	}
	if !a.over {
		a.surely(func() {
			a.end(summary{from: a.trunk, why: "panic", code: 500, attempts: a.call.attempts(), began: a.call.began, ringing: a.call.ringingAt, answered: a.call.answered, ended: a.edge.now()})
		})
	}
	a.remove()
}

// surely does one of several steps, none of which may keep the others from being
// done.
func (a *actor) surely(step func()) {
	defer a.edge.recovered("end of a call")
	step()
}

func (a *actor) remove() {
	a.dead = true
	a.surely(func() { a.settle(true) })
	a.surely(func() { a.countUnacknowledged(false) })
	a.surely(func() { a.edge.timers.clear(&a.alarm) })
	a.surely(func() { a.edge.calls.remove(a) })
	a.surely(func() { a.releaseFrom(0) })
}

// settle keeps the edge's count of calls that wait for an answer.
func (a *actor) settle(settled bool) {
	switch {
	case settled && !a.settled:
		a.edge.unsettled.Add(-1)
	case !settled && a.settled:
		a.edge.unsettled.Add(1)
	}
	a.settled = settled
}

// do carries out one action. What it returns is told to the call next.
func (a *actor) do(act action, now time.Time) event {
	switch act := act.(type) {
	case actSend:
		return a.send(act)
	case actRoute:
		return a.route(act, now)
	case actOpen:
		return a.openSlot(act)
	case actContacted:
		a.edge.metrics.contacts.ended(act.outcome, act.after)
	case actAllocate:
		return a.allocate(act.at)
	case actBegin:
		return a.begin(&act, now)
	case actRemote:
		if err := a.media.SetRemote(act.side, act.remote); err != nil {
			return evMediaFault{act.side}
		}
	case actAnswered:
		a.media.Answered(act.codec)
		if !a.picked { // a change of the codec comes as another one
			a.picked = true
			a.progress(true)
		}
	case actOneWay:
		a.reportOneWay(act)
	case actReport:
		if c := act.candidate.carrier; c != nil && !a.emergency {
			c.Report(routing.Voice, act.ok, now)
		}
	case actAttempt:
		t := act.candidate.trunk
		a.engaged[act.side] = nil
		t.leave()
		t.hold(act.retryAfter, now)
		if act.outcome == attemptTimeout || act.outcome == attemptUnreachable {
			t.shun(act.candidate.address(), now)
		}
		t.state.metrics.attempt(&act)
	case actRinging:
		if a.last != nil {
			a.last.state.metrics.setup.Observe(act.after.Seconds())
		}
		a.progress(false)
	case actOver:
		a.end(act.summary)
	case actGone: // handle removes it
	case actSide:
		return a.routeSide(act.side, now)
	case actNews:
		a.order.tell(act.news)
	default:
		return a.doVoice(act)
	}
	return nil
}

// progress tells of a call on its way. Of an ordered one its order hears.
func (a *actor) progress(answered bool) {
	if tell := a.edge.cfg.Progress; tell != nil && a.order == nil && !a.emergency {
		tell(a.id, a.parties.tenant, answered)
	}
}

func (a *actor) send(act actSend) event {
	m := act.trunk.state.metrics
	if act.code == 0 {
		m.out.request(act.method)
	} else {
		m.out.response(act.method, act.code)
	}
	err := a.edge.transmit(act, a.call.id)
	if err != nil && act.code == 0 && (act.method == message.Invite || isUndeliverable(err)) {
		return evUnreachable{act.leg, act.seq}
	}
	return nil // what the system would not send now is repeated
}

func (a *actor) allocate(at [2]netip.Addr) event {
	session, err := a.edge.media.Allocate(MediaOptions{
		ID:        a.id,
		At:        at,
		OnTimeout: func(string) { a.post(evEnd{"media_timeout"}) },
		OnPlayed:  func(side Side) { a.post(evPlayed{side}) },
		OnDigit:   func(side Side, key byte) { a.post(evDigit{side, key}) },
		OnOneWay:  func(side Side) { a.post(evOneWay{side}) },
	})
	if err != nil {
		return evAllocated{}
	}
	a.media = session
	return evAllocated{session.Local(SideA), session.Local(SideB)}
}

// begin gives the side the address that the candidate needs, and asks the trunk's
// limits and the carrier's breaker for an attempt.
func (a *actor) begin(act *actBegin, now time.Time) evBegun {
	if m, moves := a.media.(Mover); moves && m.Move(act.side, act.at) != nil {
		act.candidate.trunk.state.metrics.busy(outbound, busyMedia)
		return evBegun{}
	}
	return evBegun{a.engage(act.candidate, act.side, now), a.media.Local(act.side)}
}

func (a *actor) engage(c candidate, side Side, now time.Time) bool {
	t := c.trunk
	if retirement(t.retired.Load()) == removed {
		t.state.metrics.busy(outbound, busyRemoved)
		return false
	}
	if why := t.engage(now, a.emergency); why != free {
		t.state.metrics.busy(outbound, why)
		return false
	}
	if c.carrier != nil && !a.emergency && !c.carrier.Begin(routing.Voice, now) {
		t.leave()
		t.state.metrics.busy(outbound, busyBreaker)
		return false
	}
	t.state.metrics.seized[outbound].Inc()
	if a.last != nil && a.lastSide == side {
		a.last.state.metrics.failovers.Inc()
	}
	a.last, a.lastSide, a.engaged[side] = t, side, t
	return true
}

// end gives everything back and says so in the log, once.
func (a *actor) end(s summary) {
	a.over = true
	var stats MediaStats
	var media *MediaStats
	if a.media != nil {
		a.surely(func() {
			stats = a.media.Release()
			media = &stats
		})
	}
	a.edge.active.Add(-1)
	if a.order != nil {
		a.edge.metrics.ordered.WithLabelValues(s.why).Inc()
	} else {
		a.trunk.leave()
		a.trunk.state.metrics.ended(s.why)
	}
	if s.announced != "" {
		a.edge.metrics.announcements.WithLabelValues(s.announced, s.announcement.String()).Inc()
	}
	if records := a.edge.cfg.Records; records != nil {
		a.surely(func() { records.Add(a.record(&s, media)) })
	}
	if a.order != nil {
		a.surely(func() { a.order.ended(&s) })
	}
	var talked time.Duration
	if !s.answered.IsZero() {
		talked = s.ended.Sub(s.answered)
		a.edge.router.Talked(a.parties.tenant, s.cost, talked, s.ended)
		if s.from != nil {
			s.from.state.metrics.talked(a.came(), talked)
			s.from.state.metrics.heard(&stats.A)
		}
		if s.to != nil {
			s.to.state.metrics.talked(outbound, talked)
			s.to.state.metrics.heard(&stats.B)
		}
	}
	a.edge.log.Info("call ended",
		zap.String("call", a.id), zap.String("from", s.from.label()), zap.String("to", s.to.label()),
		zap.String("why", s.why), zap.Int("code", s.code), zap.Int("cause", s.cause),
		zap.Int("attempts", len(s.attempts)), zap.Bool("emergency", s.emergency),
		zap.Duration("took", s.ended.Sub(s.began)), zap.Duration("talked", talked),
		zap.Uint64("packets_a", stats.A.Packets), zap.Uint64("packets_b", stats.B.Packets),
		zap.Uint64("lost_a", stats.A.Lost), zap.Uint64("lost_b", stats.B.Lost), zap.Uint64("dropped", stats.Dropped),
		zap.Float64("mos_a", stats.A.MOS), zap.Float64("mos_b", stats.B.MOS))
}

// came is the direction of the first side's leg.
func (a *actor) came() direction {
	if a.order != nil {
		return outbound
	}
	return inbound
}

// label is the trunk's name in logs.
func (t *trunk) label() string {
	if t == nil {
		return "none"
	}
	return t.Name
}
