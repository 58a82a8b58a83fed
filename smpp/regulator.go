package smpp

import "time"

// regulator lowers a bind's rate while its peer says that it gets too much: by
// half with each sign, up again by steady steps while there is none. It is a
// plain function of what it is told. The session's lock guards it.
type regulator struct {
	rate    float64 // segments a second that may leave; 0: not slowed
	full    float64 // the rate at which slowing ends
	step    float64 // what each second without a sign gives back
	lowered int64
	raised  int64
}

const (
	lowerEvery   = int64(500 * time.Millisecond) // a window's worth of signs is one
	raiseEvery   = int64(time.Second)
	slowestRate  = 1.0 // segments a second
	raiseSteps   = 10  // steps from a lowered rate back to where it was
	lowerByParts = 2
)

// lower takes a sign of overload, at the instant at. limit is the configured
// rate and sent the measured one. It reports whether the rate has changed.
func (r *regulator) lower(at int64, limit, sent float64) bool {
	if r.rate != 0 && at-r.lowered < lowerEvery {
		return false
	}
	from := r.rate
	if from == 0 {
		if from = sent; limit > 0 {
			from = min(from, limit)
		}
		r.full = max(from, slowestRate*lowerByParts)
	}
	r.rate = max(from/lowerByParts, slowestRate)
	r.step = max(r.rate/raiseSteps, slowestRate/lowerByParts)
	r.lowered, r.raised = at, at
	return true
}

// raise gives back what time without signs has earned, and reports whether the
// rate has changed.
func (r *regulator) raise(at int64) bool {
	if r.rate == 0 || at-r.raised < raiseEvery {
		return false
	}
	r.raised = at
	if r.rate += r.step; r.rate >= r.full {
		r.rate = 0
	}
	return true
}

// meter measures how many segments a second leave, over about a second.
type meter struct {
	since int64
	count int
	last  float64
}

func (m *meter) add(at int64, n int) {
	if passed := at - m.since; passed >= int64(time.Second) {
		m.last = float64(m.count) * float64(time.Second) / float64(passed)
		m.since, m.count = at, 0
	}
	m.count += n
}

// rate is what was measured, at least what has left in the running second.
func (m *meter) rate() float64 { return max(m.last, float64(m.count)) }
