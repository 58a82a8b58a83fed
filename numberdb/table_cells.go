package numberdb

import (
	"math"
	"sync/atomic"
	"unsafe"
)

// cells are where records are: cuckoo hashing, in sections that grow, split and
// merge on their own, so that one write never moves more than some thousand
// records. A record is in one of three cells that the hash of its key says, so a
// reader asks for all three at once and waits for memory once. // Pagh, Rodler, Cuckoo hashing, 2001
//
// Readers take no lock. A record that makes room for another one is first written
// to where it goes, then counted in moves, and only then is its old cell used again. So
// who found nothing has to look whether the section still is the same and nothing in it
// has moved; who found something, whether the section still is the same: the memory of one
// that was replaced is used again at once.
type cells struct {
	directory[section]
	hash    hash
	chunks  chunks
	moving  moving
	version uint32 // of the last write; even
}

const (
	mostChunks   = 16
	mostCells    = (mostChunks - 1) * chunkRecords // of a section, before it splits
	cellUnit     = 64                              // 4 KiB
	cellsFull    = 85                              // per cent in use: beyond, the way to a free cell becomes long
	cellsFilled  = 78                              // per cent after a rebuild
	cellsMost    = 82                              // and at most
	cellsEmpty   = 66                              // per cent, below which it shrinks
	settled      = 82                              // per cent after filling
	settledMost  = 87                              // and at most
	wholeChunks  = 4                               // from here on a section takes whole ones
	mergedCells  = mostCells / 2 * cellsFilled / 100
	secondFactor = 0xD6E8FEB86659FD93
	thirdFactor  = 0x94D049BB133111EB
)

// section is immutable but for its records and the writer's count.
type section struct {
	count   uint64 // of cells
	moves   atomic.Uint32
	depth   uint8 // bits of the tag that all its records share
	records [mostChunks]unsafe.Pointer

	// The writer's.
	live   int
	full   []uint64 // a bit for each cell with a record: the writer looks for free ones
	chunks []chunk
}

func newCells(p *pages, h hash) *cells {
	x := &cells{hash: h, chunks: chunks{pages: p}}
	x.begin(x.built(cellUnit, 0))
	return x
}

// tagOf is what a directory knows a hash by.
func tagOf(h uint64) uint32 { return uint32(h >> 32) }

// homes are the cells of so many where a record can be.
func homes(h, count uint64) (first, second, third uint64) {
	return uint64(uint32(h)) * count >> 32, h * secondFactor >> 32 * count >> 32, h * thirdFactor >> 32 * count >> 32
}

func (s *section) cell(i uint64) *record {
	return recordAt(s.records[i>>chunkBits&(mostChunks-1)], i)
}

// --- the writer's part

// nextVersion is an even one, for a record that is written now. While it is being
// written it has the odd one above.
func (x *cells) nextVersion() uint64 {
	x.version += 2
	return uint64(x.version)
}

// touch reads where a key's record can be.
func (x *cells) touch(h uint64) uint64 {
	s := x.segment(tagOf(h))
	first, second, third := homes(h, s.count)
	return s.cell(first).load(wordState) + s.cell(second).load(wordState) + s.cell(third).load(wordState)
}

// touchBeyond reads where the records can go that are in a key's cells, unless one
// of all those is free.
func (x *cells) touchBeyond(h uint64) (sum uint64) {
	s := x.segment(tagOf(h))
	first, second, third := homes(h, s.count)
	if !s.used(first) || !s.used(second) || !s.used(third) {
		return 0
	}
	for _, i := range [...]uint64{first, second, third} {
		first, second, third := homes(x.hash.of(s.cell(i).key()), s.count)
		if !s.used(first) || !s.used(second) || !s.used(third) {
			return sum
		}
		sum += s.cell(first).load(wordMask) + s.cell(second).load(wordMask) + s.cell(third).load(wordMask)
	}
	return sum
}

// none is no cell.
const none = math.MaxUint64

// find is the section of a key and the cell of its record there, or none.
func (x *cells) find(h, mask, party uint64) (*section, uint64) {
	s := x.segment(tagOf(h))
	first, second, third := homes(h, s.count)
	inFirst, inSecond, inThird := s.cell(first).has(mask, party), s.cell(second).has(mask, party), s.cell(third).has(mask, party)
	switch {
	case inFirst:
		return s, first
	case inSecond:
		return s, second
	case inThird:
		return s, third
	}
	return s, none
}

// write gives a cell a content with a new version.
func (x *cells) write(r, content *record) {
	content[wordState] = content[wordState]&^(1<<tenantShift-1) | x.nextVersion()
	r.write(content)
}

// add writes a record whose key is not there.
func (x *cells) add(h uint64, content *record) {
	for {
		s := x.segment(tagOf(h))
		if uint64(s.live+1)*100 <= s.count*cellsFull {
			if i := x.room(s, h); i != none {
				x.write(s.cell(i), content)
				s.set(i)
				return
			}
		}
		x.grow(s, h)
	}
}

// remove empties a cell of a section.
func (x *cells) remove(s *section, h, i uint64) {
	x.write(s.cell(i), &record{})
	s.full[i/64] &^= 1 << (i % 64)
	s.live--
	if uint64(s.live)*100 < s.count*cellsEmpty && (s.count > cellUnit || s.depth > 0) {
		x.shrink(s, h)
	}
}

func (s *section) used(i uint64) bool { return s.full[i/64]>>(i%64)&1 != 0 }

func (s *section) set(i uint64) {
	s.full[i/64] |= 1 << (i % 64)
	s.live++
}

// step is a cell on a way to a free one.
type step struct {
	cell uint16
	from int16 // the step before; negative: none
}

// mostSteps is how far a free cell is sought before the section grows.
const mostSteps = 400

// room is a cell for a record of that hash: a free one, or one whose record has
// moved to another of its homes. That may take others' moves; the way with the fewest is
// taken.
func (x *cells) room(s *section, h uint64) uint64 {
	first, second, third := homes(h, s.count)
	for _, i := range [...]uint64{first, second, third} {
		if !s.used(i) {
			return i
		}
	}
	steps := [mostSteps]step{{uint16(first), -1}, {uint16(second), -1}, {uint16(third), -1}}
	n := 3
	for at := 0; at < n; at++ {
		cell := uint64(steps[at].cell)
		first, second, third := homes(x.hash.of(s.cell(cell).key()), s.count)
		for _, i := range [...]uint64{first, second, third} {
			switch {
			case !s.used(i):
				return x.shift(s, steps[:], at, i)
			case i != cell && n < mostSteps:
				steps[n] = step{uint16(i), int16(at)}
				n++
			}
		}
	}
	return none
}

// shift moves the records on the way to a free cell, the last one first. The first
// cell of the way can be overwritten then.
func (x *cells) shift(s *section, steps []step, at int, free uint64) uint64 {
	s.set(free)
	for at >= 0 {
		from := uint64(steps[at].cell)
		content := *s.cell(from)
		x.write(s.cell(free), &content)
		pause()
		s.moves.Add(1)
		free, at = from, int(steps[at].from)
	}
	s.full[free/64] &^= 1 << (free % 64)
	s.live--
	return free
}
