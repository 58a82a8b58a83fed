package numberdb

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"
)

// WebhookEndpoint is where a tenant's events are posted to.
type WebhookEndpoint struct {
	ID      ID
	Tenant  string // whose events; empty: the operator's own
	URL     string
	Types   []string // of events; none: all
	State   EndpointState
	Created time.Time
	Secrets []WebhookSecret // at most 4; all that are in force sign
	Label   string          // the tenant's own, at most 64 printable characters
	// Version of the row that it was read from; PutEndpoint refuses another one.
	// Zero: it must not be there.
	Version int64
}

// WebhookSecret signs what is posted.
type WebhookSecret struct {
	Key   []byte    // the secret's octets, of ed25519 the seed
	Ed    bool      // ed25519 instead of HMAC-SHA256
	Until time.Time // it signs no longer from then on; zero: it goes on
}

// EndpointState says whether an endpoint is posted to.
type EndpointState uint8

// The states.
const (
	EndpointOn   EndpointState = iota
	EndpointOff                // as its tenant wants
	EndpointGone               // it has answered 410
)

var endpointStates = [...]string{"enabled", "disabled", "gone"}

// String is the word of the API.
func (s EndpointState) String() string { return endpointStates[s] }

// EndpointStore keeps endpoints.
type EndpointStore interface {
	// Endpoints returns a tenant's, in the order of IDs; id is 0 or that of the only
	// one that is wanted.
	Endpoints(ctx context.Context, tenant string, id ID) ([]WebhookEndpoint, error)

	// PutEndpoint adds or changes one. One that is new, or on again, begins with
	// what is committed from now on. It returns the new version, or ErrWebhook
	// where the endpoint has another version, or there is none or one already.
	PutEndpoint(ctx context.Context, e *WebhookEndpoint) (version int64, err error)

	// RemoveEndpoint deletes a tenant's, with its log; ErrWebhook: there is none.
	RemoveEndpoint(ctx context.Context, tenant string, id ID) error

	// WantedEvents tells which types the endpoints that are on want, each answer once.
	WantedEvents(ctx context.Context) ([]WantedEvents, error)
}

// WantedEvents are types of events that a tenant has asked for.
type WantedEvents struct {
	Tenant string
	Types  []string // none: all
}

// ErrWebhook says that the endpoint to be changed is not as it was read.
var ErrWebhook = errors.New("the endpoint was changed or deleted since it was read")

// DeliveryState is what became of an event at an endpoint.
type DeliveryState uint8

// The states.
const (
	Waiting   DeliveryState = iota // for its next attempt
	Delivered                      // the endpoint has taken it
	GivenUp                        // all attempts failed, or the endpoint was switched off
)

var deliveryStates = [...]string{"waiting", "delivered", "given_up"}

// String is the word of the API.
func (s DeliveryState) String() string { return deliveryStates[s] }

// Delivery is an event at an endpoint: a line of the log, and while it waits what
// is to be done.
type Delivery struct {
	Endpoint ID
	Event    ID
	Type     string
	Session  ID
	Position EventPosition
	State    DeliveryState
	Attempts int
	Next     time.Time     // attempt, while it waits
	At       time.Time     // of the last attempt; zero: there was none
	Took     time.Duration // the last attempt
	Status   int           // of HTTP, in the last attempt; 0: there was no answer
	Outcome  string        // a word for it
}

// DeliveryQuery selects lines of an endpoint's log, newest event first.
type DeliveryQuery struct {
	Endpoint ID
	Before   ID // events below; 0: from the newest on
	Limit    int
}

// Replay has events posted again. Those that are waiting are posted at once.
type Replay struct {
	Endpoint ID
	Tenant   string
	Event    ID        // this one; 0: by time
	Since    time.Time // those that were given up, of events not before
	Now      time.Time
	Most     int
}

// DeliveryLog tells what became of events.
type DeliveryLog interface {
	// Deliveries reads the log.
	Deliveries(ctx context.Context, query DeliveryQuery) ([]Delivery, error)

	// Replay makes events wait for an attempt now and returns how many; ErrNoEvent:
	// the one that is named is not there.
	Replay(ctx context.Context, replay *Replay) (int, error)
}

// HeldEndpoint is an endpoint that this edge posts to.
type HeldEndpoint struct {
	WebhookEndpoint
	Epoch  int64         // of the lease; another edge has a greater one
	Done   EventPosition // up to here every event was delivered, waits or was given up
	Replay int64         // grows when events were made to wait by Replay
}

// Wanted asks for events of a tenant after a position.
type Wanted struct {
	Tenant string
	After  EventPosition
	Limit  int
}

// Settlement is what an edge has done for an endpoint.
type Settlement struct {
	Endpoint   ID
	Epoch      int64
	Done       EventPosition
	Deliveries []Delivery
	Gone       *Event // it has answered 410: it is switched off, and this is told
}

// DeliveryStore is what the posting of events needs. Each endpoint is held by one
// edge, for the time of a lease; what an edge settles that has lost it is not
// written.
type DeliveryStore interface {
	// HoldEndpoints takes or keeps the lease of every endpoint that is on and that
	// no other edge holds, and returns them. lease 0 gives all of them back.
	HoldEndpoints(ctx context.Context, holder string, lease time.Duration) ([]HeldEndpoint, error)

	// NextEvents answers each wish; nothing appears later before what it returns.
	NextEvents(ctx context.Context, wanted []Wanted) ([][]Event, error)

	// WaitingDeliveries are those of an endpoint that wait, and those that are done
	// beyond its Done, in the order of events.
	WaitingDeliveries(ctx context.Context, endpoint ID) ([]Delivery, error)

	// Settle writes what was done in one transaction, and returns the endpoints
	// whose lease is another edge's.
	Settle(ctx context.Context, done []Settlement) (lost []ID, err error)
}

// Faults of endpoints. They name the field and never a value.
var (
	ErrEndpointURL   = errors.New("url: expected http or https, a host, no user and no fragment, at most 2,048 octets")
	ErrEndpointTypes = errors.New("types: expected at most 64 types of events, each once")
	ErrEndpointState = errors.New("state: expected a known one")
	ErrSecrets       = errors.New("secrets: expected 1 to 4, of 24 to 64 octets, of ed25519 32")
)

const (
	maxEndpointURL   = 2048
	maxEndpointTypes = 64
	maxSecrets       = 4
)

// Check refuses what no store may hold.
func (e *WebhookEndpoint) Check() error {
	switch {
	case e.ID == 0 || int64(e.ID) < 0:
		return ErrEventID
	case !isOwner(e.Tenant):
		return ErrTenant
	case !isEndpointURL(e.URL):
		return ErrEndpointURL
	case e.State > EndpointGone:
		return ErrEndpointState
	case !isTime(e.Created):
		return ErrCreated
	case !isText(e.Label, maxLabel):
		return ErrLabel
	case len(e.Types) > maxEndpointTypes:
		return ErrEndpointTypes
	case len(e.Secrets) == 0 || len(e.Secrets) > maxSecrets:
		return ErrSecrets
	}
	for i, t := range e.Types {
		if !IsEventType(t) || slices.Contains(e.Types[:i], t) {
			return ErrEndpointTypes
		}
	}
	for i := range e.Secrets {
		s := &e.Secrets[i]
		if n := len(s.Key); n < 24 || n > 64 || s.Ed && n != 32 || !s.Until.IsZero() && !isTime(s.Until) {
			return ErrSecrets
		}
	}
	return nil
}

func isEndpointURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxEndpointURL && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.User == nil && u.Fragment == "" && u.Opaque == ""
}

// Wants reports whether the endpoint is posted events of a type.
func (e *WebhookEndpoint) Wants(eventType string) bool {
	return len(e.Types) == 0 || slices.Contains(e.Types, eventType)
}

// KeptDeliveries is how many lines of the log an endpoint has at most, those that
// wait left out.
const KeptDeliveries = 10_000

// MostWaiting bounds what waits at one endpoint: beyond it nothing more is read
// for it until some of it is done.
const MostWaiting = 1_000

// Words of Delivery.Outcome that stores write.
const (
	OutcomeOff    = "switched off" // the endpoint
	OutcomeReplay = "replay asked for"
)
