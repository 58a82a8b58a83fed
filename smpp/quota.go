package smpp

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// QuotaConfig bounds what an account may submit in longer times than a second.
type QuotaConfig struct {
	Day int // segments accepted in a day, UTC; 0: no limit
}

// quota counts the segments of one account's day. What is under way counts, so
// that the limit is never passed; what is not accepted is given back.
type quota struct {
	limit atomic.Int64 // a reload changes it; 0: none

	mu   sync.Mutex
	day  int64 // since 1970
	used int
}

func (q *quota) limited() bool { return q.limit.Load() > 0 }

const secondsOfDay = 24 * 60 * 60

// take claims n segments, or returns false.
func (q *quota) take(now time.Time, n int) bool {
	limit := q.limit.Load()
	if limit <= 0 || n == 0 { // an operation submits nothing
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turnOver(now)
	if int64(q.used+n) > limit {
		return false
	}
	q.used += n
	return true
}

// giveBack returns what was taken on a day and not accepted. Once that is over
// there is nothing to return it to.
func (q *quota) giveBack(day int64, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if day == q.day {
		q.used = max(q.used-n, 0)
	}
}

func (q *quota) turnOver(now time.Time) {
	if day := dayOf(now); day > q.day {
		q.day, q.used = day, 0
	}
}

// dayOf counts the days since 1970, UTC.
func dayOf(t time.Time) int64 { return t.Unix() / secondsOfDay }

// left is how many segments the day still has.
func (q *quota) left(now time.Time) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turnOver(now)
	return max(int(q.limit.Load())-q.used, 0)
}

// Usage is what an account has used of a day's quota.
type Usage struct {
	Day      int64 `json:"day"` // since 1970-01-01, UTC
	Segments int   `json:"segments"`
}

// UsageStore keeps what accounts have used over a restart, by system_id.
type UsageStore interface {
	Load() (map[string]Usage, error)
	// Save replaces what was kept. It may wait for the disk.
	Save(map[string]Usage) error
}

// usage is what the quota says now.
func (q *quota) usage() Usage {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Usage{q.day, q.used}
}

// resume goes on from what was kept.
func (q *quota) resume(u Usage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.day, q.used = u.Day, max(u.Segments, 0)
}

// usageEvery is how often usage is saved where it has changed: a crash forgets
// as much.
const usageEvery = 5 * time.Second

// loadUsage goes on with the quotas from what was kept. What cannot be read
// costs the day's count and nothing else.
func (e *Edge) loadUsage() {
	if e.cfg.Usage == nil {
		return
	}
	kept, err := e.cfg.Usage.Load()
	if err != nil {
		e.log.Warn("quotas start anew", zap.Error(err))
	}
	for _, a := range e.accountList() {
		if u, ok := kept[a.cfg.SystemID]; ok {
			a.quota.resume(u)
		}
	}
}

// keepUsage saves usage now and then until ctx ends, and once more then.
func (e *Edge) keepUsage(ctx context.Context) {
	if e.cfg.Usage == nil {
		return
	}
	saved := e.usage()
	for {
		more := sleep(ctx, usageEvery)
		if now := e.usage(); !maps.Equal(now, saved) {
			if err := e.cfg.Usage.Save(now); err != nil {
				e.log.Error("saving the use of quotas failed", zap.Error(err))
			}
			saved = now
		}
		if !more {
			return
		}
	}
}

// usage lists all accounts with a quota.
func (e *Edge) usage() map[string]Usage {
	all := map[string]Usage{}
	for _, a := range e.accountList() {
		if a.quota.limited() {
			all[a.cfg.SystemID] = a.quota.usage()
		}
	}
	return all
}
