package usage

import (
	"sync"
	"sync/atomic"
	"time"

	"maskline/numberdb"
)

// purse is what one tenant uses and may spend.
type purse struct {
	limit atomic.Int64 // of a day, in millionths; 0: none
	today atomic.Pointer[daily]
	told  atomic.Int64 // steps of the day that have been told: the day and the step

	mu      sync.Mutex
	earlier []*daily // days that are over, until they are surely written
}

// daily is what this process has counted of one day, and what others have.
type daily struct {
	day                            numberdb.Day
	messages, calls, seconds, cost atomic.Int64
	others                         atomic.Int64 // the cost that others have counted
	written                        numberdb.Usage
}

// on is the count of the day; one that begins puts the last one aside.
func (p *purse) on(day numberdb.Day) *daily {
	if d := p.today.Load(); d != nil && d.day >= day {
		return d
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.today.Load()
	if d != nil && d.day >= day {
		return d
	}
	if d != nil {
		p.earlier = append(p.earlier, d)
	}
	d = &daily{day: day}
	p.today.Store(d)
	return d
}

// exhausted reports whether the limit of the day is reached.
func (p *purse) exhausted(now time.Time) bool {
	limit := p.limit.Load()
	return limit > 0 && p.on(numberdb.DayOf(now)).spent() >= limit
}

func (d *daily) spent() int64 { return d.cost.Load() + d.others.Load() }

func (d *daily) usage(tenant string) numberdb.Usage {
	return numberdb.Usage{
		Tenant: tenant, Day: d.day, Messages: d.messages.Load(), Calls: d.calls.Load(), Seconds: d.seconds.Load(), Cost: d.cost.Load(),
	}
}

// lateCounts is how long a day that is over may still be counted on, by who has
// looked for it before its end.
const lateCounts = time.Minute

// days are those that may have something to write; what nobody counts on any more
// and is written is let go.
func (p *purse) days(tenant string, now time.Time) (days []*daily) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.earlier[:0]
	for _, d := range p.earlier {
		if d.written != d.usage(tenant) || now.Sub((d.day+1).Start()) < lateCounts {
			kept = append(kept, d)
		}
	}
	clear(p.earlier[len(kept):])
	p.earlier = kept
	days = append(days, p.earlier...)
	if d := p.today.Load(); d != nil {
		days = append(days, d)
	}
	return days
}
