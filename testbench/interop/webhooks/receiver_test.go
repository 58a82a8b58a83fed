//go:build peers

package webhooks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// receiver notes what arrives first.
type receiver struct {
	mu    sync.Mutex
	seen  map[string]bool
	last  map[string]int64
	wrong []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var p struct {
		ID       string `json:"id"`
		Sequence int64  `json:"sequence"`
		Data     struct {
			Session string `json:"session_id"`
		} `json:"data"`
	}
	if json.NewDecoder(req.Body).Decode(&p) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[p.ID] {
		return
	}
	r.seen[p.ID] = true
	if p.Sequence != r.last[p.Data.Session]+1 {
		r.wrong = append(r.wrong, fmt.Sprintf("%d of %s comes after %d", p.Sequence, p.Data.Session, r.last[p.Data.Session]))
	}
	r.last[p.Data.Session] = p.Sequence
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}
