package sip

import (
	"time"

	"go.uber.org/zap"

	"maskline/sip/message"
)

// load is how far the edge is behind with its work.
type load uint8

const (
	loadCalm     load = iota
	loadShedding      // new calls are answered 503
	loadDropping      // new calls are dropped before they are parsed
	loads
)

func (l load) String() string { return [loads]string{"calm", "shedding", "dropping"}[l] }

// When the edge is behind: what waits in a socket's buffer, and by how much its
// timers are late. Both must last, since a burst is no overload.
const (
	loadEvery    = 50 * time.Millisecond
	loadPatience = 3  // samples in a row that make it worse
	loadRelief   = 10 // and better, by one step

	shedBacklog, dropBacklog = 0.5, 0.9 // of the buffer
	shedLag, dropLag         = 300 * time.Millisecond, 2 * time.Second

	// leastRetryAfter and its spread, in seconds: callers shall not come back all at
	// once.
	leastRetryAfter, retryAfterSpread = 1, 5
)

// overload turns samples into a load, with hysteresis.
type overload struct {
	now              load
	bad, worse, good int
}

func (o *overload) judge(backlog float64, lag time.Duration) load {
	count := func(n *int, yes bool) bool {
		if *n++; !yes {
			*n = 0
		}
		return yes
	}
	worse := count(&o.worse, backlog >= dropBacklog || lag >= dropLag)
	bad := count(&o.bad, worse || backlog >= shedBacklog || lag >= shedLag)
	count(&o.good, !bad)
	switch {
	case o.worse >= loadPatience:
		o.now = loadDropping
	case o.bad >= loadPatience && o.now == loadCalm:
		o.now = loadShedding
	case o.good >= loadRelief && o.now > loadCalm:
		o.now--
		o.good = 0
	}
	return o.now
}

// watchLoad samples until done is closed.
func (e *Edge) watchLoad(done <-chan struct{}) {
	tick := time.NewTimer(loadEvery)
	defer tick.Stop()
	var o overload
	for due := e.now().Add(loadEvery); ; due = e.now().Add(loadEvery) {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		backlog, lag := e.measure(due)
		e.bear(o.judge(backlog, lag))
		tick.Reset(loadEvery)
	}
}

// bear notes the load, and logs where it changes.
func (e *Edge) bear(l load) {
	if before := load(e.load.Swap(uint32(l))); before != l {
		e.log.Warn("load changed", zap.Stringer("from", before), zap.Stringer("to", l), zap.Int64("calls", e.active.Load()))
	}
}

// measureLoad is the backlog, and by how much a tick that was due at this time and
// the timers are late.
func (e *Edge) measureLoad(due time.Time) (backlog float64, lag time.Duration) {
	now := e.now()
	return e.backlog(), max(now.Sub(due), e.timers.lag(now))
}

// backlog is the fullest receive buffer, 0 to 1.
func (e *Edge) backlog() float64 {
	fullest := 0.0
	for _, s := range e.sockets {
		for _, d := range s.udp {
			fullest = max(fullest, d.Fill())
		}
	}
	return fullest
}

// shed answers a new call where the edge is behind, before anybody's password is
// asked for.
func (e *Edge) shed(s *socket, t *trunk, req *message.Request, key callKey) bool {
	return load(e.load.Load()) > loadCalm && e.turnAway(s, t, req, key, busyOverload)
}

// crowded answers a new call beyond those of a second. It is asked once the caller
// is known: nobody uses up what he is not let in for.
func (e *Edge) crowded(s *socket, t *trunk, req *message.Request, key callKey) bool {
	return !e.newCalls.AllowN(e.now(), 1) && e.turnAway(s, t, req, key, busyEdge)
}

// turnAway answers a new call that the edge has no room for. Emergency calls, and
// all that belongs to standing calls, go on.
func (e *Edge) turnAway(s *socket, t *trunk, req *message.Request, key callKey, why busy) bool {
	if e.isEmergency(t, req) {
		return false
	}
	e.refuseBusy(s, t, req, key, why)
	return true
}

// refuseBusy tells a trunk to come again a little later.
func (e *Edge) refuseBusy(s *socket, t *trunk, req *message.Request, key callKey, why busy) {
	t.state.metrics.busy(inbound, why)
	e.keepOut(s, t, req, key, verdict{code: 503, cause: causeCongestion, later: true})
}

// drops reports whether a datagram is not even parsed now: it would open a call.
func (e *Edge) drops(data []byte) bool {
	if load(e.load.Load()) < loadDropping || !message.Opens(data) {
		return false
	}
	e.metrics.overloads.Inc()
	return true
}
