package api

import (
	"context"
	"encoding/json"
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

func (c *Control) listBlocks(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, c.Blocks.List())
}

func (c *Control) changeBlock(w http.ResponseWriter, r *http.Request) {
	var change BlockChange
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&change); err != nil {
		writeJSON(w, http.StatusBadRequest, Problem{Problem: "expected a JSON object with party, mask or both"})
		return
	}
	if err := c.Blocks.Change(r.Context(), change); err != nil {
		writeJSON(w, http.StatusUnprocessableEntity, Problem{Problem: err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, change)
}
