package sip

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A call is some six datagrams of its peer's; with repetitions, what a trunk may
// send follows from its calls per second.
const (
	floodPerCall = 32
	floodFloor   = 100
)

// trunkState is what changes about a trunk. Its methods may be called from any
// goroutine.
type trunkState struct {
	channels       atomic.Int64    // calls that occupy it
	unacknowledged atomic.Int64    // calls from it whose final answer waits for its ACK
	up             atomic.Bool     // it answers its probes, or is not probed
	registered     atomic.Bool     // we are, where it wants that
	heldUntil      atomic.Int64    // Retry-After, nanoseconds since 1970
	waiting        [2]atomic.Int64 // messages that are not answered yet, by direction
	texts          int             // messages from it in memory; under the lock of texts
	metrics        *trunkMetrics
	stale          atomic.Bool // its name was not found the last time
	claims         atomic.Bool // its name had addresses of others then

	shunning sync.Mutex
	shunned  map[netip.AddrPort]time.Time // its addresses that failed, and until when they come last
}

func (t *trunk) initState() {
	t.state = &trunkState{}
	t.initLimits()
	t.state.up.Store(t.Probe.Every < 0 && t.addr.IsValid())
}

func (t *trunk) initLimits() {
	t.flood = limiter(t.CPS*floodPerCall, floodFloor)
	t.in, t.out = limiter(t.CPS, 0), limiter(t.CPS, 0)
	t.texts = [2]*rate.Limiter{limiter(t.CPS, 0), limiter(t.CPS, 0)}
}

// limiter allows n a second and bursts of a second's worth; 0 is no bound.
func limiter(n, floor int) *rate.Limiter {
	if n <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(n+floor), n+floor)
}

// fit reports whether the trunk can be sent calls: it lives, and knows us.
func (t *trunk) fit() bool {
	return t.state.up.Load() && (!t.Register.Enabled || t.state.registered.Load())
}

// busy is why a trunk takes no call now.
type busy uint8

const (
	free busy = iota
	busyDown
	busyHeld     // it asked to be left alone
	busyChannels // all are in use
	busyCPS
	busyBreaker
	busyUnacknowledged // too many of its callers do not acknowledge
	busyOverload       // the edge is behind
	busyEdge           // its own calls per second
	busyRecords        // too many records of calls wait for the disk
	busyRemoved        // it is no longer configured
	busyTexts          // too many of its messages wait for their answer
	busyMedia          // no media ports at the address that it needs
	busies
)

var busyNames = [busies]string{"free", "down", "held", "channels", "cps", "breaker", "unacknowledged", "overload", "edge_cps", "records", "removed", "messages", "media_ports"}

func (b busy) String() string { return busyNames[b] }

// admit takes a channel for a call from the trunk.
func (t *trunk) admit(now time.Time) busy {
	if t.state.unacknowledged.Load() >= mostUnacknowledged {
		return busyUnacknowledged
	}
	return t.take(t.in, now)
}

// engage takes a channel for a call to the trunk. Emergency calls pass every
// limit and hold.
func (t *trunk) engage(now time.Time, emergency bool) busy {
	if emergency {
		t.state.channels.Add(1)
		return free
	}
	switch {
	case !t.fit():
		return busyDown
	case t.held(now):
		return busyHeld
	default:
		return t.take(t.out, now)
	}
}

func (t *trunk) take(calls *rate.Limiter, now time.Time) busy {
	if n := t.state.channels.Add(1); t.Channels > 0 && n > int64(t.Channels) {
		t.leave()
		return busyChannels
	}
	if !calls.AllowN(now, 1) {
		t.leave()
		return busyCPS
	}
	return free
}

// leave gives a channel back.
func (t *trunk) leave() { t.state.channels.Add(-1) }

// held reports whether the trunk is left alone now. One that would be for longer
// than is ever asked for shows a clock that was set back.
func (t *trunk) held(now time.Time) bool {
	left := time.Duration(t.state.heldUntil.Load() - now.UnixNano())
	return left > 0 && left <= t.RetryAfterMax
}

// hold leaves the trunk alone for as long as it asked, within its bound.
func (t *trunk) hold(d time.Duration, now time.Time) {
	if d > 0 {
		t.state.heldUntil.Store(now.Add(min(d, t.RetryAfterMax)).UnixNano())
	}
}
