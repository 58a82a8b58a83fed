package numberdb

import "runtime"

// each calls fn for the bindings of one section after the other, in the order of
// their tags. A binding has its tag for ever, so what is not changed is seen once,
// however sections split and merge meanwhile.
func (h *hashed) each(fn func(Binding) bool) {
	c := h.beginScan()
	defer h.endScan(c)
	var some []Binding
	for from := uint64(0); from < 1<<32; {
		some, from = h.some(c, uint32(from), some[:0])
		for i := range some {
			if !fn(some[i]) {
				return
			}
		}
	}
}

func (h *hashed) beginScan() *core {
	h.write.Lock()
	defer h.write.Unlock()
	c := h.core.Load()
	c.scans++
	return c
}

func (h *hashed) endScan(c *core) {
	h.write.Lock()
	c.scans--
	discard := c.retired && c.scans == 0
	h.write.Unlock()
	if discard {
		c.pages.discardAll()
	}
	runtime.KeepAlive(c)
}

// some appends the bindings of a section from a tag on, and says with which tag the
// next one begins. It holds up writers for a fraction of a millisecond.
func (h *hashed) some(c *core, from uint32, some []Binding) ([]Binding, uint64) {
	h.write.Lock()
	defer h.write.Unlock()
	s := c.cells.segment(from)
	for i := range s.count {
		if r := s.cell(i); s.used(i) && tagOf(c.hash.of(r.key())) >= from {
			some = append(some, Binding{})
			c.binding(r, &some[len(some)-1])
		}
	}
	width := uint64(1) << (32 - s.depth)
	return some, uint64(from)&^(width-1) + width
}
