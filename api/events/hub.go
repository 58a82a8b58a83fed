package events

import (
	"sync"

	"maskline/numberdb"
)

// Waker is told of tenants with new events; numberdb.AnyTenant: it is not known whose
// they are.
type Waker interface{ Wake(tenant string) }

// Hub passes on that there are new events. The zero Hub is ready.
type Hub struct {
	Waker Waker // nil: nobody else
	Notes *Notes

	mu      sync.Mutex
	waiting map[string]chan struct{}
}

// Told wakes who waits for a tenant's events.
func (h *Hub) Told(tenant string) {
	h.mu.Lock()
	for of, c := range h.waiting {
		if tenant == of || tenant == numberdb.AnyTenant {
			close(c)
			delete(h.waiting, of)
		}
	}
	h.mu.Unlock()
	if h.Waker != nil {
		h.Waker.Wake(tenant)
	}
}

// Note has an event written that belongs to no change.
func (h *Hub) Note(e *numberdb.Event) {
	if h.Notes != nil {
		h.Notes.Add(e)
	}
}

// news is closed when a tenant is told something, by this edge.
func (h *Hub) news(tenant string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.waiting[tenant]
	if c == nil {
		c = make(chan struct{})
		if h.waiting == nil {
			h.waiting = map[string]chan struct{}{}
		}
		h.waiting[tenant] = c
	}
	return c
}
