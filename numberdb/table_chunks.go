package numberdb

import (
	"math/bits"
	"unsafe"
)

const (
	chunkBits    = 10 // of the records in a chunk
	chunkRecords = 1 << chunkBits
	chunkSize    = chunkRecords * int(unsafe.Sizeof(record{}))
	pageChunks   = pageSize / chunkSize
	allChunks    = 1<<pageChunks - 1
	warmChunks   = 32 // one free chunk for so many in use keeps its memory
)

// chunks cuts pages into runs of records of one length, so that a freed one always
// fits. A freed run may be handed out again at once: who still reads it has to check
// afterwards. The first page with room is taken, so that a table which shrinks
// leaves whole pages empty. Writers only.
type chunks struct {
	pages *pages
	of    []chunkPage
	first int // no page before has a free chunk
	used  int
	warm  int
}

type chunkPage struct {
	memory unsafe.Pointer
	used   uint64 // a bit for each chunk
	warm   uint64 // of those that are free, which have memory
}

// chunk is a run of records. Its content is what was there before.
type chunk struct {
	records unsafe.Pointer
	number  uint32
}

func (c chunk) record(i uint64) *record { return recordAt(c.records, i) }

// recordAt is one of a chunk, whatever the higher bits of i. Going by a pointer to
// an array instead, the compiler would have its first record looked at.
func recordAt(first unsafe.Pointer, i uint64) *record {
	return (*record)(unsafe.Add(first, i&(chunkRecords-1)*uint64(unsafe.Sizeof(record{}))))
}

func (c *chunks) take() chunk {
	for c.first < len(c.of) && c.of[c.first].used == allChunks {
		c.first++
	}
	if c.first == len(c.of) {
		c.of = append(c.of, chunkPage{memory: c.pages.take(true)})
	}
	p := &c.of[c.first]
	i := bits.TrailingZeros64(^p.used)
	c.warm -= int(p.warm >> i & 1)
	p.used |= 1 << i
	p.warm &^= 1 << i
	c.used++
	return chunk{unsafe.Add(p.memory, i*chunkSize), uint32(c.first*pageChunks + i)}
}

func (c *chunks) giveBack(given chunk) {
	page, bit := int(given.number)/pageChunks, uint64(1)<<(int(given.number)%pageChunks)
	p := &c.of[page]
	p.used &^= bit
	c.used--
	c.first = min(c.first, page)
	switch {
	case p.used == 0:
		c.warm -= bits.OnesCount64(p.warm)
		p.warm = 0
		discard(p.memory, pageSize)
	case (c.warm+1)*warmChunks > c.used:
		discard(given.records, chunkSize)
	default:
		p.warm |= bit
		c.warm++
	}
}
