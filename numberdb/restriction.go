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
	// ReadRestrictions tells what was committed after a position; after 0 it
	// tells every restriction that stands. ErrFeedLost means that rows were
	// deleted since: read after 0.
	ReadRestrictions(ctx context.Context, after Position, tell func(RestrictionChange)) (RestrictionsRead, error)

	// ApplyRestrictions commits all changes in one durable transaction, or none
	// of them. It may be repeated where the outcome is unknown.
	ApplyRestrictions(ctx context.Context, changes []RestrictionChange) error
}

// RestrictionsRead is what ReadRestrictions tells of what it has read.
type RestrictionsRead struct {
	Position Position // how far it reaches
	Refused  int      // rows left out, since they make no restriction
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
	case !isOwner(r.Tenant):
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

// CheckRestrictions refuses changes that no store may hold.
func CheckRestrictions(changes []RestrictionChange) error {
	for i := range changes {
		if err := changes[i].Check(); err != nil {
			return err
		}
	}
	return nil
}
