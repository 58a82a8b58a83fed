package api

import (
	"context"
	"net/http"
	"time"
)

// Block keeps a party, a mask or the pair of them from being in contact.
type Block struct {
	Tenant string    `json:"tenant,omitempty"` // empty: of every tenant
	Mask   string    `json:"mask,omitempty"`   // empty: at every mask
	Party  string    `json:"party,omitempty"`  // empty: every party
	Since  time.Time `json:"since,omitzero"`
}

// BlockChange sets a block or removes it.
type BlockChange struct {
	Block
	Remove bool `json:"remove"`
}

// Blocks is what the control socket does with the blocks of a running edge.
type Blocks interface {
	// List gives all blocks, with whole numbers: it is for a local operator.
	List() []Block
	// Change stores a change; when it returns the edge decides by it.
	Change(ctx context.Context, c BlockChange) error
}

func (c *Control) blockRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /blocks", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.Blocks.List()) })
	mux.HandleFunc("POST /blocks", answering("party, mask or both", func(ctx context.Context, change BlockChange) (BlockChange, error) {
		return change, c.Blocks.Change(ctx, change)
	}))
}
