package sip

import (
	"errors"
	"time"

	"maskline/routing"
)

// Order is a call that nobody brings: the edge calls the first side, and when that has
// answered the second one (third-party call control, RFC 3725). Both get offers of
// ours, so that nobody's description is made up: the relay is between them from the
// start, and the first side hears ringing while the second is called.
type Order struct {
	// ID of the one who orders, for records.
	ID string
	// First and Second find the two sides; each is decided when its side is called.
	// Service, Seed and Now are set then.
	First, Second routing.Request
	// Ring is how long each side may ring at most; 0: as long as the trunk lets it.
	Ring time.Duration
	// Tell hears what becomes of the call, in order, from any goroutine and perhaps
	// before Edge.Order returns. It must not wait. OrderEnded comes once, at the end.
	Tell func(OrderNews)
}

// OrderNews is what has become of an ordered call.
type OrderNews struct {
	Kind   OrderKind
	At     time.Time
	Side   Side          // OrderEnded: which side had been called last
	Reason string        // OrderEnded: as in the metrics
	Code   int           // OrderEnded: final SIP code, 200 of a call that was connected
	By     Ender         // OrderEnded
	Talked time.Duration // OrderEnded: from connection to end
}

// OrderKind is what has happened.
type OrderKind uint8

// The kinds.
const (
	OrderRinging   OrderKind = iota // the first side rings
	OrderAnswered                   // the first side has answered
	OrderConnected                  // the second one too, and they hear each other
	OrderEnded
)

func (o *Order) id() string {
	if o == nil {
		return ""
	}
	return o.ID
}

func (o *Order) tell(n OrderNews) {
	if o.Tell != nil {
		o.Tell(n)
	}
}

// Why no call can be ordered now.
var (
	ErrDraining = errors.New("the edge is draining")
	ErrBusy     = errors.New("the edge has as many calls as it can take")
)

// Order begins a call and returns its number, for [Edge.Release]. What becomes of it
// is told to Order.Tell.
func (e *Edge) Order(o *Order) (uint64, error) {
	switch {
	case e.draining.Load():
		return 0, ErrDraining
	case load(e.load.Load()) > loadCalm, e.cfg.Records != nil && e.cfg.Records.Full(), !e.newCalls.AllowN(e.now(), 1):
		return 0, ErrBusy
	}
	a := e.newActor(nil, callKey{}, callKey{})
	a.order, a.uses = o, nil
	// Nobody's INVITE has these keys.
	a.inviteKey = e.calls.key("ordered", a.id)
	a.mergeKey = e.calls.key("ordered once", a.id)
	if _, how := e.calls.add(a, e.cfg.MaxCalls); how != addedNew {
		return 0, ErrBusy
	}
	e.active.Add(1)
	e.unsettled.Add(1)
	id := a.call.id
	a.post(evOrder{secret: newSecret()})
	return id, nil
}

// Release ends an ordered call, whatever its state. False: there is none any more.
func (e *Edge) Release(call uint64) bool {
	a := e.calls.find(call)
	if a == nil || a.order == nil {
		return false
	}
	a.post(evEnd{"released"})
	return true
}

// routeSide asks routing for the way to one side of an ordered call, and notes whom
// the record is about.
func (a *actor) routeSide(side Side, now time.Time) event {
	o := a.order
	req := o.First
	if side == SideB {
		req = o.Second
	}
	req.Service, req.Seed, req.Now = routing.Voice, a.call.id, now
	ev := a.decide(&req)
	if o.Ring > 0 && (ev.ring == 0 || o.Ring < ev.ring) {
		ev.ring = o.Ring
	}
	p := &a.parties
	p.tenant = ev.tenant
	if side == SideA {
		p.caller = ev.to
	} else {
		p.mask, p.presented, p.called, p.calledUser = ev.mask, ev.present, ev.to, ev.user
	}
	return ev
}

// ended tells who ordered the call of its end.
func (o *Order) ended(s *summary) {
	n := OrderNews{Kind: OrderEnded, At: s.ended, Side: s.side, Reason: s.why, Code: s.code, By: enderOf(s.why)}
	if !s.answered.IsZero() {
		n.Talked = s.ended.Sub(s.answered)
	}
	o.tell(n)
}
