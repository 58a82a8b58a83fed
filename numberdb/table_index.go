package numberdb

import "sync/atomic"

// An index is open addressing over words of 64 bits, in segments that grow,
// split and merge on their own, so that one write never moves more than
// some thousand words. A word says by its tag, 32 bits of a hash, where it
// belongs: the first bits choose the segment, the next ones the place.
//
// Readers take no lock. A word never moves within its segment, and a segment
// that is replaced gives its memory back at once. So who found nothing has to ask
// [index.segment] again: only while the segment is still the same was the memory
// its own.
type index struct {
	directory[segment]
	blocks *blocks
	tagOf  func(word uint64) uint32

	filling bool // much is to come: segments grow by more
}

const (
	grave = 1 << 63 // was a word; the search goes on

	mostUnits = 28                                          // of a segment, before it splits: 14,336 words
	mostDepth = 24                                          // of a split
	segFull   = 82                                          // per cent in use, graves included: a reader's way stays short
	segFilled = 70                                          // per cent after a rebuild
	segEmpty  = 30                                          // per cent, below which it shrinks
	smallest  = unitWords                                   // words
	mergeMost = mostUnits / 2 * unitWords * segFilled / 100 // words of two that merge
)

// segment is immutable but for its words and the writer's counts.
type segment struct {
	block
	depth uint8 // bits of the tag that all its words share
	used  int   // words, graves included
	live  int
}

func newIndex(b *blocks, tagOf func(uint64) uint32) *index {
	x := &index{blocks: b, tagOf: tagOf}
	x.begin(&segment{block: b.take(1)})
	return x
}

// start is where the search for a tag begins.
func (s *segment) start(tag uint32) int {
	return int(uint64(tag<<s.depth) * uint64(len(s.words)) >> 32)
}

// --- the writer's part

// find is the place of a word that fits, or -1.
func (s *segment) find(tag uint32, fits func(word uint64) bool) int {
	for i := s.start(tag); ; i = s.next(i) {
		word := atomic.LoadUint64(&s.words[i])
		if word == 0 {
			return -1
		}
		if word != grave && fits(word) {
			return i
		}
	}
}

func (s *segment) next(i int) int {
	if i++; i < len(s.words) {
		return i
	}
	return 0
}

// add writes a word that is not there.
func (x *index) add(word uint64) {
	tag := x.tagOf(word)
	s := x.segment(tag)
	for (s.used+1)*100 > len(s.words)*segFull {
		x.rebuild(s, tag)
		s = x.segment(tag)
	}
	s.add(tag, word)
}

func (s *segment) add(tag uint32, word uint64) {
	i := s.start(tag)
	for {
		old := atomic.LoadUint64(&s.words[i])
		if old == 0 || old == grave {
			if old == 0 {
				s.used++
			}
			break
		}
		i = s.next(i)
	}
	s.live++
	pause()
	atomic.StoreUint64(&s.words[i], word)
}

// removeAt removes the word at a place of the segment of tag.
func (x *index) removeAt(s *segment, tag uint32, i int) {
	pause()
	atomic.StoreUint64(&s.words[i], grave)
	s.live--
	if atomic.LoadUint64(&s.words[s.next(i)]) == 0 { // no search goes on from here
		for atomic.LoadUint64(&s.words[i]) == grave {
			pause()
			atomic.StoreUint64(&s.words[i], 0)
			s.used--
			if i--; i < 0 {
				i = len(s.words) - 1
			}
		}
	}
	if len(s.words) > smallest && s.live*100 < len(s.words)*segEmpty {
		x.rebuild(s, tag)
	} else if s.live == 0 {
		x.merge(s, tag)
	}
}

// rebuild copies a segment into one of the size that it needs, into two, or
// together with its neighbour.
func (x *index) rebuild(s *segment, tag uint32) {
	units := unitsFor(s.live + 1)
	if units > mostUnits && s.depth < mostDepth {
		x.split(s, tag)
		return
	}
	if x.merge(s, tag) {
		return
	}
	if x.filling {
		units = min(units+units/3, mostUnits)
	}
	x.show(tag, s.depth, x.copied(units, s.depth, s))
	x.blocks.giveBack(s.block)
}

// merge makes one of a segment and its neighbour, where both are small.
func (x *index) merge(s *segment, tag uint32) bool {
	if s.depth == 0 {
		return false
	}
	bit := uint32(1) << (32 - s.depth)
	other := x.segment(tag ^ bit)
	if other.depth != s.depth || s.live+other.live > mergeMost {
		return false
	}
	x.show(tag, s.depth-1, x.copied(unitsFor(s.live+other.live+1), s.depth-1, s, other))
	x.blocks.giveBack(s.block)
	x.blocks.giveBack(other.block)
	return true
}

func (x *index) split(s *segment, tag uint32) {
	depth := s.depth + 1
	bit := uint32(1) << (32 - depth)
	halves := [2]*segment{}
	for half := range halves {
		live := 0
		for i := range s.words {
			if w := atomic.LoadUint64(&s.words[i]); w != 0 && w != grave && x.tagOf(w)&bit != 0 == (half == 1) {
				live++
			}
		}
		halves[half] = &segment{block: x.blocks.take(unitsFor(live + 1)), depth: depth}
	}
	for i := range s.words {
		if w := atomic.LoadUint64(&s.words[i]); w != 0 && w != grave {
			t := x.tagOf(w)
			half := 0
			if t&bit != 0 {
				half = 1
			}
			halves[half].add(t, w)
		}
	}
	x.show(tag&^bit, depth, halves[0])
	x.show(tag|bit, depth, halves[1])
	x.blocks.giveBack(s.block)
}

// copied is a new segment with the words of others.
func (x *index) copied(units int, depth uint8, from ...*segment) *segment {
	next := &segment{block: x.blocks.take(units), depth: depth}
	for _, s := range from {
		for i := range s.words {
			if w := atomic.LoadUint64(&s.words[i]); w != 0 && w != grave {
				next.add(x.tagOf(w), w)
			}
		}
	}
	return next
}

func unitsFor(live int) int {
	const filled = unitWords * segFilled / 100
	return max(1, (live+filled-1)/filled)
}
