package sessions

import (
	"context"
	"errors"
	"sync"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// uses counts the contacts of sessions that end by them. Sessions without an
// idle time or a number of uses are not in it. It is in parts, so that looking
// through all of them keeps no contact waiting.
type uses struct {
	parts [useParts]usePart
	turn  int // of over
}

const (
	useParts = 64
	useTurns = 4 // of over, until it has looked at all parts
)

type usePart struct {
	mu sync.Mutex
	of map[numberdb.ID]*use
}

type use struct {
	count, most int
	idle        time.Duration
	last        time.Time
	ending      bool
	slots       *slotUse // of a public session with an idle time
}

func newUses() *uses {
	u := &uses{}
	for i := range u.parts {
		u.parts[i].of = map[numberdb.ID]*use{}
	}
	return u
}

// part is where a session is counted: the low bits of an ID are chance.
func (u *uses) part(id numberdb.ID) *usePart { return &u.parts[id%useParts] }

func counted(s *numberdb.Session) bool { return s.IdleTTL > 0 || s.MaxUses > 0 }

func (u *uses) add(s *numberdb.Session, now time.Time) {
	part := u.part(s.ID)
	part.mu.Lock()
	defer part.mu.Unlock()
	if part.of[s.ID] == nil {
		of := &use{most: s.MaxUses, idle: s.IdleTTL, last: now}
		if isPublic(s) && s.IdleTTL > 0 {
			of.slots = &slotUse{last: map[e164.Number]time.Time{}}
		}
		part.of[s.ID] = of
	}
}

func (u *uses) remove(id numberdb.ID) {
	part := u.part(id)
	part.mu.Lock()
	defer part.mu.Unlock()
	delete(part.of, id)
}

// Contact counts one message or call of a session whose bindings say Counted,
// and reports whether it may still happen. Mask and shown are the binding's. It never
// waits.
func (o *Owner) Contact(id numberdb.ID, mask, shown e164.Number, now time.Time) bool {
	u := o.uses.part(id)
	u.mu.Lock()
	defer u.mu.Unlock()
	of := u.of[id]
	if of == nil {
		return true // it has just ended, or another edge made it since this one began
	}
	if of.most > 0 && of.count >= of.most || of.slots != nil && !of.slots.contact(mask, shown, now) {
		return false
	}
	of.count++
	of.last = now
	return true
}

// over is a session that its contacts, or the lack of them, have ended.
type over struct {
	id  numberdb.ID
	why numberdb.EndReason
}

// over looks at some of the parts, at others the next time. It tells each session
// once, until tryAgain. One goroutine calls it.
func (u *uses) over(now time.Time) (list []over) {
	for i := u.turn; i < useParts; i += useTurns {
		list = u.parts[i].over(now, list)
	}
	u.turn = (u.turn + 1) % useTurns
	return list
}

func (u *usePart) over(now time.Time, list []over) []over {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, of := range u.of {
		switch {
		case of.ending:
		case of.most > 0 && of.count >= of.most:
			of.ending = true
			list = append(list, over{id, numberdb.UsedUp})
		case of.idle > 0 && now.Sub(of.last) >= of.idle:
			of.ending = true
			list = append(list, over{id, numberdb.Idle})
		}
	}
	return list
}

func (u *uses) tryAgain(id numberdb.ID) {
	part := u.part(id)
	part.mu.Lock()
	defer part.mu.Unlock()
	if of := part.of[id]; of != nil {
		of.ending = false
	}
}

// countAgain finds the sessions to count after a start. What they have used
// before is forgotten.
func (o *Owner) countAgain(ctx context.Context) error {
	now := o.now()
	query := numberdb.SessionQuery{Live: now, Limit: 10_000}
	for {
		page, err := o.store.Sessions(ctx, query)
		if err != nil && !errors.Is(err, numberdb.ErrSealed) {
			return err
		}
		for i := range page {
			if counted(&page[i]) {
				o.uses.add(&page[i], now)
			}
			o.noteOwner(&page[i])
		}
		if len(page) < query.Limit {
			return err
		}
		query.After = page[len(page)-1].ID
	}
}
