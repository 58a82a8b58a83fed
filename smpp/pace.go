package smpp

import "time"

// pace limits a rate. Each message takes its place on a time line whose places
// are one interval apart; it may be ahead of the clock by burst at most.
type pace struct {
	interval int64 // nanoseconds between two messages; 0: no limit
	burst    int64
	next     int64 // the next free place
}

// paceBurst is the part of a second whose messages may come at once.
const paceBurst = int64(time.Second / 10)

func newPace(perSecond int) pace {
	if perSecond <= 0 {
		return pace{}
	}
	interval := int64(time.Second) / int64(perSecond)
	return pace{interval: max(interval, 1), burst: max(paceBurst-interval, 0)}
}

// charge takes places whether they are free or not: what belongs together goes
// together, and the next message waits for it.
func (p *pace) charge(count int) { p.next += int64(count) * p.interval }

// take claims a place at the instant at, or returns false.
func (p *pace) take(at int64) bool {
	if p.interval == 0 {
		return true
	}
	place := max(p.next, at)
	if place-at > p.burst {
		return false
	}
	p.next = place + p.interval
	return true
}
