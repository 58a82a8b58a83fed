package media

import "time"

// Timeout is why a session came to its end by silence.
type Timeout uint8

// The timeouts.
const (
	TimeoutInitial Timeout = iota // nothing ever came
	TimeoutSilent                 // nothing came any more
	TimeoutHold                   // held too long
	TimeoutOneWay                 // one side was not heard any more
	timeouts
)

var timeoutNames = [timeouts]string{"initial", "silent", "hold", "one_way"}

// String is the name used in logs and metrics.
func (t Timeout) String() string { return timeoutNames[t] }

// quiet tells when a session has been silent for too long. Times are those of
// the relay's clock; zero means not yet.
type quiet struct {
	since time.Duration // the answer, or when hold began or ended after it
	last  time.Duration // latest packet that passed the checks, from either side
}

// turn notes that a hold begins or ends.
func (q *quiet) turn(now time.Duration) {
	if q.since != 0 {
		q.since = now
	}
}

// expired reports whether the session's time is up, and by which rule.
func (q *quiet) expired(now time.Duration, held bool, cfg *Config) (Timeout, bool) {
	if q.since == 0 {
		return 0, false
	}
	rule, limit := TimeoutSilent, cfg.Silent
	switch {
	case held:
		rule, limit = TimeoutHold, cfg.Hold
	case q.last == 0:
		rule, limit = TimeoutInitial, cfg.Initial
	}
	since := max(q.since, q.last)
	return rule, limit > 0 && now-since >= limit
}
