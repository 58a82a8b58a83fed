package smpp

import "time"

// redials keeps the attempts of one session to bind below a number in any
// minute: carriers lock out who comes too often.
type redials struct {
	latest []time.Time // as many as may be made in a minute; empty: no limit
	next   int         // the oldest of them
}

func newRedials(perMinute int) redials {
	return redials{latest: make([]time.Time, max(perMinute, 0))}
}

// wait is how long the next attempt has to wait.
func (r *redials) wait(now time.Time) time.Duration {
	if len(r.latest) == 0 || r.latest[r.next].IsZero() {
		return 0
	}
	return max(r.latest[r.next].Add(time.Minute).Sub(now), 0)
}

// made notes an attempt.
func (r *redials) made(now time.Time) {
	if len(r.latest) > 0 {
		r.latest[r.next] = now
		r.next = (r.next + 1) % len(r.latest)
	}
}
