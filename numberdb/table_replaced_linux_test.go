//go:build linux && !race

package numberdb

import "testing"

// A reader that began in a core which was replaced meets memory that is being
// given back: the public binding may still stand when the party's own is gone.
func TestNoAnswerOfAReplacedCore(t *testing.T) {
	mask, party := keyOfIndex(0)
	changes := []Change{{Binding: made(mask, party, 1)}, {Binding: made(mask, 0, 2)}}
	h, replaced := newHashed(), newHashed()
	h.apply(changes)
	replaced.apply(changes)
	// As a core is between two of its pages.
	half := replaced.core.Load()
	s, i := half.cells.find(half.hash.of(uint64(mask), uint64(party)), uint64(mask), uint64(party))
	s.cell(i).store(wordMask, 0)
	var b Binding
	if status, done := h.lookupIn(half, uint64(mask), uint64(party), noon, &b); done {
		t.Errorf("answered %v", status)
	}
	if _, status := h.lookup(mask, party, noon); status != Exact {
		t.Errorf("status %v", status)
	}
}
