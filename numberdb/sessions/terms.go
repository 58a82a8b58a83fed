package sessions

import (
	"context"
	"errors"
	"time"

	"maskline/numberdb"
)

// Terms are what a caller makes a change of a session depend on. The zero Terms are
// none.
type Terms struct {
	// Unchanged is asked of the session as the change found it; where it says no,
	// nothing is done and the error is ErrChanged.
	Unchanged func(*numberdb.Session) bool
	// Attempt remembers the request, as that of Request does.
	Attempt *numberdb.Attempt
}

// ErrChanged says that a session is not as its caller knew it.
var ErrChanged = errors.New("the session has changed")

func (t *Terms) check(s *numberdb.Session) error {
	if t.Unchanged != nil && !t.Unchanged(s) {
		return ErrChanged
	}
	return nil
}

// attempts are what the change's commit remembers.
func (t *Terms) attempts(id numberdb.ID) []numberdb.Attempt {
	if t.Attempt == nil {
		return nil
	}
	attempt := *t.Attempt
	attempt.Response = id
	return []numberdb.Attempt{attempt}
}

// ExtendOn is Extend on terms.
func (o *Owner) ExtendOn(ctx context.Context, tenant string, id numberdb.ID, ttl time.Duration, terms Terms) (numberdb.Session, error) {
	return o.change(ctx, tenant, id, func(s numberdb.Session, now time.Time) (numberdb.Session, error) {
		if err := terms.check(&s); err != nil {
			return numberdb.Session{}, err
		}
		return o.extend(ctx, s, ttl, now)
	})
}

// RotateOn is Rotate on terms.
func (o *Owner) RotateOn(ctx context.Context, tenant string, id numberdb.ID, terms Terms) (numberdb.Session, error) {
	return o.change(ctx, tenant, id, func(s numberdb.Session, now time.Time) (numberdb.Session, error) {
		if err := terms.check(&s); err != nil {
			return numberdb.Session{}, err
		}
		return o.rotate(ctx, s, &terms, now)
	})
}

// JoinOn is Join on terms.
func (o *Owner) JoinOn(ctx context.Context, tenant string, id numberdb.ID, side Side, terms Terms) (numberdb.Session, error) {
	return o.change(ctx, tenant, id, func(s numberdb.Session, now time.Time) (numberdb.Session, error) {
		if err := terms.check(&s); err != nil {
			return numberdb.Session{}, err
		}
		return o.join(ctx, s, side, &terms, now)
	})
}

// CatchUp returns when this edge routes everything that was committed before, by
// whatever edge.
func (o *Owner) CatchUp(ctx context.Context) error {
	if err := o.awaitReady(ctx); err != nil {
		return err
	}
	return o.catchUp(ctx)
}

// IsStoreFault reports whether the store kept a request from what it asks for, or
// there was no time for it.
func IsStoreFault(err error) bool { return isStores(err) }
