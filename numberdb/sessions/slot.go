package sessions

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// ErrNoSlots says that a session's owner cannot have reply slots: it has no public
// mask, or no number to answer from.
var ErrNoSlots = errors.New("the session has no public mask with a number behind it")

// Slot makes a caller of a public mask known to its owner: by one mask that is for
// this caller alone, until the session ends or it is out of use and another one needs
// it. It returns when that is durable and routed. Doing it again is no fault.
func (o *Owner) Slot(ctx context.Context, id numberdb.ID, public, caller e164.Number) error {
	if err := o.awaitReady(ctx); err != nil {
		return err
	}
	_, err := o.inTurn(ctx, id, func() (numberdb.Session, error) {
		s, now, err := o.live(ctx, numberdb.AnyTenant, id)
		switch {
		case err != nil:
			return s, err
		case ownerOf(&s) == 0:
			o.noteOwner(&s)
			return s, ErrNoSlots
		}
		return s, o.slot(ctx, &s, public, caller, now)
	})
	return err
}

// slot tries once.
func (o *Owner) slot(ctx context.Context, s *numberdb.Session, public, caller e164.Number, now time.Time) error {
	to := s.Participants[0].To
	ask := &allocator.SlotRequest{
		Session: s.ID, Tenant: s.Tenant, Public: public, Owner: ownerOf(s), OwnerTo: to, Caller: caller,
		Services: s.Services, Idle: math.MaxInt64,
	}
	decision := &allocator.Decision{}
	mask, passed, err := o.decideSlot(s, ask, now, decision)
	if err != nil {
		return err
	}
	defer func() { passed() }()
	writes := numberdb.Writes{Replaced: replaced(decision), Bindings: o.passedOn(decision)}
	for _, row := range allocator.SlotBindings(s, ask, mask) {
		key := row.Key()
		gives := slices.ContainsFunc(writes.Replaced, func(r numberdb.Replaced) bool { return r.Key == key })
		switch {
		case slices.Contains(decision.Replace, key) && !gives: // the session's own: it leads, or shows, elsewhere now
			writes.Bindings = append(writes.Bindings, numberdb.Change{Binding: row})
		case granted(decision, key) || !o.routes(&row, now): // it was to be written before, and was not
			writes.Claims = append(writes.Claims, row)
		}
	}
	if len(writes.Bindings)+len(writes.Claims) == 0 {
		return nil
	}
	writes.Sessions = []numberdb.Session{*s} // whoever ends it meanwhile has to know the slot
	err = o.commit(ctx, writes)
	var conflict *numberdb.Conflict
	switch {
	case len(decision.Ends.Keys) > 0 && (errors.Is(err, numberdb.ErrOutcomeUnknown) || errors.Is(err, numberdb.ErrNotYetRouted)):
		o.doubtSlot(s, ask, mask, decision, now, passed)
		passed = func() {} // when that is settled
	case err == nil, errors.Is(err, numberdb.ErrNotYetRouted), errors.Is(err, numberdb.ErrOutcomeUnknown): // it is written, or may be
	case errors.As(err, &conflict):
		o.undo(&doubt{session: s.ID, decision: decision, stood: s}, now, conflict.Keys...)
	default:
		o.engine.Undo(decision, now)
	}
	return err
}

func granted(d *allocator.Decision, key numberdb.BindingKey) bool {
	return slices.ContainsFunc(d.Grants, func(g allocator.Grant) bool { return g.Mask == key.Mask && g.Party == key.Party })
}

// routes reports whether the table has a row of the session already.
func (o *Owner) routes(row *numberdb.Binding, now time.Time) bool {
	b, status := o.table.Lookup(row.Mask, row.Party, now)
	return status == numberdb.Exact && b.Session == row.Session &&
		allocator.PeerOf(b.To) == allocator.PeerOf(row.To) && b.Present.Canonical() == row.Present.Canonical()
}

// mostOpening bounds the first contacts that wait for their slot.
const mostOpening = 256

// openings are the first contacts under way.
type openings struct {
	mu      sync.Mutex
	count   int
	closed  bool
	running sync.WaitGroup
}

func (x *openings) enter() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.count == mostOpening {
		return false
	}
	x.count++
	x.running.Add(1)
	return true
}

func (x *openings) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.count--
	x.running.Done()
}

// close waits for those under way and lets in no more.
func (x *openings) close() {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.running.Wait()
}

// Open is Slot for traffic, which does not wait: done is told by by.
func (o *Owner) Open(session numberdb.ID, mask, caller e164.Number, by time.Time, done func(opened bool)) {
	if !o.openings.enter() {
		o.metrics.slots[slotBusy].Inc()
		done(false)
		return
	}
	go func() {
		defer o.openings.leave()
		ctx, cancel := context.WithTimeout(context.Background(), by.Sub(o.now()))
		defer cancel()
		err := o.Slot(ctx, session, mask, caller)
		o.metrics.slots[slotOutcome(err)].Inc()
		done(err == nil)
	}()
}

// The outcomes in metrics.
const (
	slotOpened    = "opened"
	slotExhausted = "exhausted"
	slotRefused   = "refused"
	slotStore     = "store"
	slotBusy      = "busy"
)

func slotOutcome(err error) string {
	var exhausted *allocator.Exhausted
	switch {
	case err == nil:
		return slotOpened
	case errors.As(err, &exhausted):
		return slotExhausted
	case isStores(err), errors.Is(err, numberdb.ErrNotYetRouted):
		return slotStore
	default:
		return slotRefused
	}
}
