package smpp

import (
	"sync"
	"time"
)

// QuotaConfig bounds what an account may submit in longer times than a second.
type QuotaConfig struct {
	Day int // segments accepted in a day, UTC; 0: no limit
}

// quota counts the segments of one account's day. What is under way counts, so
// that the limit is never passed; what is not accepted is given back.
type quota struct {
	limit int

	mu   sync.Mutex
	day  int64 // since 1970
	used int
}

// newQuota returns nil where there is no limit.
func newQuota(c QuotaConfig) *quota {
	if c.Day <= 0 {
		return nil
	}
	return &quota{limit: c.Day}
}

const secondsOfDay = 24 * 60 * 60

// take claims n segments, or returns false.
func (q *quota) take(now time.Time, n int) bool {
	if q == nil {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turnOver(now)
	if q.used+n > q.limit {
		return false
	}
	q.used += n
	return true
}

// giveBack returns what was not accepted. Across midnight it would be given to
// the wrong day, and is not.
func (q *quota) giveBack(now time.Time, n int) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turnOver(now)
	q.used = max(q.used-n, 0)
}

func (q *quota) turnOver(now time.Time) {
	if day := now.Unix() / secondsOfDay; day > q.day {
		q.day, q.used = day, 0
	}
}

// left is how many segments the day still has.
func (q *quota) left(now time.Time) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turnOver(now)
	return q.limit - q.used
}
