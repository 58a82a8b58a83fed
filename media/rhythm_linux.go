package media

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// gatherFor is how long a thread rests to find several datagrams at once; the
	// kernel adds its timers' slack, 50 µs by default. It delays what came first by as
	// much, and nothing where datagrams are rare. A rest costs as much CPU as three packets
	// whatever it brings, so that it is longer where many come.
	gatherFor     = 60 * time.Microsecond
	gatherManyFor = 150 * time.Microsecond
	// manyEvery is how often, on average over ratedFor, datagrams come that are many: those
	// of 750 calls.
	manyEvery = time.Second / 75_000
	ratedFor  = 20 * time.Millisecond
	// gatherWithin is how soon after the last ones the next datagrams have come where
	// more are likely to be on their way.
	gatherWithin = 50 * time.Microsecond
	// gatherBelow is how many datagrams at once are enough.
	gatherBelow = 32

	// yieldEvery is below the 10 ms after which Go believes that a thread hangs, and
	// from then on looks for its processor every 20 µs. decisions/019-datagrams.md.
	yieldEvery = 5 * time.Millisecond
)

// rhythm is when a thread that moves packets rests. decisions/030-media-cpu.md.
type rhythm struct {
	last, yielded time.Duration // when it last had datagrams, and last let others go first
	rated         time.Duration // when it last looked how many come
	count         int           // of datagrams since then
	many          bool
}

// rest is called when all of n datagrams that were there at now have been dealt with.
func (r *rhythm) rest(n int, now time.Duration) {
	gather, yield := r.due(n, now)
	if gather > 0 {
		t := unix.NsecToTimespec(int64(gather))
		_ = unix.Nanosleep(&t, nil) // shorter where a signal comes
	}
	if yield {
		runtime.Gosched()
	}
}

// due is for how long to rest, and whether to yield.
func (r *rhythm) due(n int, now time.Duration) (gather time.Duration, yield bool) {
	r.rate(n, now)
	if n < gatherBelow && now-r.last < gatherWithin {
		gather = gatherFor
		if r.many {
			gather = gatherManyFor
		}
	}
	yield = now-r.yielded > yieldEvery
	r.last = now
	if yield {
		r.yielded = now
	}
	return gather, yield
}

// rate notes whether datagrams are many.
func (r *rhythm) rate(n int, now time.Duration) {
	r.count += n
	if since := now - r.rated; since >= ratedFor {
		r.many = time.Duration(r.count)*manyEvery >= since
		r.rated, r.count = now, 0
	}
}
