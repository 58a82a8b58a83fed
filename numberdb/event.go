package numberdb

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Prefixes of the text form of IDs.
const (
	EventPrefix    = "evt_"
	EndpointPrefix = "whk_"
)

// Event tells a tenant what has happened. It holds ids and words, and never a
// number.
type Event struct {
	ID       ID
	Tenant   string // whom it is for; empty: the operator
	Type     string // such as "session.created"
	Session  ID     // that it is of; 0: none
	Sequence int64  // among the events of its session, from 1; the store gives it
	At       time.Time
	Data     []byte // JSON object of at most 4,096 octets, what is told beside the session; nil: nothing
	Once     string // of several events with the same word one is kept; empty: all are
	Position EventPosition
}

// EventPosition is where an event lies in the order of events. Only its order has
// a meaning. The store gives it.
type EventPosition struct{ Transaction, Line int64 }

// Before reports whether p comes before q.
func (p EventPosition) Before(q EventPosition) bool {
	return p.Transaction < q.Transaction || p.Transaction == q.Transaction && p.Line < q.Line
}

// Expiry tells that time has ended a session. The store writes the event if that
// is so and was not told before: of a lease "lease.expired", else
// "session.expired".
type Expiry struct {
	Session ID
	Event   ID // of the event
}

// Types of the events that a store writes by itself.
const (
	SessionExpired  = "session.expired"
	LeaseExpired    = "lease.expired"
	WebhookDisabled = "webhook.disabled"
)

// EventQuery selects events of one tenant, in their order.
type EventQuery struct {
	Tenant string
	After  EventPosition
	Limit  int // default 100, at most 10,000
}

// EventStore reads the events that Writes.Outbox and Writes.Expired have written.
type EventStore interface {
	// Events returns those after a position. Nothing appears later before what it
	// returns, so who reads on after the last one misses none.
	Events(ctx context.Context, query EventQuery) ([]Event, error)

	// EventPosition is where a tenant's event lies; ErrNoEvent: there is none, or
	// it was deleted.
	EventPosition(ctx context.Context, tenant string, id ID) (EventPosition, error)

	// EndOfEvents is a position after which everything comes that is committed
	// from now on.
	EndOfEvents(ctx context.Context) (EventPosition, error)

	// PurgeEvents looks at a bounded part of the events and of the log of
	// deliveries, from where the last call stopped, and deletes what is older than
	// before, and of each endpoint's log all but the newest. The last event of a
	// session that is still kept stays. round: all was looked at.
	PurgeEvents(ctx context.Context, before time.Time) (deleted int, round bool, err error)
}

// ExpiryStore finds the sessions that ended while nobody told of it.
type ExpiryStore interface {
	// ExpiredSessions returns the IDs of at most limit sessions above after whose
	// time has ended from the time until which it was told (see ToldExpiries) up to
	// now, in the order of IDs.
	ExpiredSessions(ctx context.Context, now time.Time, after ID, limit int) ([]ID, error)

	// ToldExpiries notes that everything that expired before until was told.
	ToldExpiries(ctx context.Context, until time.Time) error
}

// Faults of events.
var (
	ErrNoEvent   = errors.New("there is no such event, or it was deleted by its age")
	ErrEventID   = errors.New("id: an event needs one")
	ErrEventType = errors.New("type: expected two words of small letters with a dot between")
	ErrEventData = errors.New("data: expected a JSON object of at most 4,096 octets")
	ErrEventOnce = errors.New("once: expected at most 128 printable characters")
)

const (
	maxEventData = 4096
	maxEventOnce = 128
	maxEventType = 64
)

// Check refuses what no store may hold.
func (e *Event) Check() error {
	switch {
	case e.ID == 0 || int64(e.ID) < 0 || int64(e.Session) < 0:
		return ErrEventID
	case !isOwner(e.Tenant):
		return ErrTenant
	case !IsEventType(e.Type):
		return ErrEventType
	case !isTime(e.At):
		return ErrCreated
	case !isText(e.Once, maxEventOnce):
		return ErrEventOnce
	case len(e.Data) > maxEventData || e.Data != nil && (e.Data[0] != '{' || !json.Valid(e.Data)):
		return ErrEventData
	}
	return nil
}

// Check refuses what no store may write.
func (x *Expiry) Check() error {
	if x.Session == 0 || x.Event == 0 || int64(x.Session) < 0 || int64(x.Event) < 0 {
		return ErrEventID
	}
	return nil
}

// IsEventType reports whether a text has the form of an event's type:
// "session.created", "pool.health.degraded".
func IsEventType(text string) bool {
	dots, last := 0, byte('.')
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '.' && last != '.':
			dots++
		case c >= 'a' && c <= 'z', c == '_' && last != '.':
		default:
			return false
		}
		last = c
	}
	return dots > 0 && last != '.' && len(text) <= maxEventType
}

// IDAt is the least ID of a time.
func IDAt(at time.Time) ID { return ID(max(0, at.Sub(idEpoch).Milliseconds())) << idChance }

// Once is the word that keeps the end of a session from being told twice.
func (x *Expiry) Once() string { return "expired " + x.Session.Text("") }
