package numberdb

import "runtime"

// each calls fn for every place that had a record when it began. No record moves
// and no memory is given back meanwhile.
func (h *hashed) each(fn func(Binding) bool) {
	c, last := h.beginScan()
	defer h.endScan(c)
	var b Binding
	for at := uint32(1); at <= last; at++ {
		if c.scanned(at, &b) && !fn(b) {
			return
		}
	}
}

func (h *hashed) beginScan() (c *core, last uint32) {
	h.write.Lock()
	defer h.write.Unlock()
	c = h.core.Load()
	c.scans++
	return c, c.slab.last
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

// scanned copies the binding at a place; false where there is none.
func (c *core) scanned(at uint32, b *Binding) bool {
	r := c.slab.at(at)
	for {
		state := r.load(wordState)
		content := r.copied(state)
		if state&1 != 0 {
			// Without a shadow it is just coming or going.
			content = record{}
			if half := c.shadow.Load(); half != nil && half.at == at && half.content[wordState] == state {
				content = half.content
			}
		}
		if content[wordMask] != 0 {
			c.binding(&content, b)
		}
		if r.load(wordState) == state {
			return content[wordMask] != 0
		}
	}
}
