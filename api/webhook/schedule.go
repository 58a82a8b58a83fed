package webhook

import (
	"math/rand/v2"
	"time"
)

// DefaultSchedule are the pauses before each attempt, from the one before on: the
// last comes some three days after the first. Standard Webhooks 1.0.0, Retry
// schedule.
func DefaultSchedule() []time.Duration {
	return []time.Duration{
		0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

const (
	// jitter is the part of a pause that is added by chance.
	jitter = 0.1
	// Bounds of what a Retry-After is heeded for, and of the pause without one.
	leastPause = time.Second
	mostPause  = time.Hour
	usualPause = 30 * time.Second
	// soon is when what waits is tried again after its endpoint has come back.
	soon = 2 * time.Second
)

// jittered lengthens a pause by up to a tenth.
func jittered(d time.Duration, random func() float64) time.Duration {
	return d + time.Duration(float64(d)*jitter*random())
}

// pauseOf is for how long an endpoint that asks for less is left alone.
func pauseOf(r *Result) time.Duration {
	if r.RetryAfter == 0 {
		return usualPause
	}
	return min(max(r.RetryAfter, leastPause), mostPause)
}

func chance() float64 { return rand.Float64() }
