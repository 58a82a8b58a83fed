package routing

import (
	"sync"
	"sync/atomic"
	"time"
)

// BreakerConfig says when a carrier is left alone for a while.
type BreakerConfig struct {
	Window        time.Duration // attempts counted back from now
	Ratio         float64       // share of faults that opens it, 0 to 1
	Min           int           // fewer attempts in the window never open it
	HalfOpenAfter time.Duration // how long it stays open before one trial
}

// BreakerState is closed (traffic flows), open (none) or half open (one trial).
type BreakerState uint8

// The states.
const (
	Closed BreakerState = iota
	HalfOpen
	Open
)

var breakerNames = [...]string{"closed", "half_open", "open"}

// String is the name used in logs and metrics.
func (s BreakerState) String() string { return breakerNames[s] }

const breakerBuckets = 10

// Breaker counts the outcomes of attempts in a sliding window. It takes time
// as an argument and starts closed. What an earlier call left behind in the
// future is not believed: the clock has been set back since.
type Breaker struct {
	cfg BreakerConfig

	openUntil atomic.Int64 // nanoseconds since 1970; 0 while closed

	mu      sync.Mutex
	trial   int64 // when the trial under way was claimed; 0: none
	buckets [breakerBuckets]bucket
}

type bucket struct {
	slice         int64 // which slice of time it counts
	attempts, bad int
}

// NewBreaker makes a closed breaker. A ratio of 0 makes one that never opens.
func NewBreaker(cfg BreakerConfig) *Breaker { return &Breaker{cfg: cfg} }

// State is the state at now.
func (b *Breaker) State(now time.Time) BreakerState {
	until := b.openUntil.Load()
	if until == 0 {
		return Closed
	}
	if rest := until - now.UnixNano(); rest > 0 && rest <= int64(b.cfg.HalfOpenAfter) {
		return Open
	}
	return HalfOpen
}

// Begin claims an attempt: always while closed, one at a time while half open.
// A trial ends with Report or Cancel; one that never does stops counting after
// HalfOpenAfter.
func (b *Breaker) Begin(now time.Time) bool {
	switch b.State(now) {
	case Closed:
		return true
	case Open:
		return false
	case HalfOpen:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := now.UnixNano()
	if since := at - b.trial; b.trial != 0 && since >= 0 && since < int64(b.cfg.HalfOpenAfter) {
		return false
	}
	b.trial = at
	return true
}

// Cancel gives back an attempt that was claimed at the instant begun and came to
// nothing: it was never sent, so it tells nothing of the carrier. Where it was
// the trial, the next one may begin at once.
func (b *Breaker) Cancel(begun time.Time) {
	if b.openUntil.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trial == begun.UnixNano() {
		b.trial = 0
	}
}

// Report counts the outcome of an attempt. In the half open state it decides:
// a good one closes the breaker, a bad one opens it again.
func (b *Breaker) Report(ok bool, now time.Time) {
	if b.cfg.Ratio <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.State(now) {
	case Open:
		return // late outcome of an attempt made before
	case HalfOpen:
		b.trial = 0
		if ok {
			b.buckets = [breakerBuckets]bucket{}
			b.openUntil.Store(0)
		} else {
			b.open(now)
		}
		return
	case Closed:
	}
	b.add(ok, now)
	if attempts, bad := b.sum(now); attempts >= max(b.cfg.Min, 1) && float64(bad) >= b.cfg.Ratio*float64(attempts) && bad > 0 {
		b.open(now)
	}
}

func (b *Breaker) open(now time.Time) {
	b.openUntil.Store(now.Add(b.cfg.HalfOpenAfter).UnixNano())
}

func (b *Breaker) add(ok bool, now time.Time) {
	slice := b.slice(now)
	k := &b.buckets[int(slice%breakerBuckets)]
	if k.slice != slice {
		*k = bucket{slice: slice}
	}
	k.attempts++
	if !ok {
		k.bad++
	}
}

func (b *Breaker) sum(now time.Time) (attempts, bad int) {
	newest := b.slice(now)
	for i := range b.buckets {
		if k := &b.buckets[i]; k.slice > newest-breakerBuckets && k.slice <= newest {
			attempts += k.attempts
			bad += k.bad
		}
	}
	return attempts, bad
}

func (b *Breaker) slice(now time.Time) int64 {
	return now.UnixNano() / max(int64(b.cfg.Window)/breakerBuckets, 1)
}
