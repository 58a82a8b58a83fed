package numberdb

import (
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"maskline/e164"
)

// hashed is the table of production: a core that is swapped as a whole.
type hashed struct {
	core      atomic.Pointer[core]
	replacing sync.Mutex             // one Replace at a time; taken before write
	write     sync.Mutex             // of the core's content and of what follows
	changed   map[[2]uint64]struct{} // since Replace began; nil: none runs
}

func newHashed() *hashed {
	h := &hashed{}
	c := newCore(rand.Uint64())
	c.serve()
	h.core.Store(c)
	return h
}

func (h *hashed) len() int { return int(h.core.Load().live.Load()) }

func (h *hashed) lookup(mask, party e164.Number, now time.Time) (b Binding, status Status) {
	mask, party = mask.Canonical(), party.Canonical()
	for done := false; !done; {
		pause()
		c := h.core.Load()
		status, done = h.lookupIn(c, uint64(mask), uint64(party), now, &b)
		runtime.KeepAlive(c)
	}
	if status < Ended {
		b = Binding{}
	}
	return b, status
}

// lookupIn looks in one core; false where the answer may be none that was right at
// any time. What is not the party's own binding is put together from several looks, between
// which that one may have come; and the memory of a core that was replaced reads as
// empty, so that it may be missing where the public one still stands.
func (h *hashed) lookupIn(c *core, mask, party uint64, now time.Time, b *Binding) (Status, bool) {
	pause()
	changes := c.changes.Load()
	status := c.lookup(mask, party, now, b)
	if status == Exact {
		return status, true
	}
	pause()
	unchanged := c.changes.Load() == changes
	pause()
	return status, unchanged && h.core.Load() == c
}

func (c *core) lookup(mask, party uint64, now time.Time, b *Binding) Status {
	own := c.read(mask, party, b)
	if own && b.Live(now) {
		if party == 0 {
			return Public
		}
		return Exact
	}
	known, open := c.marks.of(mask)
	if open && party != 0 {
		var public Binding
		if c.read(mask, 0, &public) && public.Live(now) {
			*b = public
			return Public
		}
	}
	switch {
	case own:
		return Ended
	case known:
		return OutOfSession
	default:
		return UnknownMask
	}
}

func (h *hashed) isMask(n e164.Number) bool {
	for {
		c := h.core.Load()
		has, _ := c.marks.of(uint64(n.Canonical()))
		done := has || h.core.Load() == c
		runtime.KeepAlive(c)
		if done {
			return has
		}
	}
}

func (h *hashed) apply(changes []Change) {
	h.write.Lock()
	defer h.write.Unlock()
	c := h.core.Load()
	for i := range changes {
		if i%warmed == 0 {
			c.warm(changes[i:])
		}
		b := &changes[i].Binding
		mask, party := uint64(b.Mask.Canonical()), uint64(b.Party.Canonical())
		if h.changed != nil {
			h.changed[[2]uint64{mask, party}] = struct{}{}
		}
		if changes[i].Deleted {
			c.remove(mask, party)
		} else {
			c.put(mask, party, b)
		}
	}
}

func (h *hashed) replace(load func(put func(Binding)) error) error {
	h.replacing.Lock()
	defer h.replacing.Unlock()
	next := newCore(rand.Uint64())
	h.watch(map[[2]uint64]struct{}{})
	defer h.watch(nil)
	all := newFilling(next.cells)
	batch := make([]Binding, 0, warmed)
	flush := func() {
		next.fill(all, batch)
		clear(batch)
		batch = batch[:0]
	}
	err := load(func(b Binding) {
		if batch = append(batch, b); len(batch) == cap(batch) {
			flush()
		}
	})
	gone := next
	if err == nil {
		flush()
		next.settle(all)
		gone = h.swap(next)
	}
	if gone != nil {
		gone.pages.discardAll()
	}
	runtime.KeepAlive(gone) // or its addresses could be another's by then
	runtime.KeepAlive(next)
	return err
}

func (h *hashed) watch(changed map[[2]uint64]struct{}) {
	h.write.Lock()
	defer h.write.Unlock()
	h.changed = changed
}

// swap shows the next core, with what was changed meanwhile in the old one. It
// returns the old one unless somebody reads it from first to last.
func (h *hashed) swap(next *core) *core {
	h.write.Lock()
	defer h.write.Unlock()
	old := h.core.Load()
	var b Binding
	for key := range maps.Keys(h.changed) {
		if old.read(key[0], key[1], &b) {
			next.put(key[0], key[1], &b)
		} else {
			next.remove(key[0], key[1])
		}
	}
	next.serve()
	pause()
	h.core.Store(next)
	old.retired = true
	if old.scans > 0 {
		return nil
	}
	return old
}
