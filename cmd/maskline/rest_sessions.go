package main

import (
	"context"
	"errors"
	"time"

	"maskline/api"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
)

// restSessions is the desk of sessions for the API under /v1.
type restSessions struct {
	*sessionDesk
	attempts numberdb.AttemptStore
	now      func() time.Time
}

// Create makes a session, or finds what the same request made before.
func (d restSessions) Create(ctx context.Context, r *api.SessionRequest, attempt *numberdb.Attempt) (numberdb.Session, bool, error) {
	if err := d.owner.Ready(ctx); err != nil {
		return numberdb.Session{}, false, restProblem(err)
	}
	ask, err := d.request(r)
	if err != nil {
		return numberdb.Session{}, false, restProblem(err)
	}
	ask.Attempt = attempt
	s, err := d.owner.Create(ctx, ask)
	if errors.Is(err, sessions.ErrTTL) {
		err = d.ttlFault(r.Pool)
	}
	return d.settled(ctx, s, err, attempt)
}

// settled is a session, what an earlier attempt left of it, or why there is none.
func (d restSessions) settled(ctx context.Context, s numberdb.Session, err error, attempt *numberdb.Attempt) (numberdb.Session, bool, error) {
	if err == nil {
		return s, false, nil
	}
	if attempt == nil {
		return numberdb.Session{}, false, restProblem(err)
	}
	made, found, look := d.attempts.Attempted(ctx, attempt, d.now())
	switch {
	case errors.Is(look, numberdb.ErrOtherRequest):
		return numberdb.Session{}, false, problem.New(problem.IdempotencyMismatch)
	case look != nil || !found:
		return numberdb.Session{}, false, restProblem(err)
	}
	if err := d.owner.CatchUp(ctx); err != nil { // the caller is told that its masks route
		return numberdb.Session{}, false, restProblem(err)
	}
	s, err = d.Get(ctx, numberdb.AnyTenant, made)
	return s, true, err
}

// ttlFault tells the bounds of a pool in seconds.
func (d restSessions) ttlFault(pool string) error {
	least, most := d.bounds(pool)
	expected := "expected seconds that the pool allows: at least " + seconds(max(least, time.Second))
	if most > 0 {
		expected += ", at most " + seconds(most) + " with all extensions"
	}
	return problem.Invalid("body.ttl", expected)
}

// Get reads one.
func (d restSessions) Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	s, err := d.owner.Get(ctx, tenant, id)
	if err != nil {
		return numberdb.Session{}, restProblem(err)
	}
	return s, nil
}

// List reads a page. Rows that do not open are left out.
func (d restSessions) List(ctx context.Context, q numberdb.SessionQuery) ([]numberdb.Session, error) {
	found, err := d.store.Sessions(ctx, q)
	if err != nil && !errors.Is(err, numberdb.ErrSealed) {
		return nil, restProblem(storeDown{err})
	}
	return found, nil
}

// Change does one thing to a session.
func (d restSessions) Change(ctx context.Context, tenant string, id numberdb.ID, c *rest.SessionChange) (numberdb.Session, bool, error) {
	if err := d.owner.Ready(ctx); err != nil {
		return numberdb.Session{}, false, restProblem(err)
	}
	s, err := d.change(ctx, tenant, id, c)
	switch {
	case errors.Is(err, sessions.ErrNoSession):
		if _, known := d.owner.Get(ctx, tenant, id); known == nil {
			err = problem.New(problem.SessionClosed)
		}
	case errors.Is(err, sessions.ErrTTL):
		if known, failed := d.owner.Get(ctx, tenant, id); failed == nil {
			err = d.ttlFault(known.Pool)
		}
	}
	return d.settled(ctx, s, err, c.Attempt)
}

func (d restSessions) change(ctx context.Context, tenant string, id numberdb.ID, c *rest.SessionChange) (numberdb.Session, error) {
	terms := sessions.Terms{Unchanged: c.Unchanged, Attempt: c.Attempt}
	switch c.Do {
	case rest.End:
		return d.owner.End(ctx, tenant, id, numberdb.Released)
	case rest.Burn:
		return d.owner.End(ctx, tenant, id, numberdb.Burned)
	case rest.Extend:
		return d.owner.ExtendOn(ctx, tenant, id, c.TTL, terms)
	case rest.Rotate:
		return d.owner.RotateOn(ctx, tenant, id, terms)
	default:
		of := tenant
		if of == numberdb.AnyTenant {
			s, err := d.owner.Get(ctx, tenant, id)
			if err != nil {
				return s, err
			}
			of = s.Tenant
		}
		side, fault := d.side(c.Join, of)
		if fault != nil {
			return numberdb.Session{}, fault
		}
		return d.owner.JoinOn(ctx, tenant, id, side, terms)
	}
}
