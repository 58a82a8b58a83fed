package sessions

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// slotUse is when the reply slots of a session were last in use, by whichever side.
// Other masks of the session are in it too, and harm nobody.
type slotUse struct {
	last   map[e164.Number]time.Time
	passes e164.Number // the slot that goes to another caller at this moment
}

// contact notes one, unless its slot is about to be somebody else's: whoever answered
// it would reach that one.
func (u *slotUse) contact(mask, shown e164.Number, now time.Time) bool {
	mask, shown = mask.Canonical(), shown.Canonical()
	if u.passes != 0 && (mask == u.passes || shown == u.passes) {
		return false
	}
	u.last[mask], u.last[shown] = now, now
	return true
}

// slotUses is what is known of a session's slots.
func (u *uses) slotUses(id numberdb.ID) map[e164.Number]time.Time {
	part := u.part(id)
	part.mu.Lock()
	defer part.mu.Unlock()
	if of := part.of[id]; of != nil && of.slots != nil {
		return maps.Clone(of.slots.last)
	}
	return nil
}

// passOn keeps contacts from a slot until done, or reports that there was one since
// it was looked at.
func (u *uses) passOn(id numberdb.ID, slot e164.Number, seen time.Time) (done func(), ok bool) {
	part := u.part(id)
	part.mu.Lock()
	defer part.mu.Unlock()
	of := part.of[id]
	if of == nil || of.slots == nil || of.slots.last[slot].After(seen) {
		return nil, false
	}
	slots := of.slots
	slots.passes = slot
	return func() {
		part.mu.Lock()
		defer part.mu.Unlock()
		slots.passes = 0
	}, true
}

// errSlotInDoubt says that it is not known yet whose a slot of the session is.
var errSlotInDoubt = errors.New("it is not known yet whether an earlier slot of the session was written")

// errSlotInUse says that the slot which was to go to another caller was used this
// very moment.
var errSlotInUse = errors.New("the slot out of use is in use again")

// decideSlot decides a caller's slot: where the owner has used up all, that which has
// been out of use for longest, by its session's idle time and its pool's quarantine.
// Only an edge that has the store to itself knows of every use.
func (o *Owner) decideSlot(s *numberdb.Session, ask *allocator.SlotRequest, now time.Time, d *allocator.Decision) (mask e164.Number, done func(), err error) {
	if _, doubtful := o.passing.Load(s.ID); doubtful {
		return 0, nil, storeError{errSlotInDoubt}
	}
	seen := map[e164.Number]time.Time(nil)
	if o.cfg.Alone && s.IdleTTL > 0 {
		if seen = o.uses.slotUses(s.ID); seen != nil {
			ask.Idle = s.IdleTTL
		}
	}
	for slot, last := range seen {
		o.engine.Touch(slot, ask.Owner, last)
	}
	mask, err = o.engine.Slot(ask, now, d)
	if err != nil || len(d.Ends.Keys) == 0 {
		return mask, func() {}, err
	}
	if done, ok := o.uses.passOn(s.ID, mask.Canonical(), seen[mask.Canonical()]); ok {
		return mask, done, nil
	}
	o.engine.Undo(d, now)
	return 0, nil, storeError{errSlotInUse}
}

// passedOn are the rows of who had the slot before.
func (o *Owner) passedOn(d *allocator.Decision) (changes []numberdb.Change) {
	for _, key := range d.Ends.Keys {
		if b, found := o.bound(key); found && b.Session == d.Session {
			b.Expires, b.Keep = d.Ends.At, d.Ends.Keep
			changes = append(changes, numberdb.Change{Binding: b})
		}
	}
	return changes
}

// slotDoubt is a slot that went to another caller or did not, or that the table does
// not show yet.
type slotDoubt struct {
	key   numberdb.BindingKey // the owner's way back
	to    e164.Number         // the new caller
	ended []numberdb.BindingKey
	done  func() // lets contacts through it again
}

// doubtSlot keeps a session from deciding slots, and contacts from this one, until it
// is settled.
func (o *Owner) doubtSlot(s *numberdb.Session, ask *allocator.SlotRequest, mask e164.Number, d *allocator.Decision, now time.Time, done func()) {
	key := numberdb.BindingKey{Mask: mask.Canonical(), Party: ask.Owner.Canonical()}
	x := &slotDoubt{key, ask.Caller.Canonical(), slices.Clone(d.Ends.Keys), done}
	o.passing.Store(s.ID, x)
	o.doubtful.add(doubt{session: s.ID, decision: d, stood: s, slot: x, since: now})
}

// settleSlot looks whose the slot is.
func (o *Owner) settleSlot(ctx context.Context, d *doubt, now time.Time) error {
	done, err := o.alone(ctx, d.session)
	if err != nil {
		return err
	}
	defer done()
	s, err := o.Get(ctx, numberdb.AnyTenant, d.session)
	if err == nil && s.Live(now) {
		if err := o.catchUp(ctx); err != nil {
			return err
		}
		if b, found := o.bound(d.slot.key); !found || b.Session != s.ID || b.To.Number.Canonical() != d.slot.to {
			o.undo(d, now)
		}
	} else if err != nil && !errors.Is(err, ErrNoSession) {
		return err
	}
	o.passing.Delete(d.session)
	d.slot.done()
	return nil
}
