package api

import (
	"context"
	"net/http"
)

// Pool is a set of masks with one policy. Zero durations and counts stand for the
// configuration's lifecycle.
type Pool struct {
	Name       string         `json:"name"`
	Tenant     string         `json:"tenant,omitempty"` // who alone may use it
	Selection  string         `json:"selection"`
	Quarantine Duration       `json:"quarantine"`
	Parties    int            `json:"parties_per_mask"`
	TTL        Duration       `json:"ttl"`
	MinTTL     Duration       `json:"min_ttl"`
	MaxTTL     Duration       `json:"max_ttl"`
	IdleTTL    Duration       `json:"idle_ttl"`
	MaxUses    int            `json:"max_uses"`
	Second     bool           `json:"second"`
	Masks      map[string]int `json:"masks"`            // by state
	Health     *PoolHealth    `json:"health,omitempty"` // of a running edge
}

// PoolHealth is what an edge's allocator sees of a pool.
type PoolHealth struct {
	Live      int            `json:"live"` // bindings of parties
	Kept      int            `json:"kept"` // those in quarantine
	Public    int            `json:"public"`
	LoadMin   int            `json:"load_min"` // parties with one free mask
	LoadAvg   float64        `json:"load_avg"`
	LoadMax   int            `json:"load_max"`
	Need      float64        `json:"need"`                         // masks needed at most in this hour
	Days      *float64       `json:"days_to_exhaustion,omitempty"` // none: not by the present trend, or not known
	Reuse     Duration       `json:"reuse_distance,omitempty"`
	Exhausted map[string]int `json:"exhausted"` // requests without a mask, by reason
}

// PoolChange makes a pool or changes what it names of one.
type PoolChange struct {
	Name       string    `json:"name"`
	New        bool      `json:"new"`
	Tenant     *string   `json:"tenant,omitempty"`
	Selection  *string   `json:"selection,omitempty"`
	Quarantine *Duration `json:"quarantine,omitempty"`
	Parties    *int      `json:"parties_per_mask,omitempty"`
	TTL        *Duration `json:"ttl,omitempty"`
	MinTTL     *Duration `json:"min_ttl,omitempty"`
	MaxTTL     *Duration `json:"max_ttl,omitempty"`
	IdleTTL    *Duration `json:"idle_ttl,omitempty"`
	MaxUses    *int      `json:"max_uses,omitempty"`
	Second     *bool     `json:"second,omitempty"`
}

// PoolName names a pool.
type PoolName struct {
	Name string `json:"name"`
}

// Pools is what the control socket does with the pools of a running edge.
type Pools interface {
	// Pools gives all of them in the order of names.
	Pools(ctx context.Context) ([]Pool, error)
	// SetPool makes or changes one and returns it as it is then.
	SetPool(ctx context.Context, c PoolChange) (Pool, error)
	// RemovePool deletes one without masks.
	RemovePool(ctx context.Context, name string) error
}

func (c *Control) poolRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /pools", func(w http.ResponseWriter, r *http.Request) {
		all, err := c.Pools.Pools(r.Context())
		if err != nil {
			writeJSON(w, http.StatusServiceUnavailable, Problem{Problem: err.Error(), Code: CodeUnavailable})
			return
		}
		writeJSON(w, http.StatusOK, all)
	})
	mux.HandleFunc("POST /pools", answering("name and what to set", func(ctx context.Context, p PoolChange) (Pool, error) {
		return c.Pools.SetPool(ctx, p)
	}))
	mux.HandleFunc("POST /pools/delete", answering("name", func(ctx context.Context, p PoolName) (PoolName, error) {
		return p, c.Pools.RemovePool(ctx, p.Name)
	}))
}
