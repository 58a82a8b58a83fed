package api

import (
	"context"
	"encoding/json"
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

func (c *Control) listOptOuts(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, c.OptOuts.List())
}

func (c *Control) liftOptOuts(w http.ResponseWriter, r *http.Request) {
	var q LiftOptOuts
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&q); err != nil {
		writeJSON(w, http.StatusBadRequest, Problem{Problem: "expected a JSON object with party and tenant"})
		return
	}
	lifted, err := c.OptOuts.Lift(r.Context(), q.Party, q.Tenant)
	if err != nil {
		writeJSON(w, http.StatusUnprocessableEntity, Problem{Problem: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, LiftOptOuts{Party: q.Party, Tenant: q.Tenant, Lifted: lifted})
}
