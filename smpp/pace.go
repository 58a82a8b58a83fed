package smpp

import (
	"sync/atomic"
	"time"
)

// pace limits a rate. Each segment takes its place on a time line whose places
// are one interval apart; the line may be ahead of the clock by burst at most. A
// message of several segments goes as a whole, and what follows pays for it.
type pace struct {
	interval int64 // nanoseconds between two segments; 0: no limit
	burst    int64
	next     int64 // the next free place
}

// paceBurst is the part of a second whose segments may come at once.
const paceBurst = int64(time.Second / 10)

func newPace(perSecond int) pace {
	var p pace
	p.setRate(float64(perSecond))
	return p
}

// setRate changes the rate in segments a second; 0: no limit. What was taken
// stays taken.
func (p *pace) setRate(perSecond float64) {
	if perSecond <= 0 {
		p.interval, p.burst = 0, 0
		return
	}
	p.interval = max(int64(float64(time.Second)/perSecond), 1)
	p.burst = max(paceBurst-p.interval, 0)
}

// ready reports whether a message may go at the instant at.
func (p *pace) ready(at int64) bool { return p.interval == 0 || p.next-at <= p.burst }

// spend claims the places of n segments.
func (p *pace) spend(at int64, n int) {
	if p.interval != 0 {
		p.next = max(p.next, at) + int64(n)*p.interval
	}
}

// rest lets nothing go before the instant until.
func (p *pace) rest(until int64) { p.next = max(p.next, until+p.burst) }

// sharedPace is a pace that several sessions keep together, without a lock.
type sharedPace struct {
	rate            int // segments per second
	interval, burst int64
	next            atomic.Int64
}

// newSharedPace returns nil where there is no limit.
func newSharedPace(perSecond int) *sharedPace {
	if perSecond <= 0 {
		return nil
	}
	p := newPace(perSecond)
	return &sharedPace{rate: perSecond, interval: p.interval, burst: p.burst}
}

// setRate changes the rate of a carrier; 0: no limit. What runs at the same rate
// goes on.
func (d *destination) setRate(perSecond int) {
	old := d.pace.Load()
	if old == nil && perSecond <= 0 || old != nil && old.rate == perSecond {
		return
	}
	d.pace.Store(newSharedPace(perSecond))
}

// take claims the places of n segments at the instant at, or returns false.
func (p *sharedPace) take(at int64, n int) bool {
	if p == nil {
		return true
	}
	for {
		next := p.next.Load()
		if next-at > p.burst {
			return false
		}
		if p.next.CompareAndSwap(next, max(next, at)+int64(n)*p.interval) {
			return true
		}
	}
}
