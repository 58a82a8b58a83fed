package numberdb

import (
	"context"
	"errors"
	"time"

	"maskline/e164"
)

// RestrictionKind says who set a restriction.
type RestrictionKind uint8

// The kinds.
const (
	OptOut RestrictionKind = iota + 1 // a party wants no more messages
	Block                             // the operator allows no contact
)

// String is the form of the stores.
func (k RestrictionKind) String() string {
	switch k {
	case OptOut:
		return "opt_out"
	case Block:
		return "block"
	default:
		return "none"
	}
}

// ParseRestrictionKind reads what RestrictionKind.String writes.
func ParseRestrictionKind(s string) (RestrictionKind, error) {
	for _, k := range []RestrictionKind{OptOut, Block} {
		if s == k.String() {
			return k, nil
		}
	}
	return 0, ErrRestriction
}

// Restriction keeps messages from a party, or contacts from being made.
//
// An opt-out is keyed by tenant and party, and never by the mask: a mask that
// is used again for others must not bring it along. Its Peer is the other end
// of the conversation that it ends, or nothing where it ends all of the tenant.
// A block has a party, a mask or both; what is none stands for every one.
type Restriction struct {
	Kind   RestrictionKind
	Tenant string      // of an opt-out: whose messages; of a block: empty is every tenant
	Mask   e164.Number // of a block
	Party  e164.Number
	Peer   Endpoint // of an opt-out
	Since  time.Time
}

// RestrictionChange sets a restriction or lifts it.
type RestrictionChange struct {
	Restriction
	Lifted bool
}

// RestrictionStore keeps restrictions durably; every Store of bindings is one.
type RestrictionStore interface {
	// ReadRestrictions tells what was committed after a position, and how far
	// that reaches; after 0 it tells every restriction that stands. ErrFeedLost
	// means that rows were deleted since: read after 0. Rows that make no
	// restriction are left out.
	ReadRestrictions(ctx context.Context, after Position, tell func(RestrictionChange)) (Position, error)

	// ApplyRestrictions commits all changes in one durable transaction, or none
	// of them. It may be repeated where the outcome is unknown.
	ApplyRestrictions(ctx context.Context, changes []RestrictionChange) error
}

// Faults of a restriction. They never hold a value.
var (
	ErrRestriction = errors.New("expected opt_out or block")
	ErrBlock       = errors.New("a block needs a party, a mask or both")
	ErrOptOut      = errors.New("an opt-out needs a party and has no mask")
)

// Check refuses what no store may hold.
func (r *Restriction) Check() error {
	switch {
	case r.Tenant != "" && !isName(r.Tenant):
		return ErrTenant
	case r.Kind == Block && (r.Mask == 0 && r.Party == 0 || r.Peer != Endpoint{}):
		return ErrBlock
	case r.Kind == OptOut && (r.Party == 0 || r.Mask != 0):
		return ErrOptOut
	case r.Kind != OptOut && r.Kind != Block:
		return ErrRestriction
	}
	if r.Peer == (Endpoint{}) {
		return nil
	}
	return r.Peer.check()
}

// canonical is the restriction with its numbers in the form of keys.
func (r Restriction) canonical() Restriction {
	r.Mask, r.Party, r.Peer.Number = r.Mask.Canonical(), r.Party.Canonical(), r.Peer.Number.Canonical()
	return r
}

// RestrictionRow is a restriction as the stores keep it: numbers are bare
// digits in canonical form, none of them is "*".
type RestrictionRow struct {
	Kind, Tenant, Mask, Party string
	Peer                      string // Endpoint.Reveal; empty: none
	Since                     time.Time
}

// Row is the restriction's form in a store.
func (r *Restriction) Row() RestrictionRow {
	c := r.canonical()
	row := RestrictionRow{
		Kind: c.Kind.String(), Tenant: c.Tenant, Mask: wildcard, Party: wildcard,
		Peer: c.Peer.Reveal(), Since: c.Since.UTC().Truncate(time.Microsecond),
	}
	if c.Mask != 0 {
		row.Mask = digits(c.Mask)
	}
	if c.Party != 0 {
		row.Party = digits(c.Party)
	}
	return row
}

// Restriction reads the row. The error never holds a value of it.
func (row *RestrictionRow) Restriction() (r Restriction, err error) {
	if r.Kind, err = ParseRestrictionKind(row.Kind); err != nil {
		return Restriction{}, err
	}
	if row.Mask != wildcard {
		if r.Mask, err = canonical(row.Mask, errNumber); err != nil {
			return Restriction{}, err
		}
	}
	if row.Party != wildcard {
		if r.Party, err = canonical(row.Party, errParty); err != nil {
			return Restriction{}, err
		}
	}
	if row.Peer != "" {
		if r.Peer, err = ParseEndpoint(row.Peer); err != nil {
			return Restriction{}, err
		}
	}
	r.Tenant, r.Since = row.Tenant, row.Since.UTC()
	return r, r.Check()
}

// CheckRestrictions refuses changes that no store may hold.
func CheckRestrictions(changes []RestrictionChange) error {
	for i := range changes {
		if err := changes[i].Check(); err != nil {
			return err
		}
	}
	return nil
}
