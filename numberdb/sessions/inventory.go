package sessions

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// rereadAfter is the least pause between two readings of the whole inventory.
const rereadAfter = 2 * time.Second

// ownChange is how long a mask's state that this edge has changed is trusted
// more than what it reads.
const ownChange = 5 * time.Second

// refresh reads the pools and masks if anybody has changed them.
func (o *Owner) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, o.cfg.Commit)
	defer cancel()
	if err := o.reread(ctx); err != nil && !errors.Is(err, context.Canceled) {
		o.metrics.refreshFailures.Inc()
		o.log.Debug("could not read the pools and masks", zap.Error(err))
		select {
		case <-ctx.Done():
		case <-time.After(o.cfg.Refresh):
		}
	}
}

func (o *Owner) reread(ctx context.Context) error {
	version, err := o.store.InventoryVersion(ctx)
	if err != nil {
		return err
	}
	o.stock.Lock()
	known := o.stocked.Load() && version == o.version && !o.again
	tooSoon := o.stocked.Load() && o.now().Sub(o.read) < rereadAfter
	o.stock.Unlock()
	if known || tooSoon {
		return nil
	}
	pools, masks := map[string]numberdb.Pool{}, map[e164.Number]numberdb.Mask{}
	version, err = o.store.Inventory(ctx,
		func(p numberdb.Pool) { pools[p.Name] = p },
		func(m numberdb.Mask) { masks[m.Number.Canonical()] = m })
	if err != nil {
		return err
	}
	added := o.adopt(pools, masks, version)
	o.stocked.Store(true)
	o.learnByHand(added)
	return nil
}

// adopt makes the engine's inventory equal to what was read, and returns the
// masks that are new.
func (o *Owner) adopt(pools map[string]numberdb.Pool, masks map[e164.Number]numberdb.Mask, version numberdb.InventoryVersion) (added map[e164.Number]bool) {
	o.stock.Lock()
	defer o.stock.Unlock()
	now := o.now()
	o.version, o.read, o.again = version, now, false
	for name, p := range pools {
		if o.pools[name] != p {
			o.engine.SetPool(p)
		}
	}
	for name := range o.pools {
		if _, still := pools[name]; !still {
			o.engine.RemovePool(name)
		}
	}
	added = map[e164.Number]bool{}
	for number, m := range masks {
		before, known := o.masks[number]
		if at, mine := o.touched[number]; mine && now.Sub(at) < ownChange {
			o.again = true // read it when that has settled
			masks[number] = before
			continue
		}
		delete(o.touched, number)
		if !known {
			added[number] = true
		}
		if !known || !reflect.DeepEqual(before, m) {
			o.engine.SetMask(m)
			o.shown.Store(number, &m)
		}
	}
	for number := range o.masks {
		if _, still := masks[number]; !still {
			o.engine.RemoveMask(number)
			o.shown.Delete(number)
		}
	}
	o.pools, o.masks = pools, masks
	return added
}

// learnByHand tells the engine of bindings by hand of masks that came later.
func (o *Owner) learnByHand(added map[e164.Number]bool) {
	if len(added) == 0 {
		return
	}
	now := o.now()
	o.table.Each(func(b numberdb.Binding) bool {
		if b.Session == 0 && added[b.Mask] {
			o.engine.Learn(&b, now)
		}
		return true
	})
}

func (o *Owner) isStock(mask e164.Number) bool {
	_, known := o.shown.Load(mask)
	return known
}

// Pools lists the pools in the order of names.
func (o *Owner) Pools() []numberdb.Pool {
	o.stock.Lock()
	defer o.stock.Unlock()
	return slices.SortedFunc(maps.Values(o.pools), func(a, b numberdb.Pool) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// Masks lists the masks of a pool in the order of numbers; pool "*" is all.
func (o *Owner) Masks(pool string) []numberdb.Mask {
	o.stock.Lock()
	defer o.stock.Unlock()
	var list []numberdb.Mask
	for _, m := range o.masks {
		if pool == "*" || m.Pool == pool {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b numberdb.Mask) int {
		if a.Number < b.Number {
			return -1
		}
		return 1
	})
	return list
}

// Mask returns one mask. It takes no lock: routing asks it.
func (o *Owner) Mask(number e164.Number) (numberdb.Mask, bool) {
	m, known := o.shown.Load(number.Canonical())
	if !known {
		return numberdb.Mask{}, false
	}
	return *m.(*numberdb.Mask), true
}

// Report is what the allocator holds.
func (o *Owner) Report() allocator.Report { return o.engine.Report() }

// PutPools adds pools or changes their policies.
func (o *Owner) PutPools(ctx context.Context, pools []numberdb.Pool) error {
	if _, err := o.committer.do(ctx, numberdb.Writes{Pools: pools}); err != nil {
		return err
	}
	o.stock.Lock()
	defer o.stock.Unlock()
	for _, p := range pools {
		o.pools[p.Name] = p
		o.engine.SetPool(p)
	}
	return nil
}

// RemovePool deletes a pool without masks.
func (o *Owner) RemovePool(ctx context.Context, name string) error {
	if _, err := o.committer.do(ctx, numberdb.Writes{Gone: numberdb.Gone{Pools: []string{name}}}); err != nil {
		return err
	}
	o.stock.Lock()
	defer o.stock.Unlock()
	delete(o.pools, name)
	o.engine.RemovePool(name)
	return nil
}

// PutMasks adds masks or changes them, all or none.
func (o *Owner) PutMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	writes := numberdb.Writes{Masks: masks}
	now := o.now().Truncate(time.Microsecond)
	for i := range masks {
		if masks[i].Since.IsZero() {
			masks[i].Since = now
		}
		writes.Events = append(writes.Events, numberdb.MaskEvent{Mask: masks[i].Number, At: now, What: masks[i].State, Why: why, Actor: actor})
	}
	if _, err := o.committer.do(ctx, writes); err != nil {
		return err
	}
	added := map[e164.Number]bool{}
	for i := range masks {
		if _, known := o.Mask(masks[i].Number); !known {
			added[masks[i].Number.Canonical()] = true
		}
	}
	o.keepStock(masks)
	for i := range masks {
		o.engine.SetMask(masks[i])
	}
	o.learnByHand(added)
	return nil
}

// SetState changes the state of masks: to Draining, Watchlisted, Free, Retired.
func (o *Owner) SetState(ctx context.Context, numbers []e164.Number, state numberdb.MaskState, why, actor string) error {
	masks := o.inState(numbers, state, o.now().Truncate(time.Microsecond))
	if len(masks) < len(numbers) {
		return ErrNoMask
	}
	return o.PutMasks(ctx, masks, why, actor)
}

// ErrNoMask says that a number is no mask of a pool.
var ErrNoMask = errors.New("there is no such mask")

// History is what became of a mask, newest first.
func (o *Owner) History(ctx context.Context, mask e164.Number, limit int) ([]numberdb.MaskEvent, error) {
	return o.store.History(ctx, mask, limit)
}

// inState are the masks as they are, but for the state.
func (o *Owner) inState(numbers []e164.Number, state numberdb.MaskState, now time.Time) (masks []numberdb.Mask) {
	o.stock.Lock()
	defer o.stock.Unlock()
	for _, n := range numbers {
		if m, known := o.masks[n.Canonical()]; known {
			m.State, m.Since = state, now
			masks = append(masks, m)
		}
	}
	return masks
}

// ownMasks are those that a session's people dial.
func (o *Owner) ownMasks(s *numberdb.Session) (numbers []e164.Number) {
	for i := range s.Participants {
		for _, n := range []e164.Number{s.Participants[i].Dial, s.Participants[i].Second} {
			if n != 0 && !slices.Contains(numbers, n) {
				numbers = append(numbers, n)
			}
		}
	}
	return numbers
}

// keepStock notes masks that this edge has changed.
func (o *Owner) keepStock(masks []numberdb.Mask) {
	o.stock.Lock()
	defer o.stock.Unlock()
	now := o.now()
	for i := range masks {
		number := masks[i].Number.Canonical()
		o.masks[number] = masks[i]
		o.shown.Store(number, &masks[i])
		o.touched[number] = now
	}
}

// writeStates writes what time has done to masks; what fails stands in memory
// and is told again by the next start.
func (o *Owner) writeStates(ctx context.Context, masks []numberdb.Mask) {
	if len(masks) == 0 {
		return
	}
	if _, err := o.committer.do(ctx, numberdb.Writes{Masks: masks}); err != nil {
		o.log.Warn("could not write the state of masks", zap.Int("masks", len(masks)), zap.Error(err))
	}
	o.keepStock(masks)
}
