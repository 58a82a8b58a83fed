package numberdb

import (
	"math"
	"time"

	"maskline/e164"
)

// Mask is a number of ours that stands for somebody else's.
type Mask struct {
	Number   e164.Number
	Pool     string // the pool that shares it out; empty: none, it is bound by hand
	Kind     MaskKind
	Country  string // ISO 3166-1 alpha-2, upper case; empty: unknown
	Region   string // area or town as the operator names it
	Services Services
	Carrier  string   // that hosts it: its calls and messages come in there; empty: any
	Presents []string // further carriers through which it may be presented
	Cost     int64    // per month, in millionths of the operator's currency
	Flags    MaskFlags
	State    MaskState
	Since    time.Time // of the state
}

// Octet is a small number as a store gives it. One that is none of ours becomes one
// that no Check lets pass, and not another that would.
func Octet(v int64) uint8 {
	if v < 0 || v > math.MaxUint8 {
		return math.MaxUint8
	}
	return uint8(v)
}

// MaskKind is the kind of a mask's number.
type MaskKind uint8

// The kinds of mask. A short code takes no calls.
const (
	LongCode MaskKind = iota
	ShortCode
	TollFree
)

// MaskFlags are properties of a mask that a policy may ask for.
type MaskFlags uint8

// The flags.
const (
	RegisteredAddress MaskFlags = 1 << iota // known to emergency services
	Registered                              // for business messages, where a country wants that
)

// MaskState says whether a mask is shared out. Its live bindings hold in every
// state.
type MaskState uint8

// The states of a mask.
const (
	Free        MaskState = iota // shared out
	Held                         // leased as a whole
	Quarantined                  // rests after a lease until Since plus the pool's quarantine
	Watchlisted                  // suspicious: never shared out until somebody decides
	Draining                     // no new bindings; those that stand end by themselves
	Retired                      // gone
)

// Pool is a set of masks with one policy.
type Pool struct {
	Name   string
	Tenant string // who alone may use it; empty: every tenant
	Policy PoolPolicy
}

// PoolPolicy is how a pool shares out its masks. Zero durations and counts stand
// for the configuration's lifecycle.
type PoolPolicy struct {
	Selection  Selection
	Quarantine time.Duration // a mask is not shown to a party again for this long
	Parties    int           // most parties with one mask at a time
	TTL        time.Duration // of sessions that do not say
	MinTTL     time.Duration
	MaxTTL     time.Duration // extensions included
	IdleTTL    time.Duration // a session without contact ends; 0: never
	MaxUses    int           // messages and calls of a session; 0: no limit
	Second     bool          // each side also gets a mask that another carrier hosts
}

// Selection is how a party's mask is chosen where it had one with the same peer
// before.
type Selection uint8

// The selections.
const (
	Rotate      Selection = iota // the party's next mask
	PreferStick                  // the one that it had with this peer, if it is free
	AvoidStick                   // any but those
	Pinned                       // the one that it had with this peer, or none
)
