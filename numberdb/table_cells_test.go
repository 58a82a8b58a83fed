package numberdb

import (
	"fmt"
	"sync/atomic"
	"testing"

	"maskline/e164"
)

// inTwoCells is a binding that has more than one cell, its own and another one.
func inTwoCells(h *hashed) (b Binding, own, other *record) {
	x := h.core.Load().cells
	for key := 1; ; key++ { // three in one are rare
		b = versioned(key, 7)
		h.apply([]Change{{Binding: b}})
		hash := x.hash.of(uint64(b.Mask), uint64(b.Party))
		s, i := x.find(hash, uint64(b.Mask), uint64(b.Party))
		first, second, third := homes(hash, s.count)
		for _, j := range []uint64{first, second, third} {
			if j != i && !s.used(j) {
				return b, s.cell(i), s.cell(j)
			}
		}
	}
}

// A reader meets a record that moves in its old cell, in the new one or in both.
func TestARecordThatMovesIsFound(t *testing.T) {
	for _, backward := range []bool{false, true} {
		t.Run(fmt.Sprint("backward ", backward), func(t *testing.T) {
			h := newHashed()
			b, from, to := inTwoCells(h)
			x := h.core.Load().cells
			if backward {
				from, to = moved(x, from, to), from
			}
			found := func(when string) {
				t.Helper()
				got, status := h.lookup(b.Mask, b.Party, noon)
				if diff := differ(b, got); status != Exact || diff != "" {
					t.Errorf("%s: status %d: %s", when, status, diff)
				}
			}
			content := *from
			to.store(wordState, x.nextVersion()|1)
			for i := wordMask; i < len(to); i++ {
				to.store(i, content[i])
			}
			found("while it is written to the new cell")
			to.store(wordState, content[wordState])
			found("when it is in both")
			from.store(wordState, content[wordState]|1)
			found("when the old cell is about to be used again")
			from.store(wordPresent, 0)
			from.store(wordMask, 0)
			found("when the old cell is empty")
		})
	}
}

// moved is the other cell, where a record is then.
func moved(x *cells, from, to *record) *record {
	content := *from
	x.write(to, &content)
	from.write(&record{})
	return to
}

// What is being written for the first time is not there yet, and nobody waits for it.
func TestAReaderDoesNotWaitForANewRecord(t *testing.T) {
	h := newHashed()
	b, own, _ := inTwoCells(h)
	own.store(wordState, own.load(wordState)|1)
	if _, status := h.lookup(b.Mask, b.Party, noon); status != OutOfSession {
		t.Errorf("status %d", status)
	}
}

// A load may bring a binding twice; more than once it splits what it has piled up.
func TestTheLastOfABindingLoadedTwiceCounts(t *testing.T) {
	p := newPair(t)
	p.replace(func(put func(Binding)) error {
		for i := range 2 * mostPile {
			put(versioned(i, i))
		}
		for i := range mostPile {
			put(versioned(i*2, i*2+1))
			put(versioned(i*2, i*2+2))
		}
		return nil
	})
	if got := len(p.table.core.Load().cells.now.Load().of); got < 2 {
		t.Fatalf("%d sections", got)
	}
	p.compare()
}

// A section takes records up to where it grows, and each is found.
func TestSectionsFillUp(t *testing.T) {
	h := newHashed()
	x := h.core.Load().cells
	fullest := 0.0
	for i := range 3 * chunkRecords {
		mask, party := keyOfIndex(i)
		h.apply([]Change{{Binding: Binding{Mask: mask, Party: party}}})
		if s := x.segment(0); s.count >= chunkRecords {
			fullest = max(fullest, float64(s.live)/float64(s.count))
		}
	}
	if fullest < float64(cellsFull-2)/100 {
		t.Errorf("a section grew with %.0f per cent in use at most", 100*fullest)
	}
	for i := range 3 * chunkRecords {
		mask, party := keyOfIndex(i)
		if _, status := h.lookup(mask, party, noon); status != Exact {
			t.Fatalf("binding %d: status %d", i, status)
		}
	}
}

func TestPublicBindingsAreKnownByTheMark(t *testing.T) {
	mask, party := num("+441110000001"), num("+447700900001")
	h := newHashed()
	public := func() bool {
		_, public := h.core.Load().marks.of(uint64(mask))
		return public
	}
	steps := []struct {
		name   string
		change Change
		want   bool
	}{
		{"a party's", Change{Binding: Binding{Mask: mask, Party: party}}, false},
		{"the public one", Change{Binding: Binding{Mask: mask}}, true},
		{"the public one again", Change{Binding: Binding{Mask: mask, Services: SMS}}, true},
		{"another party's", Change{Binding: Binding{Mask: mask, Party: party + 1}}, true},
		{"a party's gone", Change{Binding: Binding{Mask: mask, Party: party}, Deleted: true}, true},
		{"the public one gone", Change{Binding: Binding{Mask: mask}, Deleted: true}, false},
	}
	for _, s := range steps {
		if h.apply([]Change{s.change}); public() != s.want {
			t.Errorf("after %s: %v", s.name, !s.want)
		}
	}
	for i := range e164.Number(countMost + 5) {
		h.apply([]Change{{Binding: Binding{Mask: mask, Party: party + i}}})
	}
	if h.apply([]Change{{Binding: Binding{Mask: mask}}}); !public() {
		t.Error("beside more parties than the mark counts")
	}
}

// Chunks are given out again, and the memory of free ones goes back to the kernel but
// for some.
func TestChunksAreUsedAgain(t *testing.T) {
	c := chunks{pages: &pages{}}
	var all []chunk
	for range 3 * pageChunks {
		all = append(all, c.take())
	}
	if len(c.of) != 3 || c.used != len(all) {
		t.Fatalf("%d pages, %d in use", len(c.of), c.used)
	}
	last := all[len(all)-1]
	atomic.StoreUint64(&last.record(0)[0], 1)
	for _, one := range all[pageChunks:] {
		c.giveBack(one)
	}
	if c.warm*warmChunks > c.used {
		t.Errorf("%d free chunks keep their memory beside %d in use", c.warm, c.used)
	}
	if again := c.take(); again.number != uint32(pageChunks) {
		t.Errorf("chunk %d is used again, not the first free one", again.number)
	}
	if len(c.of) != 3 {
		t.Errorf("%d pages", len(c.of))
	}
}
