package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// Request asks for a session. Zero fields stand for what the pool's policy or
// the configuration says.
type Request struct {
	Tenant    string
	Pool      string
	Shape     numberdb.Shape
	Sides     []Side
	Services  numberdb.Services // none: both
	TTL       time.Duration
	IdleTTL   time.Duration
	MaxUses   int
	Selection *numberdb.Selection
	Kinds     allocator.Kinds
	Flags     numberdb.MaskFlags
	Label     string
	// Attempt remembers the request under a client's idempotency key, in the same
	// transaction. Its Response is set to the session's ID.
	Attempt *numberdb.Attempt
}

// Side is one participant and what is asked of the mask for them.
type Side struct {
	Number  e164.Number       // none: everybody, of Open and Lease
	To      numberdb.Endpoint // none: Number, through carriers
	Pool    string            // of the mask; empty: the request's
	Country string            // of the mask, ISO 3166-1 alpha-2; empty: any
	Prefix  string            // digits that the mask should begin with, as many as can be had
	Must    int               // so many digits of Prefix it has to begin with
	Carrier string            // that hosts the mask; empty: any
}

// Faults of requests, beside those of the allocator and of numberdb.
var (
	ErrTTL       = errors.New("ttl: outside the bounds of the pool")
	ErrNoSession = errors.New("there is no such session, or it has ended")
)

// tries bounds how often an allocation is decided anew because another edge was
// faster.
const tries = 5

// Create decides, writes and routes a session. An *allocator.Exhausted says
// that the pool has no masks for it. Where only the routing failed, the session
// comes with an error that wraps numberdb.ErrNotYetRouted.
func (o *Owner) Create(ctx context.Context, r *Request) (numberdb.Session, error) {
	s, err := o.decideAndCreate(ctx, r)
	o.metrics.created(err)
	o.tellExhausted(err)
	return s, err
}

func (o *Owner) decideAndCreate(ctx context.Context, r *Request) (numberdb.Session, error) {
	if err := o.awaitReady(ctx); err != nil {
		return numberdb.Session{}, err
	}
	policy, known := o.engine.Policy(r.Pool)
	if !known {
		return numberdb.Session{}, allocator.ErrPool
	}
	ask, err := o.ask(r, &policy)
	if err != nil {
		return numberdb.Session{}, err
	}
	for try := 1; ; try++ {
		s, err := o.create(ctx, r, ask, &policy)
		var conflict *numberdb.Conflict
		if errors.As(err, &conflict) && len(conflict.Attempts) == 0 && try < tries {
			o.metrics.anew.Inc()
			if ask.Selection != numberdb.Pinned {
				ask.Selection = numberdb.Rotate // what it would stick to is taken
			}
			continue
		}
		return s, err
	}
}

// ask is the allocator's form of a request, but for the session and its times.
func (o *Owner) ask(r *Request, policy *numberdb.PoolPolicy) (*allocator.Request, error) {
	ask := &allocator.Request{
		Tenant: r.Tenant, Pool: r.Pool, Shape: r.Shape, Services: cmp.Or(r.Services, numberdb.SMS|numberdb.Voice),
		Selection: policy.Selection, Kinds: r.Kinds, Flags: r.Flags, Sides: make([]allocator.Side, 0, len(r.Sides)),
	}
	if r.Selection != nil {
		ask.Selection = *r.Selection
	}
	if policy.Second {
		ask.Second = allocator.SecondIfAny
	}
	for _, side := range r.Sides {
		if side.Number != 0 && o.table.IsMask(side.Number) {
			return nil, allocator.ErrMask
		}
		if side.To.Kind == numberdb.NoEndpoint && side.Number != 0 {
			side.To = numberdb.Endpoint{Kind: numberdb.Tel, Number: side.Number}
		}
		if side.To.Kind == numberdb.Tel && o.table.IsMask(side.To.Number) {
			return nil, allocator.ErrMask
		}
		ask.Sides = append(ask.Sides, allocator.Side{
			Number: side.Number, To: side.To, Pool: side.Pool, Country: side.Country, Prefix: side.Prefix, Must: side.Must, Carrier: side.Carrier,
		})
	}
	return ask, nil
}

// ttl is how long a session lasts.
func (o *Owner) ttl(asked time.Duration, policy *numberdb.PoolPolicy) (time.Duration, error) {
	ttl, most := cmp.Or(asked, policy.TTL, o.cfg.TTL), cmp.Or(policy.MaxTTL, o.cfg.MaxTTL)
	if asked == 0 {
		ttl = max(min(ttl, most), policy.MinTTL)
	}
	if ttl <= 0 || ttl < policy.MinTTL || ttl > most {
		return 0, ErrTTL
	}
	return ttl, nil
}

// create tries once.
func (o *Owner) create(ctx context.Context, r *Request, ask *allocator.Request, policy *numberdb.PoolPolicy) (numberdb.Session, error) {
	now := o.now()
	ttl, err := o.ttl(r.TTL, policy)
	if err != nil {
		return numberdb.Session{}, err
	}
	s := numberdb.Session{
		ID: o.ids.Next(now), Tenant: r.Tenant, Pool: r.Pool, Shape: r.Shape, Services: ask.Services, Created: now, Expires: now.Add(ttl),
		IdleTTL: cmp.Or(r.IdleTTL, policy.IdleTTL), MaxUses: cmp.Or(r.MaxUses, policy.MaxUses), Label: r.Label,
		Participants: make([]numberdb.Participant, 0, len(ask.Sides)),
	}
	for i := range ask.Sides {
		s.Participants = append(s.Participants, numberdb.Participant{Number: ask.Sides[i].Number, To: ask.Sides[i].To})
	}
	ask.Session, ask.Expires = s.ID, s.Expires
	decision := &allocator.Decision{}
	if err := o.engine.Pick(ask, now, decision); err != nil {
		return numberdb.Session{}, err
	}
	decision.Apply(&s)
	writes := newSession(&s, decision)
	writes.New = []numberdb.ID{s.ID}
	o.tellCreated(&writes, &s)
	begun := &doubt{session: s.ID, decision: decision, masks: o.keepStock(writes.Masks), since: now}
	if r.Attempt != nil {
		attempt := *r.Attempt
		attempt.Response = s.ID
		writes.Attempts = []numberdb.Attempt{attempt}
		begun.findable = true
	}
	if counted(&s) {
		o.uses.add(&s, now)
	}
	o.noteOwner(&s)
	err = o.commit(ctx, writes)
	if !o.decided(begun, err) {
		return numberdb.Session{}, err
	}
	o.keepStock(writes.Masks)
	return s, err
}

// newSession is what a decision writes. A binding in quarantine that the same two
// people had gives way, if it is in the store as it was here.
func newSession(s *numberdb.Session, d *allocator.Decision) numberdb.Writes {
	return numberdb.Writes{
		Sessions: []numberdb.Session{*s}, Claims: allocator.Bindings(s), Replaced: replaced(d), Masks: states(d.States),
	}
}

func replaced(d *allocator.Decision) (rows []numberdb.Replaced) {
	for i := range d.Grants {
		if old := d.Grants[i].Replaces(); old != 0 {
			rows = append(rows, numberdb.Replaced{Key: numberdb.BindingKey{Mask: d.Grants[i].Mask.Canonical(), Party: d.Grants[i].Party.Canonical()}, Session: old})
		}
	}
	return rows
}

func states(changes []allocator.StateChange) (masks []numberdb.Mask) {
	for i := range changes {
		masks = append(masks, changes[i].Mask)
	}
	return masks
}

// Ready waits until the pools, the masks and their bindings are known.
func (o *Owner) Ready(ctx context.Context) error { return o.awaitReady(ctx) }

func (o *Owner) awaitReady(ctx context.Context) error {
	select {
	case <-o.ready:
		return nil
	default:
	}
	select {
	case <-o.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotReady, ctx.Err())
	}
}
