package smppload

import (
	"math"
	"sync/atomic"
	"time"
)

// schedule gives out message numbers, as fast as they are asked for or as a
// rate allows.
type schedule struct {
	next    atomic.Uint64
	granted atomic.Uint64 // numbers below this one may go out
	limit   uint64
	period  float64 // ns between two messages; 0: no rate
	begun   int64
}

func newSchedule(cfg *Config) *schedule {
	s := &schedule{limit: uint64(maxMessages / cfg.Parts)}
	if cfg.Messages > 0 {
		s.limit = min(s.limit, uint64(cfg.Messages))
	}
	if cfg.Rate > 0 {
		s.period = float64(time.Second) * float64(cfg.Parts) / float64(cfg.Rate)
	}
	return s
}

// start lets messages go.
func (s *schedule) start(now int64) {
	s.begun = now
	if s.period == 0 {
		s.granted.Store(s.limit)
	}
}

// advance grants what is due, and reports whether there may be more.
func (s *schedule) advance(now int64) bool {
	if s.period > 0 {
		s.granted.Store(min(s.limit, uint64(float64(now-s.begun)/s.period)+1))
	}
	return s.next.Load() < s.limit
}

// stop lets nothing more go.
func (s *schedule) stop() { s.granted.Store(0) }

// take is the next number, and when it was due; 0 where there is no rate.
func (s *schedule) take() (number uint32, due int64, ok bool) {
	for {
		n := s.next.Load()
		if n >= s.granted.Load() || n > math.MaxUint32 {
			return 0, 0, false
		}
		if !s.next.CompareAndSwap(n, n+1) {
			continue
		}
		if s.period > 0 {
			due = s.begun + int64(float64(n)*s.period)
		}
		return uint32(n), due, true
	}
}
