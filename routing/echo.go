package routing

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// LoopConfig says when a message that goes round is taken for one.
type LoopConfig struct {
	Repeats int           // the same message delivered so often is not taken again; 0: not looked at
	Within  time.Duration // counted in this time
}

// echoes counts how often a message with the same addresses and content was
// delivered of late. It keeps fingerprints alone, in a fixed amount of memory:
// where more messages pass than it has cells, those that repeat stay longest.
// The look at a message that comes brings its cells near for the count that
// follows its delivery, and waits for nothing: to keep those that repeat in a
// smaller table besides, so that only the count touches this one, cost more.
// All methods may be called from any goroutine; a count may be missed where two
// meet.
type echoes struct {
	limit uint64
	slice int64 // nanoseconds; a count lives for echoSlices of them
	key   uint64
	cells [echoCells]atomic.Uint64
}

// A cell is a tag of 32 bits, the slice of its first count (16) and the count (16).
const (
	echoCells  = 1 << 18
	echoSlices = 8
	maxEchoes  = 1<<16 - 1
)

func newEchoes(cfg LoopConfig) *echoes {
	if cfg.Repeats <= 0 {
		return nil
	}
	return &echoes{
		limit: uint64(min(cfg.Repeats, maxEchoes-1)), slice: max(int64(cfg.Within)/echoSlices, 1), key: rand.Uint64() | 1,
	}
}

func (e *echoes) place(fingerprint uint64) (cell int, tag uint64) {
	h := (fingerprint ^ e.key) * 0x9E3779B97F4A7C15
	h ^= h >> 29
	return int(h & (echoCells - 1)), h >> 32
}

func (e *echoes) sliceOf(now time.Time) uint64 { return uint64(now.UnixNano()/e.slice) & 0xFFFF }

// counted is the count of a cell for a tag, 0 where it is another's or too old.
func counted(cell, tag, slice uint64) uint64 {
	if cell>>32 != tag || (slice-cell>>16)&0xFFFF >= echoSlices {
		return 0
	}
	return cell & 0xFFFF
}

// tooMany reports whether the message was delivered as often as is allowed. A
// fingerprint of 0 never was.
func (e *echoes) tooMany(fingerprint uint64, now time.Time) bool {
	if fingerprint == 0 {
		return false
	}
	i, tag := e.place(fingerprint)
	slice := e.sliceOf(now)
	return max(counted(e.cells[i].Load(), tag, slice), counted(e.cells[i^1].Load(), tag, slice)) >= e.limit
}

// add counts a delivery. Of the two cells that a fingerprint may have, a new
// one takes the older or less counted.
func (e *echoes) add(fingerprint uint64, now time.Time) {
	if fingerprint == 0 {
		return
	}
	i, tag := e.place(fingerprint)
	slice := e.sliceOf(now)
	weakest, least := i, uint64(maxEchoes+1)
	for _, at := range [2]int{i, i ^ 1} {
		cell := e.cells[at].Load()
		if n := counted(cell, tag, slice); n > 0 {
			if n < maxEchoes {
				e.cells[at].CompareAndSwap(cell, cell+1)
			}
			return
		}
		if n := counted(cell, cell>>32, slice); n < least {
			weakest, least = at, n
		}
	}
	e.cells[weakest].Store(tag<<32 | slice<<16 | 1)
}
