package smpp

import (
	"strconv"
	"sync/atomic"
	"time"
)

// ids gives numbers that are unique across restarts: they go on from the
// milliseconds at the start, 2^20 of them to a millisecond, which is more than
// the edge ever gives. As text they have at most 19 decimal digits and nothing
// else, so nobody can take them for hexadecimal.
type ids struct{ last atomic.Uint64 }

// idEpoch keeps the numbers below 2^63 until the year 2298.
const idEpoch = 1_577_836_800_000 // 2020-01-01 in Unix milliseconds

const idsPerMilli = 20 // bits

func (i *ids) start(now time.Time) {
	i.last.Store(uint64(now.UnixMilli()-idEpoch) << idsPerMilli)
}

// raise keeps what was given before the restart from being given again, should
// the clock have gone back.
func (i *ids) raise(known uint64) {
	for {
		last := i.last.Load()
		if known <= last || i.last.CompareAndSwap(last, known) {
			return
		}
	}
}

func (i *ids) next() uint64 { return i.last.Add(1) }

func appendID(dst []byte, id uint64) []byte { return strconv.AppendUint(dst, id, 10) }
