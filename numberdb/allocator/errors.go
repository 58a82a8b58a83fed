package allocator

import (
	"errors"
	"fmt"
)

// Faults of requests.
var (
	ErrPool         = errors.New("there is no such pool, or it is another tenant's")
	ErrParticipants = errors.New("the shape of the session wants other participants")
	ErrSelf         = errors.New("a number takes part twice")
	ErrMask         = errors.New("a participant is a mask")
	ErrSession      = errors.New("the session has masks already")
	ErrUnknown      = errors.New("the session has no live masks")
	ErrOver         = errors.New("the session would end before now")
)

// Reason says why no mask would do.
type Reason uint8

// The reasons, in the order in which a mask is looked at.
const (
	NoReason   Reason = iota
	Country           // none of the country, or with the digits that it must begin with
	State             // those are held, in quarantine, watchlisted or draining
	Capability        // those lack a service, kind, flag or carrier
	Ceiling           // those have as many parties as they may
	Degree            // the party has all of those, or had them too recently
	reasons
)

// String is the word for it.
func (r Reason) String() string {
	switch r {
	case Country:
		return "country"
	case State:
		return "state"
	case Capability:
		return "capability"
	case Ceiling:
		return "ceiling"
	case Degree:
		return "degree"
	default:
		return "none"
	}
}

// counts are masks by the reason why they would not do.
type counts [reasons]int

// reason is the one that a pool would have to be relieved of: what kept out most
// of the masks that came as far as the party, else where the last fell out.
func (c *counts) reason() Reason {
	if c[Ceiling] > 0 || c[Degree] > 0 {
		if c[Ceiling] > c[Degree] {
			return Ceiling
		}
		return Degree
	}
	for r := Capability; r > Country; r-- {
		if c[r] > 0 {
			return r
		}
	}
	return Country
}

// Exhausted says that a pool has no mask for a side, and why.
type Exhausted struct {
	Pool      string
	Side      int  // of the request
	Second    bool // it is the second mask that lacks
	Reason    Reason
	Masks     [reasons]int // of the pool and country by Reason
	Country   string       // that was asked for
	Digits    int          // of the prefix that the mask had to begin with
	Suggested []string     // other pools of the tenant that would do now
}

// Error tells the reason without numbers.
func (x *Exhausted) Error() string {
	return fmt.Sprintf("pool %q has no mask for side %d (%v)", x.Pool, x.Side, x.Reason)
}
