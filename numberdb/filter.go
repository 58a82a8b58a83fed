package numberdb

import (
	"math/bits"
	"sync/atomic"

	"maskline/e164"
)

// filter answers at once for most numbers that are in no restriction: one bit
// stands for each number that is in one, and by chance for some others. Bits of
// numbers that have gone stay until the filter is made anew.
type filter struct {
	bits  atomic.Pointer[[]atomic.Uint64] // a power of two of them; nil: no number
	added int                             // since it was made; writers only
}

const (
	filterBits  = 16      // for each number
	smallFilter = 1 << 16 // bits
)

// mayHold is false only for numbers that were never added.
func (f *filter) mayHold(n e164.Number) bool {
	words := f.bits.Load()
	if words == nil {
		return false
	}
	i := bitOf(n, len(*words))
	return (*words)[i/64].Load()>>(i%64)&1 == 1
}

// add adds a number. Without bits there is nothing to add to: the filter is
// full and has to be made.
func (f *filter) add(n e164.Number) {
	f.added++
	if words := f.bits.Load(); words != nil {
		i := bitOf(n, len(*words))
		(*words)[i/64].Or(1 << (i % 64))
	}
}

func (f *filter) full() bool {
	words := f.bits.Load()
	return f.added > 0 && (words == nil || f.added*filterBits > 64*len(*words))
}

// remake makes the filter anew with room for twice the numbers that each gives.
func (f *filter) remake(count int, each func(add func(e164.Number))) {
	size := 1 << bits.Len(uint(max(2*count*filterBits, smallFilter)-1))
	words := make([]atomic.Uint64, size/64)
	f.added = 0
	each(func(n e164.Number) {
		i := bitOf(n, len(words))
		words[i/64].Or(1 << (i % 64))
		f.added++
	})
	f.bits.Store(&words)
}

// bitOf is the place of a number among 64 bits for each word.
func bitOf(n e164.Number, words int) uint64 {
	return uint64(n) * 0x9E3779B97F4A7C15 >> (64 - 6 - bits.TrailingZeros(uint(words)))
}
