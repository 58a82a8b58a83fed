package numberdb

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/e164"
)

func keyOfIndex(i int) (mask, party e164.Number) {
	return num("+442000000000") + e164.Number(i/3), num("+447700000000") + e164.Number(i)
}

// Up to many segments and down to none, some at random on the way.
func TestGrowsAndShrinks(t *testing.T) {
	p := newPair(t)
	const most = 16_000
	random := rand.New(rand.NewPCG(1, 2))
	compare := func(from int) {
		for range 500 {
			mask, party := keyOfIndex(random.IntN(most))
			p.lookup(mask, party, noon)
		}
		if from%8_000 == 0 {
			p.compare()
		}
	}
	for i := range most {
		mask, party := keyOfIndex(i)
		p.apply([]Change{{Binding: made(mask, party, uint64(i))}})
		if i%4_000 == 0 {
			compare(i)
		}
	}
	if parts := p.table.core.Load().cells.now.Load(); len(parts.of) < 2 {
		t.Fatalf("%d sections", len(parts.of))
	}
	for i, n := range random.Perm(most) {
		mask, party := keyOfIndex(n)
		p.apply([]Change{{Binding: Binding{Mask: mask, Party: party}, Deleted: true}})
		if i%4_000 == 0 {
			compare(i)
		}
	}
	compare(0)
	c := p.table.core.Load()
	if s := c.cells.segment(0); s.depth != 0 || s.count != cellUnit {
		t.Errorf("an empty table has a section of depth %d, %d cells", s.depth, s.count)
	}
	if c.cells.chunks.used != 1 {
		t.Errorf("an empty table has %d chunks of records", c.cells.chunks.used)
	}
	b := c.marks.index.blocks
	free := 0
	for i := range b.of {
		free += b.of[i].free
	}
	if want := len(b.of)*pageUnits - 1; free != want {
		t.Errorf("%d units are free, want %d", free, want)
	}
}

// A mask that many parties share is counted beyond what its word holds.
func TestAMaskWithManyParties(t *testing.T) {
	h := newHashed()
	mask := num("+441110000001")
	const parties = 3 * countMost
	for i := range parties {
		h.apply([]Change{{Binding: Binding{Mask: mask, Party: num("+447700900000") + e164.Number(i)}}})
	}
	for i := range parties {
		if !h.isMask(mask) {
			t.Fatalf("the mask is forgotten with %d bindings left", parties-i)
		}
		h.apply([]Change{{Binding: Binding{Mask: mask, Party: num("+447700900000") + e164.Number(i)}, Deleted: true}})
	}
	if h.isMask(mask) {
		t.Fatal("a mask without a binding is still one")
	}
	s := h.core.Load().marks.index.segment(0)
	for i := range s.words {
		s.words[i] = grave
	}
	if h.isMask(0) {
		t.Fatal("no number is a mask")
	}
}

// versioned says its version in every field, names included, so a reader that
// saw halves of two would notice.
func versioned(key, v int) Binding {
	b := Binding{
		Mask: num("+442000000000") + e164.Number(key), Party: num("+447700900001"), Services: SMS, Counted: v%2 == 0,
		Session: ID(v), Present: num("+332100000000") + e164.Number(v), Second: num("+332200000000") + e164.Number(v),
		Expires: noon.Add(time.Duration(v) * time.Second), Tenant: fmt.Sprint("t", v),
		Carriers: []string{fmt.Sprint("c", v), "alfa"},
	}
	if v%3 == 0 {
		b.To = Endpoint{Kind: Tel, Number: num("+331100000000") + e164.Number(v)}
	} else {
		b.To = Endpoint{Kind: SIP, Name: fmt.Sprint("u", v, "@127.0.0.1:5060")}
	}
	return b
}

// Some bindings are always there and change all the time. Others come and go, so
// that segments grow, split, shrink and merge, records move and pages are given
// back; the whole is replaced now and then; and somebody reads all of it.
func TestReadersBesideEverything(t *testing.T) {
	for _, e := range []struct {
		name  string
		table tableEngine
	}{{"hashed", newHashed()}, {"plain", newPlain()}} {
		t.Run(e.name, func(t *testing.T) { readersBesideEverything(t, e.table) })
	}
}

const steady = 50 // keys that are always there

func readersBesideEverything(t *testing.T, table tableEngine) {
	for key := range steady {
		table.apply([]Change{{Binding: versioned(key, 1)}})
	}
	var stop atomic.Bool
	var readers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			for n := r; !stop.Load(); n++ {
				key := n % steady
				mask := num("+442000000000") + e164.Number(key)
				b, status := table.lookup(mask, num("+447700900001"), noon)
				if status != Exact || !table.isMask(mask) {
					t.Errorf("a live binding was not found: %d", status)
					return
				}
				if diff := differ(versioned(key, int(b.Session)), b); diff != "" {
					t.Errorf("halves of two versions: %s", diff)
					return
				}
			}
		})
	}
	readers.Go(func() {
		for !stop.Load() {
			if n := steadySeen(t, table); n != steady && !stop.Load() {
				t.Errorf("reading everything saw %d of %d bindings that are always there", n, steady)
				return
			}
		}
	})
	random := rand.New(rand.NewPCG(3, 4))
	for v := range 8 {
		for n := range 300 {
			table.apply([]Change{{Binding: versioned(random.IntN(steady), 300*v+n+1)}})
		}
		var come []Change
		for i := range 2000 {
			come = append(come, Change{Binding: versioned(1000+i, v+1)})
		}
		table.apply(come)
		for i := range come {
			come[i].Deleted = true
		}
		table.apply(come)
		if v%4 == 3 {
			replaceBySelf(t, table)
		}
	}
	stop.Store(true)
	readers.Wait()
}

func steadySeen(t *testing.T, table tableEngine) int {
	seen := map[e164.Number]bool{}
	table.each(func(b Binding) bool {
		key := int(b.Mask - num("+442000000000"))
		if diff := differ(versioned(key, int(b.Session)), b); diff != "" {
			t.Errorf("halves of two versions: %s", diff)
		}
		if key < steady {
			seen[b.Mask] = true
		}
		return true
	})
	return len(seen)
}

func replaceBySelf(t *testing.T, table tableEngine) {
	var all []Binding
	table.each(func(b Binding) bool { all = append(all, b); return true })
	if err := table.replace(func(put func(Binding)) error {
		for _, b := range all {
			put(b)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	runtime.GC() // which unmaps what nobody holds
}

// A reader that meets a writer in the middle of a record reads what is being
// written.
func TestAReaderDoesNotWaitForAWriter(t *testing.T) {
	h := newHashed()
	old, next := versioned(1, 7), versioned(1, 8)
	h.apply([]Change{{Binding: old}})
	c := h.core.Load()
	mask, party := uint64(old.Mask), uint64(old.Party)
	s, i := c.cells.find(c.hash.of(mask, party), mask, party)
	r := s.cell(i)
	content := c.packed(mask, party, &next)
	content[wordState] |= c.cells.nextVersion() | 1
	c.shadow.Store(&shadow{r, content})
	r.store(wordState, content[wordState])
	r.store(wordPresent, 0)
	got, status := h.lookup(old.Mask, old.Party, noon)
	if diff := differ(next, got); status != Exact || diff != "" {
		t.Fatalf("status %d: %s", status, diff)
	}
}

// A version that begins anew changes no tenant.
func TestVersionsBeginAnew(t *testing.T) {
	p := newPair(t)
	p.table.core.Load().cells.version = 1<<32 - 20
	for v := range 40 {
		p.apply([]Change{{Binding: versioned(v%3, v)}})
		p.lookup(versioned(v%3, v).Mask, num("+447700900001"), noon)
	}
	p.compare()
}

func TestChangesDuringReplaceStay(t *testing.T) {
	p := newPair(t)
	p.apply([]Change{{Binding: versioned(1, 1)}, {Binding: versioned(2, 1)}, {Binding: versioned(3, 1)}})
	p.replace(func(put func(Binding)) error {
		put(versioned(1, 2))
		put(versioned(4, 2))
		p.apply([]Change{{Binding: versioned(1, 3)}, {Binding: versioned(4, 3), Deleted: true}, {Binding: versioned(5, 3)}})
		return nil
	})
	p.compare()
	for key, want := range map[int]ID{1: 3, 2: 0, 3: 0, 4: 0, 5: 3} {
		b, _ := p.table.lookup(versioned(key, 1).Mask, num("+447700900001"), noon)
		if b.Session != want {
			t.Errorf("key %d has version %d, want %d", key, b.Session, want)
		}
	}
}
