package routing

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	cfg := BreakerConfig{Window: 30 * time.Second, Ratio: 0.5, Min: 4, HalfOpenAfter: 10 * time.Second}
	type step struct {
		at    time.Duration // since noon
		begin string        // "yes" or "no": what Begin says; empty: not asked
		ok    bool
		then  BreakerState
	}
	const s, hour = time.Second, time.Hour
	report := func(at time.Duration, ok bool, then BreakerState) step { return step{at: at, ok: ok, then: then} }
	begin := func(at time.Duration, want string, then BreakerState) step {
		return step{at: at, begin: want, then: then}
	}
	cases := []struct {
		name  string
		steps []step
	}{
		{"too few to judge", []step{report(0, false, Closed), report(0, false, Closed), report(0, false, Closed), begin(0, "yes", Closed)}},
		{"opens at the ratio", []step{
			report(0, true, Closed), report(0, true, Closed), report(s, false, Closed), report(s, false, Open), begin(s, "no", Open),
		}},
		{"below the ratio stays closed", []step{
			report(0, true, Closed), report(0, true, Closed), report(0, true, Closed), report(s, false, Closed), report(s, false, Closed),
		}},
		{"old outcomes do not count", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed),
			report(31*s, false, Closed), report(31*s, true, Closed), report(31*s, true, Closed), report(31*s, true, Closed),
		}},
		{"one trial, good, closes", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed), report(0, false, Open),
			begin(9*s, "no", Open), begin(10*s, "yes", HalfOpen), begin(10*s, "no", HalfOpen),
			report(11*s, true, Closed), begin(11*s, "yes", Closed), report(11*s, false, Closed),
		}},
		{"one trial, bad, opens again", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed), report(0, false, Open),
			begin(10*s, "yes", HalfOpen), report(11*s, false, Open), begin(20*s, "no", Open), begin(21*s, "yes", HalfOpen),
		}},
		{"a trial that is never reported", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed), report(0, false, Open),
			begin(10*s, "yes", HalfOpen), begin(19*s, "no", HalfOpen), begin(20*s, "yes", HalfOpen),
		}},
		{"open when the clock is set back", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed), report(0, false, Open),
			begin(-hour, "yes", HalfOpen), begin(-hour, "no", HalfOpen), report(-hour, true, Closed),
		}},
		{"a trial when the clock is set back", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed), report(0, false, Open),
			begin(10*s, "yes", HalfOpen), begin(-hour, "yes", HalfOpen),
		}},
		{"outcomes when the clock is set back", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed),
			report(-hour-4*s, false, Closed), report(-hour-4*s, true, Closed), report(-hour-4*s, true, Closed), report(-hour-4*s, true, Closed),
		}},
		{"late outcomes do not close it", []step{
			report(0, false, Closed), report(0, false, Closed), report(0, false, Closed), report(0, false, Open), report(s, true, Open),
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := NewBreaker(cfg)
			for i, step := range c.steps {
				at := noon.Add(step.at)
				if step.begin != "" {
					if got := b.Begin(at); got != (step.begin == "yes") {
						t.Fatalf("step %d: Begin says %v", i, got)
					}
				} else {
					b.Report(step.ok, at)
				}
				if got := b.State(at); got != step.then {
					t.Fatalf("step %d: %v, want %v", i, got, step.then)
				}
			}
		})
	}
}

// A trial that came to nothing is given back; only who claimed it can do so.
func TestBreakerGivesATrialBack(t *testing.T) {
	b := NewBreaker(BreakerConfig{Window: 30 * time.Second, Ratio: 0.5, Min: 1, HalfOpenAfter: 10 * time.Second})
	b.Cancel(noon) // closed: there is none
	b.Report(false, noon)
	first := noon.Add(10 * time.Second)
	if !b.Begin(first) || b.Begin(first.Add(time.Second)) {
		t.Fatal("not one trial")
	}
	b.Cancel(noon)
	if b.Begin(first.Add(time.Second)) {
		t.Fatal("somebody else gave the trial back")
	}
	b.Cancel(first)
	second := first.Add(time.Second)
	if b.State(second) != HalfOpen || !b.Begin(second) {
		t.Fatal("the trial was not given back")
	}
	b.Report(true, second)
	if b.State(second) != Closed {
		t.Fatal("the second trial did not count")
	}
}

func TestBreakerWithoutRatioNeverOpens(t *testing.T) {
	b := NewBreaker(BreakerConfig{})
	for range 100 {
		b.Report(false, noon)
	}
	if !b.Begin(noon) {
		t.Fatal("it opened")
	}
}
