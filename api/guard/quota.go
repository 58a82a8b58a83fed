package guard

import (
	"context"
	"slices"
	"sync"
	"time"

	"maskline/numberdb"
)

// Live counts what tenants with a quota have: by the bindings in the table, which are
// read now and then, and by what this edge has made and ended since. So it is exact
// for what this edge does; what another edge did, and what has ended by its time, is
// known from the next reading.
type Live struct {
	each func(func(numberdb.Binding) bool) // of the table
	mu   sync.Mutex
	of   map[string]*holding
}

// holding is what a tenant has.
type holding struct {
	sessions, masks int                  // as they were read, and what this edge did since
	taken, alone    int                  // about to be made
	read            []numberdb.ID        // sessions that the last reading met, in order
	since           []change             // since it began
	last            map[numberdb.ID]bool // whether those of since live, after the last change of each
}

// change is a session that was made or ended since the last reading began.
type change struct {
	id           numberdb.ID
	alone, ended bool
}

func (c change) apply(h *holding) {
	one := 1
	if c.ended {
		one = -1
	}
	h.sessions += one
	if c.alone {
		h.masks += one
	}
}

// NewLive counts over a table.
func NewLive(each func(func(numberdb.Binding) bool)) *Live {
	return &Live{each: each, of: map[string]*holding{}}
}

func (l *Live) holding(tenant string) *holding {
	h, known := l.of[tenant]
	if !known {
		h = &holding{}
		l.of[tenant] = h
	}
	return h
}

// Take counts a session that is about to be made, alone if its mask is nobody else's.
// It returns false where the tenant has as many as limit says. settle is told the id
// of what was made, or 0.
func (l *Live) Take(tenant string, alone bool, limit TenantRules) (settle func(numberdb.ID), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.holding(tenant)
	if limit.Sessions > 0 && h.sessions+h.taken >= limit.Sessions || alone && limit.Masks > 0 && h.masks+h.alone >= limit.Masks {
		return nil, false
	}
	h.count(1, alone)
	settled := false
	return func(id numberdb.ID) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if settled {
			return
		}
		settled = true
		h.count(-1, alone)
		if id != 0 {
			h.note(change{id: id, alone: alone})
		}
	}, true
}

func (h *holding) count(n int, alone bool) {
	h.taken += n
	if alone {
		h.alone += n
	}
}

// note counts a change where it is one: what is told twice, or of a session that was
// never counted, is none.
func (h *holding) note(c change) {
	live, told := h.last[c.id]
	if told && live == !c.ended {
		return
	}
	if !told {
		_, live = slices.BinarySearch(h.read, c.id)
	}
	if live == c.ended {
		c.apply(h)
	}
	h.since = append(h.since, c)
	if h.last == nil {
		h.last = map[numberdb.ID]bool{}
	}
	h.last[c.id] = !c.ended
}

// Ended tells of a session that this edge has ended before its time. It may be told
// again.
func (l *Live) Ended(tenant string, id numberdb.ID, alone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h, known := l.of[tenant]; known {
		h.note(change{id, alone, true})
	}
}

// Has is what a tenant has: sessions, and masks that are nobody else's.
func (l *Live) Has(tenant string) (sessions, masks int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h, known := l.of[tenant]; known {
		sessions, masks = max(0, h.sessions), max(0, h.masks)
	}
	return sessions, masks
}

// Read counts the bindings of these tenants, and forgets all others.
func (l *Live) Read(tenants []string, now time.Time) {
	before, found := map[string]int{}, map[string]*reading{}
	l.mu.Lock()
	for name, h := range l.of {
		if !slices.Contains(tenants, name) {
			delete(l.of, name)
			continue
		}
		before[name] = len(h.since)
	}
	l.mu.Unlock()
	for _, name := range tenants {
		found[name] = &reading{}
	}
	if len(tenants) > 0 {
		l.each(func(b numberdb.Binding) bool {
			if r, wanted := found[b.Tenant]; wanted && b.Session != 0 && b.Live(now) {
				r.add(&b)
			}
			return true
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, r := range found {
		r.sort()
		h := l.holding(name)
		h.sessions, h.masks, h.read = len(r.sessions), len(r.alone), r.sessions
		since := h.since[min(before[name], len(h.since)):]
		h.since, h.last = nil, nil
		for _, c := range since { // the reading may have met it or not
			h.note(c)
		}
	}
}

// reading is the sessions of a tenant.
type reading struct{ sessions, alone []numberdb.ID }

func (r *reading) add(b *numberdb.Binding) {
	r.sessions = append(r.sessions, b.Session)
	if b.Party == 0 {
		r.alone = append(r.alone, b.Session)
	}
}

func (r *reading) sort() {
	for _, list := range []*[]numberdb.ID{&r.sessions, &r.alone} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}

const readEvery = 2 * time.Second

// Run reads again and again until ctx ends, each time after a pause of at least
// twenty times what it took. wanted tells which tenants have quotas.
func (l *Live) Run(ctx context.Context, wanted func() []string) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		begun := time.Now()
		l.Read(wanted(), begun)
		timer.Reset(max(readEvery, 20*time.Since(begun)))
	}
}
