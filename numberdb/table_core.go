package numberdb

import (
	"runtime"
	"sync/atomic"
)

// core is the content of a table: records in cells that their mask and party say,
// and the marks of masks. One writer at a time changes it, any number of readers look
// beside it.
//
// What makes reading safe: a record has an odd version while it is written, and another
// one afterwards. A record changes in place, with its new content in shadow for who meets
// it in the middle, so no reader waits for a writer; without a shadow an odd record is
// one that comes or goes, as good as none. Every answer is checked after it was read, as
// the cells say. Memory that is given back stays readable until the collector finds
// that nobody holds the core.
type core struct {
	texts
	hash    hash
	cells   *cells
	marks   *marks
	changes atomic.Uint32 // of bindings
	pages   *pages
	shadow  atomic.Pointer[shadow]
	live    atomic.Int64

	// The writer's.
	scans   int    // that run
	retired bool   // another one serves
	touched uint64 // so that reading ahead is not for nothing to the compiler
}

// shadow is a record while it is written.
type shadow struct {
	at      *record
	content record // its state is the odd one
}

func newCore(seed uint64) *core { return newCoreIn(&pages{}, seed) }

func newCoreIn(p *pages, seed uint64) *core {
	c := &core{hash: hash(seed | 1), pages: p}
	c.cells = newCells(c.pages, c.hash)
	c.marks = newMarks(&blocks{pages: c.pages}, c.hash)
	c.marks.index.filling = true
	runtime.AddCleanup(c, func(p *pages) { p.unmap() }, c.pages)
	return c
}

// serve lets readers know the core.
func (c *core) serve() { c.marks.index.filling = false }

// --- readers

// found is how looking at one record ended.
type found uint8

const (
	hit   found = iota
	other       // another key, or none at all
	torn        // it was changed meanwhile
)

// read copies the binding of a key; false where there is none. It repeats only
// for a write that was made meanwhile to that very record or its section.
func (c *core) read(mask, party uint64, b *Binding) bool {
	h := c.hash.of(mask, party)
	for {
		s := c.cells.segment(tagOf(h))
		pause()
		moves := s.moves.Load()
		got := c.readIn(s, h, mask, party, b)
		if got == torn || c.cells.segment(tagOf(h)) != s {
			continue
		}
		if got == hit {
			return true
		}
		if pause(); s.moves.Load() == moves {
			return false
		}
	}
}

func (c *core) readIn(s *section, h, mask, party uint64, b *Binding) found {
	i, j, k := homes(h, s.count)
	first, second, third := s.cell(i), s.cell(j), s.cell(k)
	// All are read before any is looked at.
	inFirst, inSecond, inThird := first.differs(mask, party) == 0, second.differs(mask, party) == 0, third.differs(mask, party) == 0
	if inFirst {
		if got := c.readAt(first, mask, party, b); got != other {
			return got
		}
	}
	if inSecond {
		if got := c.readAt(second, mask, party, b); got != other {
			return got
		}
	}
	if inThird {
		return c.readAt(third, mask, party, b)
	}
	return other
}

func (c *core) readAt(r *record, mask, party uint64, b *Binding) found {
	state := r.load(wordState)
	var content record
	if state&1 == 0 {
		content = r.copied(state)
	} else {
		pause()
		half := c.shadow.Load()
		if half == nil || half.at != r || half.content[wordState] != state {
			if r.load(wordState) == state {
				return other // it comes or goes
			}
			return torn
		}
		content = half.content
	}
	if !content.has(mask, party) {
		return other
	}
	// Names too hold only while the record is the same.
	if c.binding(&content, b); r.load(wordState) != state {
		return torn
	}
	return hit
}

// --- the writer

// warmed is how many bindings are looked for together.
const warmed = 256

// warm touches where the cells and the marks will be asked for bindings that are
// written next, and then where room will be sought. Reads that do not wait for one
// another take a tenth of the time of those that come one by one.
func (c *core) warm(changes []Change) {
	if len(changes) == 1 {
		return
	}
	changes = changes[:min(warmed, len(changes))]
	var sum uint64
	var hashes [warmed]uint64
	for i := range changes {
		b := &changes[i].Binding
		mask := uint64(b.Mask.Canonical())
		hashes[i] = c.hash.of(mask, uint64(b.Party.Canonical()))
		sum += c.cells.touch(hashes[i]) + c.marks.touch(mask)
	}
	for i := range changes {
		sum += c.cells.touchBeyond(hashes[i])
	}
	c.touched = sum
}

// fill takes in bindings of a core that nobody reads yet, to be settled.
func (c *core) fill(f *filling, bindings []Binding) {
	var sum uint64
	for i := range bindings {
		sum += c.marks.touch(uint64(bindings[i].Mask.Canonical()))
	}
	c.touched = sum
	for i := range bindings {
		b := &bindings[i]
		mask, party := uint64(b.Mask.Canonical()), uint64(b.Party.Canonical())
		content := c.packed(mask, party, b)
		content[wordState] |= c.cells.nextVersion()
		f.add(c.hash.of(mask, party), &content)
		c.marks.add(mask, party == 0)
	}
}

// settle ends the filling.
func (c *core) settle(f *filling) {
	live := c.cells.settle(f, func(r *record) {
		c.release(r)
		mask, _ := r.key()
		c.marks.remove(mask, false) // another one of its key stays
	})
	c.live.Store(int64(live))
}

func (c *core) put(mask, party uint64, b *Binding) {
	content := c.packed(mask, party, b)
	h := c.hash.of(mask, party)
	if s, i := c.cells.find(h, mask, party); i != none {
		c.update(s.cell(i), &content)
		c.changed()
		return
	}
	c.touched = c.marks.touch(mask) + c.cells.touchBeyond(h)
	c.cells.add(h, &content)
	c.changed() // who sees the mark must not have missed the record
	c.marks.add(mask, party == 0)
	c.live.Add(1)
}

// update changes a record in place.
func (c *core) update(r, content *record) {
	old := *r
	content[wordState] |= c.cells.nextVersion()
	half := &shadow{r, *content}
	half.content[wordState] |= 1
	pause()
	c.shadow.Store(half)
	r.write(content)
	c.release(&old)
}

func (c *core) remove(mask, party uint64) {
	h := c.hash.of(mask, party)
	s, i := c.cells.find(h, mask, party)
	if i == none {
		return
	}
	old := *s.cell(i)
	c.cells.remove(s, h, i)
	c.release(&old)
	c.marks.remove(mask, party == 0)
	c.live.Add(-1)
	c.changed()
}

// changed tells readers who look at several places.
func (c *core) changed() {
	pause()
	c.changes.Add(1)
}
