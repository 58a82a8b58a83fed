package allocator

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Request asks for the masks of a session.
type Request struct {
	Session   numberdb.ID
	Tenant    string
	Pool      string
	Shape     numberdb.Shape
	Sides     []Side
	Services  numberdb.Services // that every mask must carry
	Selection numberdb.Selection
	Second    Second
	Kinds     Kinds              // of mask that will do; 0: any
	Flags     numberdb.MaskFlags // that every mask must have
	Expires   time.Time          // zero: never
	Keep      time.Time          // zero: Expires and the pool's quarantine
}

// Side is what is asked for one participant.
type Side struct {
	Number   e164.Number       // none: everybody, of Open and Lease
	To       numberdb.Endpoint // the participant's own
	Pool     string            // empty: the request's
	Country  string            // of the mask, ISO 3166-1 alpha-2; empty: any
	Prefix   string            // digits that the mask should begin with; as many as can be had
	Must     int               // so many digits of Prefix it has to begin with
	Carrier  string            // that hosts the mask; empty: any
	Services numberdb.Services // beyond the request's
}

// Second says whether each side also gets a mask that another carrier hosts.
type Second uint8

// The seconds.
const (
	NoSecond     Second = iota
	SecondIfAny         // the session goes without where there is none
	SecondOrFail        // there is no session without
)

// Kinds is a set of kinds of mask.
type Kinds uint8

// KindsOf makes a set.
func KindsOf(kinds ...numberdb.MaskKind) (set Kinds) {
	for _, k := range kinds {
		set |= 1 << k
	}
	return set
}

// Peer names the other end of a binding for as long as its row is kept, so that
// a party may get the same mask for the same peer again.
type Peer uint64

// PeerOf is the same for the same endpoint in every process.
func PeerOf(to numberdb.Endpoint) Peer {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	if to.Kind == numberdb.NoEndpoint {
		return 0
	}
	h := uint64(offset)
	step := func(octet byte) { h = (h ^ uint64(octet)) * prime }
	step(byte(to.Kind))
	for v := uint64(to.Number.Canonical()); v != 0; v >>= 8 {
		step(byte(v))
	}
	for i := range len(to.Name) {
		step(to.Name[i])
	}
	return Peer(h)
}

// Decision is what was decided. One may be used again and again; it is valid
// until then.
type Decision struct {
	Session numberdb.ID
	Keep    time.Time
	Grants  []Grant
	Replace []numberdb.BindingKey // rows in quarantine to be deleted in the transaction that claims them anew
	States  []StateChange
	Missing bool  // a second mask was asked for if any, and a side has none
	Ends    Ended // by Rotate and Slot: what the decision ends

	ended []undone
}

// Grant is one mask for one party.
type Grant struct {
	Side   int // of the request
	Mask   e164.Number
	Party  e164.Number
	Second bool

	mask, node uint32
	before     node // where the party had the mask in quarantine
}

// Replaces is the session whose binding, ended and still kept, gives way to the
// grant; 0 for none.
func (g *Grant) Replaces() numberdb.ID {
	if g.before.phase != ended {
		return 0
	}
	return g.before.session
}

func (d *Decision) reset(session numberdb.ID) {
	*d = Decision{Session: session, Grants: d.Grants[:0], Replace: d.Replace[:0], States: d.States[:0], Ends: Ended{Keys: d.Ends.Keys[:0], States: d.Ends.States[:0]}, ended: d.ended[:0]}
}

// Apply fills in the masks of a session's participants.
func (d *Decision) Apply(s *numberdb.Session) {
	s.Keep = d.Keep
	for i := range d.Grants {
		g := &d.Grants[i]
		if g.Second {
			s.Participants[g.Side].Second = g.Mask
		} else {
			s.Participants[g.Side].Dial = g.Mask
		}
	}
}
