package sessions

import (
	"cmp"
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

// rereadAfter is the least pause between two readings of the inventory.
const rereadAfter = 2 * time.Second

// mostSettled bounds the masks that are read by their numbers: of more the whole
// inventory is.
const mostSettled = 50_000

// ownChange is how long what this edge has changed is trusted more than what it
// reads: the reading may be older, or the commit under way.
const ownChange = 15 * time.Second

// refresh reads the pools, and the masks that anybody has changed.
func (o *Owner) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, o.cfg.Commit)
	defer cancel()
	err := o.reread(ctx)
	if errors.Is(err, context.Canceled) {
		return
	}
	if err != nil {
		o.metrics.refreshFailures.Inc()
		if !o.blind {
			o.log.Warn("the pools and masks cannot be read; trying on with those that are known", zap.Error(err))
		}
	}
	o.blind = err != nil
}

func (o *Owner) reread(ctx context.Context) error {
	version, err := o.store.InventoryVersion(ctx)
	if err != nil {
		return err
	}
	query, due := o.unread(version)
	if !due {
		return nil
	}
	pools, masks := map[string]numberdb.Pool{}, map[e164.Number]numberdb.Mask{}
	pool, mask := func(p numberdb.Pool) { pools[p.Name] = p }, func(m numberdb.Mask) { masks[m.Number.Canonical()] = m }
	read, err := o.store.Inventory(ctx, query, pool, mask)
	if err == nil && read.Refused > 0 && !read.Whole { // they may be some that are known
		query = numberdb.InventoryQuery{}
		read, err = o.store.Inventory(ctx, query, pool, mask)
	}
	if err != nil {
		return err
	}
	if read.Refused > 0 {
		o.log.Warn("pools or masks in the store make no sense and are left out", zap.Int("rows", read.Refused))
	}
	o.learnOf(o.adopt(pools, masks, &query, &read))
	o.stocked.Store(true)
	o.readyWithBoth()
	return nil
}

// unread is what is to be read of a store that is at a version: what was written since
// the last time, and what this edge has changed, once that has settled.
func (o *Owner) unread(version numberdb.InventoryVersion) (query numberdb.InventoryQuery, due bool) {
	if !o.stocked.Load() {
		return query, true
	}
	o.stock.Lock()
	defer o.stock.Unlock()
	now := o.now()
	age := now.Sub(o.read)
	if age < rereadAfter {
		return query, false
	}
	query.After = o.version
	for number, at := range o.touched {
		if now.Sub(at) >= ownChange {
			query.Masks = append(query.Masks, number)
		}
	}
	if len(query.Masks) > mostSettled {
		return numberdb.InventoryQuery{}, true
	}
	return query, version != o.version || len(query.Masks) > 0 || o.again && age >= ownChange
}

// adopt makes the engine's inventory equal to what was read, and returns the
// masks that are new.
func (o *Owner) adopt(pools map[string]numberdb.Pool, masks map[e164.Number]numberdb.Mask, query *numberdb.InventoryQuery, read *numberdb.InventoryRead) (added map[e164.Number]bool) {
	o.stock.Lock()
	defer o.stock.Unlock()
	now := o.now()
	o.version, o.read, o.again = read.Version, now, false
	o.adoptPools(pools, now)
	added = map[e164.Number]bool{}
	var put []numberdb.Mask
	for number, m := range masks {
		before, known := o.masks[number]
		if known && now.Sub(o.touched[number]) < ownChange {
			continue // it is read when that has settled
		}
		delete(o.touched, number)
		if !known {
			added[number] = true
		}
		if !known || !reflect.DeepEqual(before, m) {
			o.engine.SetMask(m)
			put = append(put, m)
			o.masks[number] = m
		}
	}
	o.shown.change(put, o.dropMasks(masks, query, read, now))
	return added
}

// dropMasks forgets those that were to be read and are not there. It is called with
// stock held.
func (o *Owner) dropMasks(masks map[e164.Number]numberdb.Mask, query *numberdb.InventoryQuery, read *numberdb.InventoryRead, now time.Time) (gone []e164.Number) {
	wanted := slices.Values(query.Masks)
	if read.Whole {
		wanted = maps.Keys(o.masks)
	}
	for number := range wanted {
		if _, still := masks[number]; still || now.Sub(o.touched[number]) < ownChange {
			continue
		}
		delete(o.touched, number)
		if _, known := o.masks[number]; known {
			o.engine.RemoveMask(number)
			delete(o.masks, number)
			gone = append(gone, number)
		}
	}
	return gone
}

// adoptPools is adopt for the pools, which are all read each time.
func (o *Owner) adoptPools(pools map[string]numberdb.Pool, now time.Time) {
	for name, at := range o.changed {
		switch p, known := o.pools[name]; {
		case now.Sub(at) >= ownChange:
			delete(o.changed, name)
		case known:
			pools[name], o.again = p, true
		default:
			delete(pools, name)
			o.again = true
		}
	}
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
	o.pools = pools
}

// learnByHand tells the engine of bindings by hand of masks that came after them.
func (o *Owner) learnByHand(of func(mask e164.Number) bool) {
	now := o.now()
	o.table.Each(func(b numberdb.Binding) bool {
		if b.Session == 0 && of(b.Mask) {
			o.engine.Learn(&b, now)
		}
		return true
	})
}

func (o *Owner) isStock(mask e164.Number) bool { return o.shown.mask(mask) != nil }

// Pools lists the pools in the order of names.
func (o *Owner) Pools() []numberdb.Pool {
	o.stock.Lock()
	list := slices.Collect(maps.Values(o.pools))
	o.stock.Unlock()
	slices.SortFunc(list, func(a, b numberdb.Pool) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// PoolTenant is whose a pool is; nobody's: empty.
func (o *Owner) PoolTenant(name string) string {
	o.stock.Lock()
	defer o.stock.Unlock()
	return o.pools[name].Tenant
}

// Masks lists the masks of a pool in the order of numbers; pool "*" is all. It takes
// no lock: who makes sessions does not wait for it.
func (o *Owner) Masks(pool string) []numberdb.Mask {
	var list []numberdb.Mask
	o.shown.each(func(m *numberdb.Mask) {
		if pool == "*" || m.Pool == pool {
			list = append(list, *m)
		}
	})
	slices.SortFunc(list, func(a, b numberdb.Mask) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// Mask returns one mask, which is not to be changed. It takes no lock and
// allocates nothing: routing asks it for each message.
func (o *Owner) Mask(number e164.Number) (m *numberdb.Mask, known bool) {
	m = o.shown.mask(number)
	return m, m != nil
}

// Report is what the allocator holds.
func (o *Owner) Report() allocator.Report { return o.engine.Report() }

// PutPools adds pools or changes their policies.
func (o *Owner) PutPools(ctx context.Context, pools []numberdb.Pool) error {
	if err := o.committer.do(ctx, numberdb.Writes{Pools: pools}); err != nil {
		return err
	}
	o.stock.Lock()
	defer o.stock.Unlock()
	for _, p := range pools {
		o.pools[p.Name], o.changed[p.Name] = p, o.now()
		o.engine.SetPool(p)
	}
	return nil
}

// RemovePool deletes a pool without masks.
func (o *Owner) RemovePool(ctx context.Context, name string) error {
	if err := o.committer.do(ctx, numberdb.Writes{Gone: numberdb.Gone{Pools: []string{name}}}); err != nil {
		return err
	}
	o.stock.Lock()
	defer o.stock.Unlock()
	delete(o.pools, name)
	o.changed[name] = o.now()
	o.engine.RemovePool(name)
	return nil
}

// PutMasks adds masks or changes them, all or none.
func (o *Owner) PutMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	masks, events := o.dated(masks, why, actor)
	writes := numberdb.Writes{Masks: masks, Events: events}
	o.tellStates(&writes, o.now())
	return o.stockUp(ctx, writes, masks, func(masks []numberdb.Mask) { o.keepStock(masks) }, o.engine.SetMask)
}

// ShelveMasks is PutMasks that leaves the states of masks which are there as they
// are: a lease may be changing them at the same moment.
func (o *Owner) ShelveMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	masks, events := o.dated(masks, why, actor)
	return o.stockUp(ctx, numberdb.Writes{Shelved: masks, Events: events}, masks, o.shelve, o.engine.ShelveMask)
}

// stockUp writes masks, keeps them and sets each in the engine.
func (o *Owner) stockUp(ctx context.Context, writes numberdb.Writes, masks []numberdb.Mask, keep func([]numberdb.Mask), set func(numberdb.Mask)) error {
	if err := o.committer.do(ctx, writes); err != nil {
		return err
	}
	added := o.unknown(masks)
	keep(masks)
	for i := range masks {
		set(masks[i])
	}
	o.learnOf(added)
	return nil
}

// dated gives masks without a time of their state this one, and tells the history.
func (o *Owner) dated(masks []numberdb.Mask, why, actor string) ([]numberdb.Mask, []numberdb.MaskEvent) {
	masks = slices.Clone(masks)
	events := make([]numberdb.MaskEvent, len(masks))
	now := o.now()
	for i := range masks {
		if masks[i].Since.IsZero() {
			masks[i].Since = now
		}
		events[i] = numberdb.MaskEvent{Mask: masks[i].Number, At: now, What: masks[i].State, Why: why, Actor: actor}
	}
	return masks, events
}

// unknown are those masks that are not in the stock yet.
func (o *Owner) unknown(masks []numberdb.Mask) map[e164.Number]bool {
	added := map[e164.Number]bool{}
	for i := range masks {
		if !o.isStock(masks[i].Number) {
			added[masks[i].Number.Canonical()] = true
		}
	}
	return added
}

func (o *Owner) learnOf(added map[e164.Number]bool) {
	if len(added) > 0 {
		o.learnByHand(func(mask e164.Number) bool { return added[mask] })
	}
}

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

// shelve is keepStock that leaves states as they are.
func (o *Owner) shelve(masks []numberdb.Mask) {
	o.stock.Lock()
	defer o.stock.Unlock()
	masks = slices.Clone(masks)
	for i := range masks {
		if is, known := o.masks[masks[i].Number.Canonical()]; known {
			masks[i].State, masks[i].Since = is.State, is.Since
		}
	}
	o.keep(masks)
}

// keepStock notes masks that this edge changes, and returns them as they were.
func (o *Owner) keepStock(masks []numberdb.Mask) (before []numberdb.Mask) {
	if len(masks) == 0 {
		return nil
	}
	o.stock.Lock()
	defer o.stock.Unlock()
	return o.keep(masks)
}

func (o *Owner) keep(masks []numberdb.Mask) (before []numberdb.Mask) {
	now := o.now()
	for _, m := range masks {
		number := m.Number.Canonical()
		if was, known := o.masks[number]; known {
			before = append(before, was)
		}
		o.masks[number] = m
		o.touched[number] = now
	}
	o.shown.change(masks, nil)
	return before
}

// writeStates writes what time has done to masks; what fails stands in memory
// and is tried again. It is tend's own.
func (o *Owner) writeStates(ctx context.Context, masks []numberdb.Mask) {
	writes := numberdb.Writes{Masks: masks}
	o.tellStates(&writes, o.now())
	o.unsavedEvents = append(o.unsavedEvents, writes.Outbox...)
	o.keepStock(masks)
	masks = append(o.stillUnsaved(), masks...)
	o.unsaved = nil
	if len(masks) == 0 {
		o.unsavedEvents = nil // what they tell of was changed since
		return
	}
	if err := o.committer.do(ctx, numberdb.Writes{Masks: masks, Outbox: o.unsavedEvents}); err != nil {
		o.log.Debug("could not write the state of masks yet", zap.Int("masks", len(masks)), zap.Error(err))
		o.unsaved = masks
		return
	}
	o.unsavedEvents = nil
}

// stillUnsaved leaves out masks that somebody has changed since.
func (o *Owner) stillUnsaved() (masks []numberdb.Mask) {
	o.stock.Lock()
	defer o.stock.Unlock()
	for _, m := range o.unsaved {
		number := m.Number.Canonical()
		if is := o.masks[number]; is.State == m.State && is.Since.Equal(m.Since) {
			masks, o.touched[number] = append(masks, m), o.now()
		}
	}
	return masks
}
