package numberdb

import (
	"runtime"
	"slices"

	"maskline/e164"
)

func (h *hashed) each(fn func(Binding) bool) {
	var b Binding
	h.scan(func(c *core, at uint32) bool { return !c.scanned(at, &b) || fn(b) })
}

func (h *hashed) sums(starts []e164.Number, digest func(*Binding) uint64) []RangeSum {
	sums := make([]RangeSum, len(starts))
	var b Binding
	h.scan(func(c *core, at uint32) bool {
		// The mask alone first: most of a table may be outside of a narrow range.
		in := rangeOf(starts, e164.Number(c.slab.at(at).load(wordMask)&numberMask))
		if in >= 0 && c.scanned(at, &b) {
			if in = rangeOf(starts, b.Mask); in >= 0 {
				sums[in].Bindings++
				sums[in].Sum += digest(&b)
			}
		}
		return true
	})
	return sums
}

// rangeOf is the last range that begins at n or before, or -1.
func rangeOf(starts []e164.Number, n e164.Number) int {
	after, _ := slices.BinarySearchFunc(starts, n, func(start, n e164.Number) int {
		if start <= n {
			return -1
		}
		return 1
	})
	return after - 1
}

// scan calls fn for every place that had a record when it began, until it
// returns false. No record moves and no memory is given back meanwhile.
func (h *hashed) scan(fn func(c *core, at uint32) bool) {
	c, last := h.beginScan()
	defer h.endScan(c)
	for at := uint32(1); at <= last; at++ {
		if !fn(c, at) {
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
