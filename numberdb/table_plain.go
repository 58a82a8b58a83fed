package numberdb

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"maskline/e164"
)

// plain is the table as maps behind locks: what hashed is compared with, and what
// serves in builds with the race detector.
type plain struct {
	shards    atomic.Pointer[shards]
	replacing sync.Mutex                  // one Replace at a time; taken before write
	write     sync.Mutex                  // one writer at a time
	changed   map[[2]e164.Number]struct{} // since Replace began; nil: none runs
}

const shardCount = 64

// shards are chosen by the mask.
type shards [shardCount]shard

type shard struct {
	mu     sync.RWMutex
	byMask map[e164.Number]map[e164.Number]Binding
}

func newPlain() *plain {
	p := &plain{}
	p.shards.Store(newShards())
	return p
}

func newShards() *shards {
	s := &shards{}
	for i := range s {
		s[i].byMask = map[e164.Number]map[e164.Number]Binding{}
	}
	return s
}

func (s *shards) of(mask e164.Number) *shard {
	return &s[uint64(mask)*0x9E3779B97F4A7C15>>(64-6)]
}

func (s *shards) put(b Binding) {
	b.Mask, b.Party, b.Keep = b.Mask.Canonical(), b.Party.Canonical(), time.Time{}
	b.Carriers = append([]string(nil), b.Carriers...)
	if !b.Expires.IsZero() {
		b.Expires = time.Unix(b.Expires.Unix(), int64(b.Expires.Nanosecond())).UTC()
	}
	part := s.of(b.Mask)
	part.mu.Lock()
	defer part.mu.Unlock()
	if part.byMask[b.Mask] == nil {
		part.byMask[b.Mask] = map[e164.Number]Binding{}
	}
	part.byMask[b.Mask][b.Party] = b
}

func (s *shards) remove(mask, party e164.Number) {
	part := s.of(mask)
	part.mu.Lock()
	defer part.mu.Unlock()
	delete(part.byMask[mask], party)
	if len(part.byMask[mask]) == 0 {
		delete(part.byMask, mask)
	}
}

func (s *shards) get(mask, party e164.Number) (b Binding, found bool) {
	part := s.of(mask)
	part.mu.RLock()
	defer part.mu.RUnlock()
	b, found = part.byMask[mask][party]
	return b, found
}

func (p *plain) len() int {
	n := 0
	p.each(func(Binding) bool { n++; return true })
	return n
}

func (p *plain) lookup(mask, party e164.Number, now time.Time) (Binding, Status) {
	mask, party = mask.Canonical(), party.Canonical()
	s := p.shards.Load()
	own, found := s.get(mask, party)
	if found && party != 0 && own.Live(now) {
		return own, Exact
	}
	if public, ok := s.get(mask, 0); ok && public.Live(now) {
		return public, Public
	}
	switch {
	case found:
		return own, Ended
	case p.isMask(mask):
		return Binding{}, OutOfSession
	default:
		return Binding{}, UnknownMask
	}
}

func (p *plain) isMask(n e164.Number) bool {
	n = n.Canonical()
	part := p.shards.Load().of(n)
	part.mu.RLock()
	defer part.mu.RUnlock()
	return part.byMask[n] != nil
}

func (p *plain) apply(changes []Change) {
	p.write.Lock()
	defer p.write.Unlock()
	s := p.shards.Load()
	for _, c := range changes {
		mask, party := c.Binding.Mask.Canonical(), c.Binding.Party.Canonical()
		if p.changed != nil {
			p.changed[[2]e164.Number{mask, party}] = struct{}{}
		}
		if c.Deleted {
			s.remove(mask, party)
		} else {
			s.put(c.Binding)
		}
	}
}

func (p *plain) replace(load func(put func(Binding)) error) error {
	p.replacing.Lock()
	defer p.replacing.Unlock()
	p.watch(map[[2]e164.Number]struct{}{})
	defer p.watch(nil)
	next := newShards()
	if err := load(next.put); err != nil {
		return err
	}
	p.write.Lock()
	defer p.write.Unlock()
	old := p.shards.Load()
	for key := range p.changed {
		if b, found := old.get(key[0], key[1]); found {
			next.put(b)
		} else {
			next.remove(key[0], key[1])
		}
	}
	p.changed = nil
	p.shards.Store(next)
	return nil
}

func (p *plain) watch(changed map[[2]e164.Number]struct{}) {
	p.write.Lock()
	defer p.write.Unlock()
	p.changed = changed
}

// each copies a shard before it calls fn, which may take its time and ask the
// table.
func (p *plain) each(fn func(Binding) bool) {
	s := p.shards.Load()
	var all []Binding
	for i := range s {
		all = all[:0]
		s[i].mu.RLock()
		for _, parties := range s[i].byMask {
			for _, b := range parties {
				all = append(all, b)
			}
		}
		s[i].mu.RUnlock()
		if slices.ContainsFunc(all, func(b Binding) bool { return !fn(b) }) {
			return
		}
	}
}
