package numberdb

import (
	"testing"

	"maskline/e164"
)

// The filter may say yes to a stranger, and never no to a number that it holds.
func TestTheFilterForgetsNoNumber(t *testing.T) {
	r := newRestrictions(t, &fakeRestrictions{})
	first := digitsOf("447700000000")
	const blocks = 6000 // through several sizes of the filter
	for i := range e164.Number(blocks) {
		r.mu.Lock()
		r.take([]RestrictionChange{{Restriction: Restriction{Kind: Block, Party: first + 7*i}}})
		r.mu.Unlock()
		if i%1000 == 0 {
			for k := range i + 1 {
				if !r.Blocked("", digitsOf(pairMask), first+7*k) {
					t.Fatalf("block %d of %d was forgotten", k, i)
				}
			}
		}
	}
	passed := 0
	for i := range e164.Number(blocks) {
		if r.blocks.numbers.mayHold(first + 7*i + 3) {
			passed++
		}
	}
	if passed > blocks/8 {
		t.Errorf("the filter says yes to %d of %d strangers", passed, blocks)
	}
	r.mu.Lock()
	none := r.empty()
	none.publish()
	r.mu.Unlock()
	if r.Blocked("", digitsOf(pairMask), first) || r.blocks.len() != 0 {
		t.Error("a block stands in an empty list")
	}
}
