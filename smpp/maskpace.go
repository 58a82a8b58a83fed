package smpp

import (
	"sync"
	"time"

	"maskline/e164"
)

// maskPaces limits how fast messages leave through one carrier with the same
// presented mask: many networks let a long code send one message a second. A
// message is given a place on its mask's time line and waits for it.
//
// The lines are kept in a table of fixed size with exact keys. A line whose next
// place has passed says nothing more and gives way to another mask's.
type maskPaces struct {
	interval int64
	sets     []maskSet
}

type maskSet struct {
	mu   sync.Mutex
	ways [maskWays]maskLine
}

type maskLine struct {
	mask e164.Number
	last int64 // the place given last
	next int64 // the next free one
}

const (
	maskSets = 4096 // with 8 ways: 32,768 masks within one interval, under 1 MiB a carrier
	maskWays = 8
)

// newMaskPaces returns nil where there is no limit.
func newMaskPaces(perSecond int) *maskPaces {
	if perSecond <= 0 {
		return nil
	}
	return &maskPaces{interval: int64(time.Second) / int64(perSecond), sets: make([]maskSet, maskSets)}
}

// reserve gives a message of n segments its place, at the instant at or later,
// and at until the latest; before is the one given before it. It returns false
// where the next place is later, or where too many masks are in use to tell.
func (p *maskPaces) reserve(mask e164.Number, at, until int64, n int) (place, before int64, ok bool) {
	set := &p.sets[mix(uint64(mask))%uint64(len(p.sets))]
	set.mu.Lock()
	defer set.mu.Unlock()
	line := set.line(mask, at)
	if line == nil {
		return 0, 0, false
	}
	if line.mask != mask {
		*line = maskLine{mask: mask, last: -never}
	}
	if place = max(line.next, at); place > until {
		return 0, 0, false
	}
	before = line.last
	line.last, line.next = place, place+int64(n)*p.interval
	return place, before, true
}

// line finds the mask's line, else one that may be used for it.
func (s *maskSet) line(mask e164.Number, at int64) *maskLine {
	var idle *maskLine
	for i := range s.ways {
		l := &s.ways[i]
		if l.mask == mask {
			return l
		}
		if l.next <= at {
			idle = l
		}
	}
	return idle
}

// delay is what a message's mask asks for.
type delay uint8

const (
	noDelay delay = iota
	delayed       // the message waits for its place: it is the destination's
	tooSlow       // its place is too far away
)

// delayFor reserves a place for the message's mask.
func (d *destination) delayFor(t *turn, m *message) delay {
	if d.masks == nil || m.receipt != nil || m.plan.Present == 0 {
		return noDelay
	}
	if int(d.delays.Load()) >= d.binds.Load().windows {
		return tooSlow
	}
	place, before, ok := d.masks.reserve(m.plan.Present, t.at, m.leaveBy, m.segments)
	if !ok {
		return tooSlow
	}
	// What was placed before may still wait for the tick that sends it.
	if place <= t.at && (d.delays.Load() == 0 || before <= t.at-2*int64(tick)) {
		return noDelay
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.binds.Load().empty() {
		return tooSlow
	}
	m.notBefore = place
	d.delayed.push(m)
	d.delays.Add(1)
	return delayed
}

// runDelayed sends what waited for its mask's place.
func (d *destination) runDelayed(t *turn) {
	if d.delays.Load() == 0 {
		return
	}
	var ready queue
	d.mu.Lock()
	d.delayed.takeIf(&ready, func(m *message) bool { return m.notBefore <= t.at })
	d.delays.Store(int32(d.delayed.length))
	d.mu.Unlock()
	var refused queue
	for m := ready.head; m != nil; m = ready.head {
		ready.remove(m)
		if !d.take(t, m) {
			refused.push(m)
		}
	}
	t.edge.advanceAll(t, refused.takeAll())
}
