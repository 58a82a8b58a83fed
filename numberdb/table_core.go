package numberdb

import (
	"cmp"
	"runtime"
	"slices"
	"sync/atomic"
)

// core is the content of a table: records in a slab, an index that finds them by
// mask and party, and the marks of masks. One writer at a time changes it, any
// number of readers look beside it.
//
// What makes reading safe: a record is written whole before the index tells of it
// and is out of the index before it is cleared. A record changes in place, with
// its new content in shadow for who meets it in the middle, so no reader waits for
// a writer. Every answer is checked after it was read, by the record's state or,
// for a miss, by the segment. Memory that is given back stays readable until the
// collector finds that nobody holds the core.
type core struct {
	texts
	hash    hash
	index   *index
	marks   *marks
	slab    *slab
	pages   *pages
	shadow  atomic.Pointer[shadow]
	live    atomic.Int64
	private bool // no reader knows it yet

	// The writer's.
	version uint32   // of the last write; even
	scans   int      // that run; no record moves meanwhile
	holes   []uint32 // places below the last one without a record
	retired bool     // another one serves
	touched uint64   // so that reading ahead is not for nothing to the compiler
}

// shadow is a record while it is written.
type shadow struct {
	at      uint32
	content record // its state is the odd one
}

func newCore(seed uint64) *core {
	c := &core{hash: hash(seed | 1), pages: &pages{}}
	c.slab = newSlab(c.pages)
	c.index = newIndex(&blocks{pages: c.pages, huge: true}, func(word uint64) uint32 { return uint32(word >> 32) })
	c.marks = newMarks(&blocks{pages: c.pages}, c.hash)
	c.setPrivate(true)
	runtime.AddCleanup(c, func(p *pages) { p.unmap() }, c.pages)
	return c
}

// serve lets readers know the core, which is filled.
func (c *core) serve() { c.setPrivate(false) }

func (c *core) setPrivate(p bool) {
	c.private, c.index.filling, c.marks.index.filling = p, p, p
}

// A word of the index is a tag and the place of the record.
func wordOf(tag, at uint32) uint64 { return uint64(tag)<<32 | uint64(at) }

// --- readers

// found is how looking at one record ended.
type found uint8

const (
	hit   found = iota
	other       // another key, or none at all
	torn        // it was changed meanwhile
)

// read copies the binding of a key; false where there is none. It repeats only
// for a write that was made meanwhile to that very record, its segment or its
// place.
func (c *core) read(mask, party uint64, b *Binding) bool {
	tag := c.hash.of(mask, party)
	for {
		s := c.index.segment(tag)
		switch c.readIn(s, tag, mask, party, b) {
		case hit:
			return true
		case other:
			if c.index.segment(tag) == s {
				return false
			}
		case torn:
		}
	}
}

func (c *core) readIn(s *segment, tag uint32, mask, party uint64, b *Binding) found {
	i := s.start(tag)
	for range s.words {
		word := atomic.LoadUint64(&s.words[i])
		if word == 0 {
			return other
		}
		if uint32(word>>32) == tag && uint32(word) != 0 {
			switch got := c.readAt(uint32(word), mask, party, b); {
			case got != other:
				return got
			case atomic.LoadUint64(&s.words[i]) != word: // the record has moved
				return torn
			}
		}
		i = s.next(i)
	}
	return other
}

func (c *core) readAt(at uint32, mask, party uint64, b *Binding) found {
	r := c.slab.at(at)
	if r == nil {
		return torn
	}
	state := r.load(wordState)
	var content record
	if state&1 == 0 {
		if r.load(wordMask)&numberMask != mask || r.load(wordParty)&numberMask != party {
			return other
		}
		content = r.copied(state)
	} else {
		half := c.shadow.Load()
		if half == nil || half.at != at || half.content[wordState] != state {
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

// nextVersion is an even one, for a record that is written now. While it is being
// written it has the odd one above.
func (c *core) nextVersion() uint64 {
	c.version += 2
	return uint64(c.version)
}

// findOwn is the place of a key's record, its segment and its place there.
func (c *core) findOwn(tag uint32, mask, party uint64) (at uint32, s *segment, i int) {
	s = c.index.segment(tag)
	i = s.find(tag, func(word uint64) bool {
		return uint32(word>>32) == tag && c.slab.at(uint32(word)).has(mask, party)
	})
	if i < 0 {
		return 0, s, i
	}
	return uint32(s.words[i]), s, i
}

// warmed is how many bindings are looked for together.
const warmed = 256

// warm touches where the index and the marks will be asked for bindings that are
// written next. Reads that do not wait for one another take a tenth of the time of
// those that come one by one, each where the one before has led.
func (c *core) warm(n int, at func(int) *Binding) {
	if n < 2 {
		return
	}
	var sum uint64
	for i := range n {
		b := at(i)
		mask := uint64(b.Mask.Canonical())
		tag := c.hash.of(mask, uint64(b.Party.Canonical()))
		sum += c.index.segment(tag).home(tag)
		tag = c.hash.of(mask, 0)
		sum += c.marks.index.segment(tag).home(tag)
	}
	c.touched = sum
}

func (c *core) put(mask, party uint64, b *Binding) {
	content := c.packed(mask, party, b)
	content[wordState] |= c.nextVersion()
	tag := c.hash.of(mask, party)
	if at, _, _ := c.findOwn(tag, mask, party); at != 0 {
		r := c.slab.at(at)
		old := *r
		if !c.private {
			half := &shadow{at, content}
			half.content[wordState] |= 1
			c.shadow.Store(half)
		}
		r.write(&content)
		c.release(&old)
		return
	}
	at := c.place()
	if r := c.slab.at(at); c.private {
		*r = content
	} else {
		r.write(&content)
	}
	c.index.add(wordOf(tag, at))
	c.marks.add(mask, 1)
	c.live.Add(1)
}

// place is a free place for a record.
func (c *core) place() uint32 {
	if n := len(c.holes); n > 0 {
		at := c.holes[n-1]
		c.holes = c.holes[:n-1]
		return at
	}
	return c.slab.push()
}

func (c *core) remove(mask, party uint64) {
	tag := c.hash.of(mask, party)
	at, s, i := c.findOwn(tag, mask, party)
	if at == 0 {
		return
	}
	old := *c.slab.at(at)
	c.index.removeAt(s, tag, i)
	c.clear(at)
	c.release(&old)
	c.marks.add(mask, -1)
	c.live.Add(-1)
	c.holes = append(c.holes, at)
	c.settle()
}

// clear empties a place. The index knows it no more.
func (c *core) clear(at uint32) {
	c.slab.at(at).write(&record{wordState: c.nextVersion()})
}

// settle fills the holes with the last records and gives the end back, unless
// somebody reads all records: who reads from first to last would miss one that
// moves.
func (c *core) settle() {
	if c.scans > 0 || len(c.holes) == 0 {
		return
	}
	// The highest first, so the last record is never a hole.
	slices.SortFunc(c.holes, func(a, b uint32) int { return cmp.Compare(b, a) })
	for _, at := range c.holes {
		if last := c.slab.last; at != last {
			c.move(last, at)
		}
		c.slab.pop()
	}
	c.holes = c.holes[:0]
}

func (c *core) move(from, to uint32) {
	content := *c.slab.at(from)
	content[wordState] = content[wordState]&^(1<<tenantShift-1) | c.nextVersion()
	c.slab.at(to).write(&content)
	tag := c.hash.of(content[wordMask]&numberMask, content[wordParty]&numberMask)
	s := c.index.segment(tag)
	i := s.find(tag, func(word uint64) bool { return word == wordOf(tag, from) })
	atomic.StoreUint64(&s.words[i], wordOf(tag, to))
	c.clear(from)
}
