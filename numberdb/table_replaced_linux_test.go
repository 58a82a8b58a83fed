//go:build linux && !race

package numberdb

import (
	"sync/atomic"
	"testing"
)

// A reader that began in a core which was replaced meets memory that is being
// given back: the public binding may still stand when the party's own is gone.
func TestNoAnswerOfAReplacedCore(t *testing.T) {
	mask, party := keyOfIndex(0)
	h := newHashed()
	h.apply([]Change{{Binding: made(mask, party, 1)}, {Binding: made(mask, 0, 2)}})
	old := h.core.Load()
	if err := h.replace(func(put func(Binding)) error {
		put(made(mask, party, 1))
		put(made(mask, 0, 2))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// As the old core would be between two of its pages.
	between := newHashed()
	between.apply([]Change{{Binding: made(mask, party, 1)}, {Binding: made(mask, 0, 2)}})
	half := between.core.Load()
	tag := half.hash.of(uint64(mask), uint64(party))
	_, s, i := half.findOwn(tag, uint64(mask), uint64(party))
	atomic.StoreUint64(&s.words[i], grave)
	for name, c := range map[string]*core{"empty": old, "half empty": half} {
		var b Binding
		if status, done := h.lookupIn(c, uint64(mask), uint64(party), noon, &b); done {
			t.Errorf("%s: answered %v", name, status)
		}
	}
	if _, status := h.lookup(mask, party, noon); status != Exact {
		t.Errorf("status %v", status)
	}
}
