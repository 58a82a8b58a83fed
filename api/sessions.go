package api

import (
	"context"
	"net/http"
	"time"
)

// Session connects people who do not learn each other's numbers.
type Session struct {
	ID           string        `json:"id"`
	Tenant       string        `json:"tenant,omitempty"`
	Pool         string        `json:"pool"`
	Shape        string        `json:"shape"`
	State        string        `json:"state"` // active, or why it ended: expired, released, idle, used_up, burned
	Services     string        `json:"services"`
	Participants []Participant `json:"participants"`
	CreatedAt    time.Time     `json:"created_at"`
	ExpiresAt    time.Time     `json:"expires_at"`
	IdleTTL      Duration      `json:"idle_ttl,omitempty"`
	MaxUses      int           `json:"max_uses,omitempty"`
	Label        string        `json:"label,omitempty"`
	Warning      string        `json:"warning,omitempty"` // it stands, but something else failed
}

// Participant is a person in a session. Number and To are redacted unless they
// were asked for whole.
type Participant struct {
	Number string `json:"number,omitempty"`
	To     string `json:"to,omitempty"`     // where the person is reached, if not at Number
	Dial   string `json:"dial"`             // the mask that this person contacts
	Second string `json:"second,omitempty"` // another one, hosted elsewhere
}

// SessionRequest asks for a session. Empty fields stand for what the pool or the
// configuration says.
type SessionRequest struct {
	Tenant       string        `json:"tenant,omitempty"`
	Pool         string        `json:"pool"`
	Shape        string        `json:"shape,omitempty"`
	Participants []Participate `json:"participants"`
	Services     string        `json:"services,omitempty"`
	TTL          Duration      `json:"ttl,omitempty"`
	IdleTTL      Duration      `json:"idle_ttl,omitempty"`
	MaxUses      int           `json:"max_uses,omitempty"`
	Selection    string        `json:"selection,omitempty"`
	Label        string        `json:"label,omitempty"`
	Reveal       bool          `json:"reveal,omitempty"` // whole numbers in the answer
}

// Participate is one person of a request and what is asked of the person's mask.
type Participate struct {
	Number     string     `json:"number,omitempty"`
	To         string     `json:"to,omitempty"` // empty: the number, through carriers
	MaskRegion MaskRegion `json:"mask_region,omitzero"`
}

// MaskRegion is where a mask should be from.
type MaskRegion struct {
	Country string `json:"country,omitempty"` // it has to be
	Prefix  string `json:"prefix,omitempty"`  // it begins with as many of these digits as can be had
}

// SessionQuery selects sessions; empty fields select all.
type SessionQuery struct {
	ID     string `json:"id,omitempty"`
	Tenant string `json:"tenant,omitempty"`
	Party  string `json:"party,omitempty"`
	Live   bool   `json:"live,omitempty"`
	After  string `json:"after,omitempty"`
	Limit  int    `json:"limit,omitempty"`
	Reveal bool   `json:"reveal,omitempty"`
}

// SessionList is a page of sessions in the order in which they were made.
type SessionList struct {
	Data       []Session `json:"data"`
	NextCursor string    `json:"next_cursor,omitempty"` // the After of the next page; empty: there is none
	Warning    string    `json:"warning,omitempty"`     // some could not be read
}

// SessionChange does one thing to a session.
type SessionChange struct {
	ID     string       `json:"id"`
	Do     string       `json:"do"`                    // end, burn, extend, rotate or join
	TTL    Duration     `json:"ttl,omitempty"`         // of extend, from now
	Join   *Participate `json:"participant,omitempty"` // of join
	Reveal bool         `json:"reveal,omitempty"`
}

// Sessions is what the control socket does with the sessions of a running edge.
// Errors may be a *Problem.
type Sessions interface {
	Create(ctx context.Context, r SessionRequest) (Session, error)
	List(ctx context.Context, q SessionQuery) (SessionList, error)
	Change(ctx context.Context, c SessionChange) (Session, error)
}

func (c *Control) sessionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /sessions", answering("pool and participants", func(ctx context.Context, r SessionRequest) (Session, error) {
		return c.Sessions.Create(ctx, r)
	}))
	mux.HandleFunc("POST /sessions/list", answering("id, tenant, party, live, after or limit", func(ctx context.Context, q SessionQuery) (SessionList, error) {
		return c.Sessions.List(ctx, q)
	}))
	mux.HandleFunc("POST /sessions/change", answering("id and do", func(ctx context.Context, change SessionChange) (Session, error) {
		return c.Sessions.Change(ctx, change)
	}))
}
