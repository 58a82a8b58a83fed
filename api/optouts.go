package api

import (
	"context"
	"net/http"
	"time"
)

// OptOut is a party that wants no messages.
type OptOut struct {
	Tenant string    `json:"tenant,omitempty"` // whose messages; empty: the operator's own
	Party  string    `json:"party"`
	Peer   string    `json:"peer,omitempty"` // the other end of the one conversation; empty: all of the tenant
	Since  time.Time `json:"since"`
}

// OptOuts is what the control socket does with the opt-outs of a running edge.
type OptOuts interface {
	// List gives all of them, with whole numbers: it is for a local operator.
	List() []OptOut
	// Lift ends those of a party towards a tenant and returns how many.
	Lift(ctx context.Context, party, tenant string) (int, error)
}

// LiftOptOuts asks to end a party's opt-outs; the answer says how many.
type LiftOptOuts struct {
	Party  string `json:"party"`
	Tenant string `json:"tenant"`
	Lifted int    `json:"lifted,omitempty"`
}

func (c *Control) optOutRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /optouts", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.OptOuts.List()) })
	mux.HandleFunc("POST /optouts/lift", answering("party and tenant", func(ctx context.Context, q LiftOptOuts) (_ LiftOptOuts, err error) {
		q.Lifted, err = c.OptOuts.Lift(ctx, q.Party, q.Tenant)
		return q, err
	}))
}
