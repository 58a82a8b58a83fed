package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// Get returns a tenant's session; tenant numberdb.AnyTenant is anybody's.
func (o *Owner) Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	found, err := o.store.Sessions(ctx, numberdb.SessionQuery{ID: id, Limit: 1})
	if err != nil {
		return numberdb.Session{}, storeError{err}
	}
	if len(found) == 0 || tenant != numberdb.AnyTenant && found[0].Tenant != tenant {
		return numberdb.Session{}, ErrNoSession
	}
	return found[0], nil
}

// live is Get for a session that has not ended.
func (o *Owner) live(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, time.Time, error) {
	if err := o.awaitReady(ctx); err != nil {
		return numberdb.Session{}, time.Time{}, err
	}
	s, err := o.Get(ctx, tenant, id)
	now := o.now()
	if err == nil && !s.Live(now) {
		err = ErrNoSession
	}
	return s, now, err
}

// anew reports whether what met a conflict is to be decided once more. Where
// another edge has made or changed the session, it is known here by then what it did.
func (o *Owner) anew(ctx context.Context, err error, try int) bool {
	if errors.Is(err, errUnlearned) {
		return try == 1 && o.catchUp(ctx) == nil
	}
	var conflict *numberdb.Conflict
	if !errors.As(err, &conflict) || len(conflict.Attempts) > 0 || try >= tries {
		return false
	}
	o.metrics.anew.Inc()
	return len(conflict.Sessions) == 0 || o.catchUp(ctx) == nil
}

// inTurn does one thing to a session at a time, and once more where another edge was
// faster.
func (o *Owner) inTurn(ctx context.Context, id numberdb.ID, once func() (numberdb.Session, error)) (numberdb.Session, error) {
	done, err := o.alone(ctx, id)
	if err != nil {
		return numberdb.Session{}, err
	}
	defer done()
	for try := 1; ; try++ {
		if s, err := once(); !o.anew(ctx, err, try) {
			return s, err
		}
	}
}

// change changes a live session.
func (o *Owner) change(ctx context.Context, tenant string, id numberdb.ID, decide func(numberdb.Session, time.Time) (numberdb.Session, error)) (numberdb.Session, error) {
	return o.inTurn(ctx, id, func() (numberdb.Session, error) {
		s, now, err := o.liveHere(ctx, tenant, id)
		if err != nil {
			return numberdb.Session{}, err
		}
		return decide(s, now)
	})
}

// End ends a session. Its people hear that it has ended until its masks' quarantine
// is over. Ending one that has ended is no fault: it is returned as it is.
func (o *Owner) End(ctx context.Context, tenant string, id numberdb.ID, why numberdb.EndReason) (numberdb.Session, error) {
	return o.inTurn(ctx, id, func() (numberdb.Session, error) {
		s, now, err := o.liveHere(ctx, tenant, id)
		switch {
		case errors.Is(err, ErrNoSession) && s.ID != 0:
			o.release(&s, now)
			return s, nil
		case err != nil:
			return numberdb.Session{}, err
		}
		return o.end(ctx, s, cmp.Or(why, numberdb.Released), now)
	})
}

// release gives the masks back of a session that the store says was ended: by a
// commit whose outcome was unknown here, or by another edge.
func (o *Owner) release(s *numberdb.Session, now time.Time) {
	var ended allocator.Ended
	switch s.Ended {
	case numberdb.NotEnded: // by its time, or not at all
		return
	case numberdb.Burned:
		_ = o.engine.Burn(s.ID, now, &ended) // it may have been released before
	default:
		_ = o.engine.Release(s.ID, now, &ended)
	}
	o.forget(s.ID)
}

// end writes first: until the store has it, the masks are not free for anybody
// else.
func (o *Owner) end(ctx context.Context, s numberdb.Session, why numberdb.EndReason, now time.Time) (numberdb.Session, error) {
	stood := s
	s.Keep = now.Add(max(0, s.Keep.Sub(s.Expires)))
	s.Expires, s.Ended = now, why
	rows, unseen := o.rows(&s)
	writes := numberdb.Writes{Sessions: []numberdb.Session{s}, Bindings: rows}
	if why == numberdb.Burned {
		writes.Masks = o.inState(o.ownMasks(&s), numberdb.Watchlisted, now)
	} else if s.Shape == numberdb.Lease {
		writes.Masks = o.inState(o.ownMasks(&s), numberdb.Quarantined, now)
	}
	o.tellEnded(&writes, &s)
	o.tellStates(&writes, now)
	err := o.commit(ctx, writes)
	o.seeLater(doubt{session: s.ID, unseen: unseen, since: now}, err)
	if err != nil && !errors.Is(err, numberdb.ErrNotYetRouted) {
		if errors.Is(err, numberdb.ErrOutcomeUnknown) {
			o.doubtful.add(doubt{session: s.ID, stood: &stood, since: now})
		}
		return numberdb.Session{}, err
	}
	o.release(&s, now)
	o.keepStock(writes.Masks)
	o.metrics.ended[why].Inc()
	return s, err
}

// rows are the session's bindings with its times, reply slots included. Unseen are
// the keys of slots that the table does not have: they may be in the store.
func (o *Owner) rows(s *numberdb.Session) (changes []numberdb.Change, unseen []numberdb.BindingKey) {
	mine := allocator.Bindings(s)
	for i := range mine {
		changes = append(changes, numberdb.Change{Binding: mine[i]})
	}
	if !isPublic(s) {
		return changes, nil // what else the engine knows was rotated away by another edge
	}
	keys := o.engine.Keys(s.ID)
	if x, doubtful := o.passing.Load(s.ID); doubtful {
		keys = append(keys, x.(*slotDoubt).ended...) //nolint:forcetypeassert // nothing else is stored
	}
	for _, key := range keys {
		if slices.ContainsFunc(mine, func(b numberdb.Binding) bool { return b.Key() == key }) {
			continue
		}
		b, found := o.bound(key)
		switch {
		case !found:
			unseen = append(unseen, key)
		case b.Session == s.ID && b.Live(o.now()):
			b.Expires, b.Keep = s.Expires, s.Keep
			changes = append(changes, numberdb.Change{Binding: b})
		}
	}
	return changes, unseen
}

func isPublic(s *numberdb.Session) bool { return s.Shape == numberdb.Open || s.Shape == numberdb.Lease }

// liveHere is live; of a public session this edge knows the reply slots then, which
// other edges may have opened. A table that cannot follow now is not waited for
// twice.
func (o *Owner) liveHere(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, time.Time, error) {
	s, now, err := o.live(ctx, tenant, id)
	if err == nil && isPublic(&s) {
		_ = o.catchUp(ctx)
	}
	return s, now, err
}

// Extend gives a session ttl from now, within the bounds of its pool for its
// whole life.
func (o *Owner) Extend(ctx context.Context, tenant string, id numberdb.ID, ttl time.Duration) (numberdb.Session, error) {
	return o.ExtendOn(ctx, tenant, id, ttl, Terms{})
}

func (o *Owner) extend(ctx context.Context, s numberdb.Session, ttl time.Duration, now time.Time) (numberdb.Session, error) {
	id := s.ID
	policy, known := o.engine.Policy(s.Pool)
	if most := cmp.Or(policy.MaxTTL, o.cfg.MaxTTL); !known || ttl <= 0 || now.Add(ttl).Sub(s.Created) > most {
		return numberdb.Session{}, ErrTTL
	}
	before := s.Expires
	rest := s.Keep.Sub(s.Expires)
	s.Expires = now.Add(ttl)
	s.Keep = s.Expires.Add(max(0, rest))
	if s.Expires.After(before) { // held longer before the store says so, never shorter
		if _, err := o.engine.Extend(id, s.Expires, now); err != nil {
			return numberdb.Session{}, notLive(err)
		}
	}
	rows, unseen := o.rows(&s)
	err := o.commit(ctx, numberdb.Writes{Sessions: []numberdb.Session{s}, Bindings: rows})
	o.seeLater(doubt{session: s.ID, unseen: unseen, since: now}, err)
	if err != nil && !errors.Is(err, numberdb.ErrNotYetRouted) {
		return numberdb.Session{}, err
	}
	if s.Expires.Before(before) {
		_, _ = o.engine.Extend(id, s.Expires, now) // where it has ended in memory, that is sooner still
	}
	return s, err
}

// errUnlearned is of a session that lives by its row.
var errUnlearned = fmt.Errorf("%w, or this edge has not learned of it yet", ErrNoSession)

func notLive(err error) error {
	switch {
	case errors.Is(err, allocator.ErrUnknown):
		return errUnlearned
	case errors.Is(err, allocator.ErrOver):
		return ErrNoSession
	}
	return err
}

// Rotate gives the people of a session other masks, of the countries of those that
// they had, which are ended for them.
func (o *Owner) Rotate(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	return o.RotateOn(ctx, tenant, id, Terms{})
}

func (o *Owner) rotate(ctx context.Context, s numberdb.Session, terms *Terms, now time.Time) (numberdb.Session, error) {
	policy, known := o.engine.Policy(s.Pool)
	if !known {
		return numberdb.Session{}, allocator.ErrPool
	}
	ask := &allocator.Request{
		Session: s.ID, Tenant: s.Tenant, Pool: s.Pool, Shape: s.Shape, Services: s.Services, Selection: numberdb.AvoidStick, Expires: s.Expires,
	}
	if policy.Second {
		ask.Second = allocator.SecondIfAny
	}
	old, stood := s, s
	old.Participants = slices.Clone(s.Participants)
	old.Keep = now.Add(max(0, s.Keep.Sub(s.Expires)))
	old.Expires = now
	ended, unseen := o.rows(&old)
	s.Participants = slices.Clone(s.Participants)
	for i := range s.Participants {
		p := &s.Participants[i]
		side := allocator.Side{Number: p.Number, To: p.To}
		if m, known := o.Mask(p.Dial); known {
			side.Country = m.Country // what was asked for is not kept, and nobody is to dial abroad all at once
		}
		ask.Sides = append(ask.Sides, side)
		p.Dial, p.Second = 0, 0
	}
	decision := &allocator.Decision{}
	if err := o.engine.Rotate(s.ID, ask, now, decision); err != nil {
		return numberdb.Session{}, notLive(err)
	}
	decision.Apply(&s)
	writes := newSession(&s, decision)
	writes.Bindings = slices.DeleteFunc(ended, func(c numberdb.Change) bool {
		return slices.ContainsFunc(writes.Claims, func(b numberdb.Binding) bool { return b.Key() == c.Binding.Key() })
	})
	writes.Masks = append(writes.Masks, states(decision.Ends.States)...)
	writes.Attempts = terms.attempts(s.ID)
	if s.Shape == numberdb.Lease {
		o.tell(&writes, &s, eventLeaseRotated, now, told{})
	}
	o.tellStates(&writes, now)
	begun := &doubt{session: s.ID, decision: decision, stood: &stood, masks: o.keepStock(writes.Masks), since: now}
	err := o.commit(ctx, writes)
	o.seeLater(doubt{session: s.ID, unseen: unseen, stood: &stood, since: now}, err)
	if !o.decided(begun, err) {
		return numberdb.Session{}, err
	}
	o.keepStock(writes.Masks)
	o.metrics.ended[numberdb.Rotated].Inc()
	return s, err
}

// Join adds a member to a group.
func (o *Owner) Join(ctx context.Context, tenant string, id numberdb.ID, side Side) (numberdb.Session, error) {
	return o.JoinOn(ctx, tenant, id, side, Terms{})
}

func (o *Owner) join(ctx context.Context, s numberdb.Session, side Side, terms *Terms, now time.Time) (numberdb.Session, error) {
	id := s.ID
	if s.Shape != numberdb.Group {
		return numberdb.Session{}, allocator.ErrParticipants
	}
	if o.table.IsMask(side.Number) || side.To.Kind == numberdb.Tel && o.table.IsMask(side.To.Number) {
		return numberdb.Session{}, allocator.ErrMask
	}
	if side.To.Kind == numberdb.NoEndpoint {
		side.To = numberdb.Endpoint{Kind: numberdb.Tel, Number: side.Number}
	}
	first := s.Participants[0]
	decision := &allocator.Decision{}
	joining := allocator.Joining{
		Session: id, Dial: first.Dial, Second: first.Second, Number: side.Number, Reaches: first.To, Place: len(s.Participants),
	}
	if err := o.engine.Join(&joining, now, decision); err != nil {
		return numberdb.Session{}, notLive(err)
	}
	stood := s
	begun := &doubt{session: id, decision: decision, stood: &stood, since: now}
	s.Participants = append(slices.Clone(s.Participants), numberdb.Participant{
		Number: side.Number, To: side.To, Dial: first.Dial, Second: first.Second,
	})
	writes := numberdb.Writes{Sessions: []numberdb.Session{s}, Replaced: replaced(decision), Attempts: terms.attempts(id)}
	o.tell(&writes, &s, eventParticipantAdded, now, told{Participants: len(s.Participants)})
	for _, b := range allocator.Bindings(&s) {
		if b.Party == side.Number.Canonical() {
			writes.Claims = append(writes.Claims, b)
		}
	}
	err := o.commit(ctx, writes)
	if !o.decided(begun, err) {
		return numberdb.Session{}, err
	}
	return s, err
}
