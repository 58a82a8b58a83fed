package smpp

import (
	"context"
	"maps"
	"sync"
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
	q.day, q.used = u.Day, min(max(u.Segments, 0), q.limit)
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
	for _, a := range e.accountList {
		if u, ok := kept[a.cfg.SystemID]; ok && a.quota != nil {
			a.quota.resume(u)
		}
	}
}

// keepUsage saves usage now and then until ctx ends, and once more then.
func (e *Edge) keepUsage(ctx context.Context) {
	saved := e.usage()
	for len(saved) > 0 {
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

// usage lists all accounts with a quota; nil where nothing keeps it.
func (e *Edge) usage() map[string]Usage {
	if e.cfg.Usage == nil {
		return nil
	}
	all := map[string]Usage{}
	for _, a := range e.accountList {
		if a.quota != nil {
			all[a.cfg.SystemID] = a.quota.usage()
		}
	}
	return all
}
