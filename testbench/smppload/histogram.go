package smppload

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most 3 % wide, from 32 ns
// to 18 minutes. It is used by one goroutine.
type histogram struct {
	counts [(maxExponent - fineBits + 1) << fineBits]uint32
	total  uint64
	max    int64
}

const (
	fineBits    = 5
	maxExponent = 40
)

func bucketOf(v int64) int {
	if v < 1<<fineBits {
		return int(max(v, 0))
	}
	exponent := bits.Len64(uint64(v)) - 1
	if exponent >= maxExponent {
		return len(histogram{}.counts) - 1
	}
	return (exponent-fineBits)<<fineBits + int(v>>(exponent-fineBits))
}

// upperOf is the longest duration of a bucket.
func upperOf(bucket int) int64 {
	if bucket < 2<<fineBits {
		return int64(bucket)
	}
	shift := bucket>>fineBits - 1
	return int64(bucket&(1<<fineBits-1)|1<<fineBits+1)<<shift - 1
}

func (h *histogram) add(v int64) {
	h.counts[bucketOf(v)]++
	h.total++
	h.max = max(h.max, v)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// percentile is what so many of 100 are at most; 0 where there is nothing.
func (h *histogram) percentile(p float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := max(1, uint64(p/100*float64(h.total)+0.5))
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); seen >= rank {
			return time.Duration(min(upperOf(i), h.max))
		}
	}
	return time.Duration(h.max)
}
