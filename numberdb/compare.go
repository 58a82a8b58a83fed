package numberdb

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"maskline/e164"
)

// Comparer is a store whose bindings can be compared with the table without
// being read as a whole. Parts divide them by their masks. The position that
// comes with an answer is one whose batch tells all that the answer knows.
type Comparer interface {
	// Sums are the numbers and digests of the bindings of each of so many parts.
	Sums(ctx context.Context, parts int) ([]Sum, Position, error)
	// Digests calls put with the key and digest of every binding of some of the
	// parts, and leaves out those whose keys make none.
	Digests(ctx context.Context, parts int, some []int, put func(BindingKey, uint64)) (Position, error)
	// Find calls put with those bindings of the keys that there are.
	Find(ctx context.Context, keys []BindingKey, put func(Binding)) (Position, error)
	// Digest is a binding's.
	Digest(b *Binding) uint64
}

// Sum is of the bindings of one part.
type Sum struct {
	Count  int64
	Digest uint64 // of all, by exclusive or
}

// Add adds a binding's digest.
func (s *Sum) Add(digest uint64) {
	s.Count++
	s.Digest ^= digest
}

// PartOf is the part of so many that a mask is in.
func PartOf(mask e164.Number, parts int) int { return int(uint64(mask) % uint64(parts)) }

const (
	compareParts = 4096
	partsAtOnce  = 256 // read row by row in one pass
	moreLooks    = 2   // at a difference before it counts
	lookPause    = time.Second
	compareTime  = 10 * time.Minute // for one comparison
	repairTime   = 5 * time.Second  // in which nothing else is applied
	mostSuspects = 100_000          // beyond, the whole table is loaded again
)

var errManyDifferences = errors.New("too much differs to be repaired row by row")

// comparing compares until ctx ends.
func (s *Syncer) comparing(ctx context.Context, store Comparer) {
	for {
		timer := time.NewTimer(s.cfg.Compare - s.cfg.Compare/10 + rand.N(s.cfg.Compare/5+1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		s.compare(ctx, store)
	}
}

// compare looks for what differs between the store and the table, repairs it
// and tells of it.
func (s *Syncer) compare(ctx context.Context, store Comparer) {
	if !s.Fresh().Up {
		s.metrics.comparisons.WithLabelValues(compareUnsettled).Inc()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	started := time.Now()
	c := comparison{syncer: s, store: store}
	suspects, err := c.run(ctx)
	took := time.Since(started)
	s.metrics.comparisonSeconds.Set(took.Seconds())
	switch {
	case errors.Is(err, errManyDifferences):
		s.metrics.comparisons.WithLabelValues(compareDifferent).Inc()
		s.log.Error("the table differs from the store in too many bindings; loading them again")
		s.reload()
	case err != nil:
		s.metrics.comparisons.WithLabelValues(compareUnsettled).Inc()
		s.log.Debug("the table could not be compared with the store", zap.Error(err))
	case len(suspects) == 0:
		s.metrics.comparisons.WithLabelValues(compareEqual).Inc()
		s.log.Debug("the table equals the store", zap.Duration("took", took))
	default:
		s.metrics.comparisons.WithLabelValues(compareDifferent).Inc()
		s.metrics.differences.Add(float64(len(suspects)))
		repaired, err := c.repair(ctx, suspects)
		s.metrics.repaired.Add(float64(repaired))
		s.log.Error("bindings in the table differed from the store", zap.Int("bindings", len(suspects)),
			zap.Int("repaired", repaired), zap.Error(err))
	}
}

// comparison is one comparison under way.
type comparison struct {
	syncer *Syncer
	store  Comparer
}

// digests are what the store and the table hold of a key.
type digests struct {
	stored, held     uint64
	isStored, isHeld bool
}

func (d *digests) differ() bool { return d.isStored != d.isHeld || d.stored != d.held }

// run returns the keys that differed at every look.
func (c *comparison) run(ctx context.Context) (map[BindingKey]digests, error) {
	stored, position, err := c.store.Sums(ctx, compareParts)
	if err != nil {
		return nil, err
	}
	if err := c.syncer.WaitFor(ctx, position); err != nil {
		return nil, err
	}
	held := make([]Sum, compareParts)
	c.syncer.table.Each(func(b Binding) bool {
		held[PartOf(b.Mask, compareParts)].Add(c.store.Digest(&b))
		return ctx.Err() == nil
	})
	var parts []int
	for part := range stored {
		if stored[part] != held[part] {
			parts = append(parts, part)
		}
	}
	suspects := map[BindingKey]digests{}
	for len(parts) > 0 {
		some := parts[:min(len(parts), partsAtOnce)]
		if err := c.suspect(ctx, some, suspects); err != nil {
			return nil, err
		}
		parts = parts[len(some):]
	}
	for range moreLooks {
		if err := c.lookAgain(ctx, suspects); err != nil {
			return nil, err
		}
	}
	return suspects, ctx.Err()
}

// suspect adds the keys of some parts that differ. Most of them changed between
// the looks at the store and at the table.
func (c *comparison) suspect(ctx context.Context, some []int, suspects map[BindingKey]digests) error {
	all := map[BindingKey]digests{}
	position, err := c.store.Digests(ctx, compareParts, some, func(key BindingKey, digest uint64) {
		all[key] = digests{stored: digest, isStored: true}
	})
	if err != nil {
		return err
	}
	if err := c.syncer.WaitFor(ctx, position); err != nil {
		return err
	}
	chosen := make([]bool, compareParts)
	for _, part := range some {
		chosen[part] = true
	}
	c.syncer.table.Each(func(b Binding) bool {
		if chosen[PartOf(b.Mask, compareParts)] {
			key := BindingKey{b.Mask, b.Party}
			d := all[key]
			d.held, d.isHeld = c.store.Digest(&b), true
			all[key] = d
		}
		return ctx.Err() == nil
	})
	for key, d := range all {
		if d.differ() {
			suspects[key] = d
		}
	}
	if len(suspects) > mostSuspects {
		return errManyDifferences
	}
	return nil
}

// lookAgain keeps those keys that differ as they did at the last look.
func (c *comparison) lookAgain(ctx context.Context, suspects map[BindingKey]digests) error {
	if len(suspects) == 0 {
		return nil
	}
	pause := time.NewTimer(lookPause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
	}
	now := make(map[BindingKey]digests, len(suspects))
	position, err := c.store.Find(ctx, keysOf(suspects), func(b Binding) {
		now[BindingKey{b.Mask, b.Party}] = digests{stored: c.store.Digest(&b), isStored: true}
	})
	if err != nil {
		return err
	}
	if err := c.syncer.WaitFor(ctx, position); err != nil {
		return err
	}
	for key, before := range suspects {
		d := now[key]
		if b, there := c.syncer.table.holds(key); there {
			d.held, d.isHeld = c.store.Digest(&b), true
		}
		// A row that does not open is left out by Find, and so by the table.
		sameRow := d.isStored == before.isStored && d.stored == before.stored
		if !d.differ() || !sameRow || d.held != before.held || d.isHeld != before.isHeld {
			delete(suspects, key)
		}
	}
	return nil
}

func keysOf(suspects map[BindingKey]digests) []BindingKey {
	keys := make([]BindingKey, 0, len(suspects))
	for key := range suspects {
		keys = append(keys, key)
	}
	return keys
}

// repair writes what the store holds of the keys into the table. The feed and a
// load wait meanwhile: what they tell next may be older than what was read here,
// but all that is newer comes after it.
func (c *comparison) repair(ctx context.Context, suspects map[BindingKey]digests) (repaired int, err error) {
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	s := c.syncer
	select {
	case s.applying <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-s.applying }()
	keys := keysOf(suspects)
	changes := make([]Change, 0, len(keys))
	found := map[BindingKey]bool{}
	if _, err := c.store.Find(ctx, keys, func(b Binding) {
		found[BindingKey{b.Mask, b.Party}] = true
		changes = append(changes, Change{Binding: b})
	}); err != nil {
		return 0, err
	}
	for _, key := range keys {
		if !found[key] {
			changes = append(changes, Change{Binding: Binding{Mask: key.Mask, Party: key.Party}, Deleted: true})
		}
	}
	s.table.Apply(changes)
	if s.observer != nil {
		s.observer.Changed(changes)
	}
	return len(changes), nil
}

// longAgo is when no binding had expired.
var longAgo = time.Unix(-1, 0)

// holds is the binding of this very key, whether it has expired or not.
func (t *Table) holds(key BindingKey) (Binding, bool) {
	b, status := t.Lookup(key.Mask, key.Party, longAgo)
	if key.Party == 0 {
		return b, status == Public
	}
	return b, status == Exact
}
