package numberdb

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

const (
	unitWords = 512 // 4 KiB
	pageUnits = pageSize / 8 / unitWords
)

// blocks cuts pages into runs of units for the indices of one table. A freed run
// may be handed out again at once: readers check afterwards whether the run was
// still the index's. Its pages never become records. Writers only.
//
// Segments of one index grow at nearly the same time, so runs of one size are free
// while others are asked for. On small pages of the kernel's what is free takes no
// memory.
type blocks struct {
	pages *pages
	of    []blockPage
}

type blockPage struct {
	memory unsafe.Pointer
	used   [pageUnits / 64]uint64 // a bit for each unit
	free   int
}

// block is a run of units.
type block struct {
	page, first, units int
	words              []uint64
}

// take is a block of zeros.
func (b *blocks) take(units int) block {
	for i := range b.of {
		if p := &b.of[i]; p.free >= units {
			if first := p.run(units); first >= 0 {
				return p.cut(i, first, units)
			}
		}
	}
	b.of = append(b.of, blockPage{memory: b.pages.take(false), free: pageUnits})
	last := len(b.of) - 1
	return b.of[last].cut(last, 0, units)
}

func (b *blocks) giveBack(block block) {
	p := &b.of[block.page]
	for i := range block.units {
		p.used[(block.first+i)/64] &^= 1 << ((block.first + i) % 64)
	}
	p.free += block.units
	discard(unsafe.Pointer(&block.words[0]), len(block.words)*8)
}

// run finds the first free units in a row, or -1.
func (p *blockPage) run(units int) int {
	length := 0
	for i := 0; i < pageUnits; {
		rest := p.used[i/64] >> (i % 64)
		if free := min(bits.TrailingZeros64(rest), 64-i%64); free > 0 {
			if length += free; length >= units {
				return i + free - length
			}
			i += free
			continue
		}
		length = 0
		i += min(bits.TrailingZeros64(^rest), 64-i%64)
	}
	return -1
}

func (p *blockPage) cut(page, first, units int) block {
	for i := range units {
		p.used[(first+i)/64] |= 1 << ((first + i) % 64)
	}
	p.free -= units
	words := unsafe.Slice((*uint64)(unsafe.Add(p.memory, first*unitWords*8)), units*unitWords)
	for i := range words {
		pause()
		atomic.StoreUint64(&words[i], 0)
	}
	return block{page, first, units, words}
}
