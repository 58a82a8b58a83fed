package numberdb

import (
	"time"

	"maskline/e164"
)

// Session connects people who do not learn each other's numbers.
type Session struct {
	ID           ID
	Tenant       string
	Pool         string
	Shape        Shape
	Participants []Participant
	Services     Services
	Created      time.Time
	Expires      time.Time     // its bindings stop routing
	IdleTTL      time.Duration // it also ends so long after the last contact; 0: never
	MaxUses      int           // it also ends after so many messages and calls; 0: no limit
	Keep         time.Time     // its masks are not shown to the same parties before
	Ended        EndReason     // why it ended before Expires
	Label        string        // the tenant's own, at most 64 printable characters
	// Version of the row that it was read from. A Commit that writes it over another
	// version meets a Conflict. Zero: it is written whatever is there.
	Version SessionVersion
}

// SessionVersion is another one after each write of a session's row.
type SessionVersion [8]byte

// Live reports whether the session has not ended at now.
func (s *Session) Live(now time.Time) bool { return s.Ended == NotEnded && now.Before(s.Expires) }

// State is how it is at now, in a word: active, expired, or why it ended.
func (s *Session) State(now time.Time) string {
	switch {
	case s.Ended != NotEnded:
		return s.Ended.String()
	case !s.Live(now):
		return "expired"
	default:
		return "active"
	}
}

// Participant is a person in a session.
type Participant struct {
	Number e164.Number // whom the edge recognises by it; none: whoever contacts the mask of a public session
	To     Endpoint    // where the person is reached
	Dial   e164.Number // the mask that this person contacts
	Second e164.Number // another that works too, hosted by another carrier; none: there is none
}

// Shape is how a session gives out masks.
type Shape uint8

// The shapes.
const (
	PerSide Shape = iota // each of two has a mask for the other
	Shared               // both have the same one
	Group                // all have the same one: the first reaches the second, everybody else the first
	Open                 // anybody may contact the mask of the one participant
	Lease                // Open, with a mask that nobody else has
)

// EndReason says why a session ended.
type EndReason uint8

// The reasons.
const (
	NotEnded EndReason = iota // or by Expires
	Released                  // asked for
	Idle                      // nobody was in contact for IdleTTL
	UsedUp                    // MaxUses were made
	Burned                    // asked for, with its masks watchlisted
	Rotated                   // its masks were replaced by others
)

// Has reports whether the party is a participant by its number.
func (s *Session) Has(party e164.Number) bool {
	for i := range s.Participants {
		if number := s.Participants[i].Number; number != 0 && number.Canonical() == party.Canonical() {
			return true
		}
	}
	return false
}
