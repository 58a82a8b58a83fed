package media

import (
	"slices"
	"sync"
	"time"
)

// resting keeps what late packets may still come for.
type resting struct {
	mu   sync.Mutex
	list []rest // in order of their time
}

// rest is a released session with its sockets, or the port numbers that a side
// of a session had before it moved.
type rest struct {
	session *Session // nil: a pair alone
	pair    pair
	until   time.Duration
}

func (r *resting) add(one rest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, one)
}

// done removes those that have rested.
func (r *resting) done(now time.Duration) (done []rest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(r.list) && r.list[n].until <= now {
		n++
	}
	done = append(done, r.list[:n]...)
	left := copy(r.list, r.list[n:])
	clear(r.list[left:])
	r.list = trim(r.list[:left])
	return done
}

// fewEntries is a list that is not worth making smaller.
const fewEntries = 64

// trim gives back the room of a list that has become much shorter.
func trim[T any](list []T) []T {
	if cap(list) > fewEntries && len(list)*8 < cap(list) {
		return slices.Clone(list)
	}
	return list
}

// endRests closes what has rested and returns its ports.
func (r *Relay) endRests(now time.Duration) {
	for _, one := range r.resting.done(now) {
		if one.session != nil {
			r.discard(one.session)
		} else {
			one.pair.giveBack()
		}
	}
}
