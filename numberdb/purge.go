package numberdb

import (
	"context"
	"time"
)

// KeepByHand is how long a binding that was bound by hand stays after its
// expiry, so that the party still hears "ended".
const KeepByHand = 30 * 24 * time.Hour

// Purger deletes what is over.
type Purger interface {
	// Purge looks at a bounded part of the store, from where the last call
	// stopped, and deletes what is Over at now: bindings, then sessions, then
	// attempts whose keys may be used anew, messages and verifications. Deleted bindings are told in the feed
	// like others.
	Purge(ctx context.Context, now time.Time) (Purged, error)
}

// Purged counts what one Purge has deleted.
type Purged struct {
	Bindings, Sessions, Attempts int
	Messages, Verifications      int
	Round                        bool // all was looked at; the next call begins anew
	Elsewhere                    bool // nothing was done: another edge or call purges
}

// Over reports whether the binding may be deleted at now, or another made in its
// place. One that still routes never is, whatever its Keep says.
func (b *Binding) Over(now time.Time) bool {
	if b.Live(now) {
		return false
	}
	over := b.Keep
	if over.IsZero() {
		if over = b.Expires; b.Session == 0 {
			over = over.Add(KeepByHand)
		}
	}
	return !now.Before(over)
}

// Over reports whether the session may be deleted at now.
func (s *Session) Over(now time.Time) bool { return !now.Before(s.Expires) && !now.Before(s.Keep) }
