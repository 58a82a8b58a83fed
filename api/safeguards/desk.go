package safeguards

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/guard"
	"maskline/api/rest"
	"maskline/numberdb"
)

// Desk is a desk of sessions whose requests the guard judges first.
type Desk struct {
	rest.SessionDesk
	Guard    *guard.Guard
	Live     *guard.Live // nil: nobody has a quota
	Attempts numberdb.AttemptStore
	Now      func() time.Time
}

// Create judges and makes. What the same request has made before is answered as it
// was, whatever the guard thinks of it now.
func (d *Desk) Create(ctx context.Context, r *api.SessionRequest, attempt *numberdb.Attempt) (numberdb.Session, bool, error) {
	who := auth.From(ctx)
	ask := &guard.Allocation{Alone: r.Shape == shapePublic || r.Shape == shapeLease, Lease: r.Shape == shapeLease}
	settle := func(numberdb.ID) {}
	err := d.parties(r.Participants, ask)
	if err == nil {
		settle, err = d.Guard.Allocate(ctx, guard.Who{Key: who.Key, Tenant: r.Tenant}, ask)
	}
	if err != nil {
		if d.again(ctx, attempt) {
			return d.SessionDesk.Create(ctx, r, attempt)
		}
		return numberdb.Session{}, false, Problem(err)
	}
	s, replayed, err := d.SessionDesk.Create(ctx, r, attempt)
	if err != nil || replayed {
		settle(0)
	} else {
		settle(s.ID)
	}
	return s, replayed, err
}

const (
	shapePublic = "public"
	shapeLease  = "lease"
)

// again reports whether the request was done before.
func (d *Desk) again(ctx context.Context, attempt *numberdb.Attempt) bool {
	if attempt == nil || d.Attempts == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	_, known, err := d.Attempts.Attempted(ctx, attempt, d.Now())
	return known || errors.Is(err, numberdb.ErrOtherRequest)
}

// parties are the numbers of people in a request: their own, and where they are
// reached.
func (d *Desk) parties(people []api.Participate, ask *guard.Allocation) error {
	for i := range people {
		field := fmt.Sprintf("participants[%d]", i)
		own := people[i].Number
		if own != "" {
			n, err := d.Guard.Number(field+".number", own)
			if err != nil {
				return err
			}
			ask.Parties = append(ask.Parties, guard.Party{Field: field + ".number", Number: n})
		}
		reached, tel := strings.CutPrefix(people[i].To, "tel:")
		if !tel || reached == own {
			continue
		}
		if !strings.HasPrefix(reached, "+") { // the endpoint's form may do without
			reached = "+" + reached
		}
		n, err := d.Guard.Number(field+".to", reached)
		if err != nil {
			return err
		}
		if own != reached {
			ask.Reached = append(ask.Reached, guard.Party{Field: field + ".to", Number: n})
		}
	}
	return nil
}

// Change judges who joins, and counts what is rotated or given back.
func (d *Desk) Change(ctx context.Context, tenant string, id numberdb.ID, c *rest.SessionChange) (numberdb.Session, bool, error) {
	who, began := auth.From(ctx), d.Now()
	if c.Do == rest.Join {
		if err := d.joins(ctx, who, c.Join); err != nil && !d.again(ctx, c.Attempt) {
			return numberdb.Session{}, false, Problem(err)
		}
	}
	s, replayed, err := d.SessionDesk.Change(ctx, tenant, id, c)
	if err != nil || replayed {
		return s, replayed, err
	}
	switch c.Do {
	case rest.End, rest.Burn:
		d.ended(who, &s, began)
	case rest.Rotate:
		d.Guard.Rotated(whoOf(who), 0)
	default:
	}
	return s, replayed, nil
}

// ended counts the end of a session, where this request has made it: releasing again
// what was released is nobody's abuse.
func (d *Desk) ended(who auth.Identity, s *numberdb.Session, began time.Time) {
	if s.Expires.Before(began.Truncate(time.Microsecond)) {
		return
	}
	alone := s.Shape == numberdb.Lease || s.Shape == numberdb.Open
	if d.Live != nil {
		d.Live.Ended(s.Tenant, s.ID, alone)
	}
	if alone {
		d.Guard.Rotated(whoOf(who), d.Now().Sub(s.Created))
	}
}

func (d *Desk) joins(ctx context.Context, who auth.Identity, p *api.Participate) error {
	ask := &guard.Allocation{}
	if err := d.parties([]api.Participate{*p}, ask); err != nil {
		return renamed(err)
	}
	for _, party := range append(ask.Parties, ask.Reached...) {
		if err := d.Guard.Contact(ctx, whoOf(who), party); err != nil {
			return renamed(err)
		}
	}
	return nil
}

// renamed is a refusal of somebody who joins: the body is the participant.
func renamed(err error) error {
	var r *guard.Refusal
	if !errors.As(err, &r) {
		return err
	}
	own := *r
	own.Field = strings.TrimPrefix(own.Field, "participants[0].")
	return &own
}
