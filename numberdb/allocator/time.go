package allocator

import (
	"math"
	"time"
)

// tick is a time in quarters of a second since 2020, which lasts until 2054.
type tick uint32

const (
	tickLength = 250 * time.Millisecond
	never      = tick(math.MaxUint32)
)

var tickZero = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// tickUp is the first tick at or after t, never for the zero time. Ends are
// rounded up: a mask is held a moment longer rather than shorter.
func tickUp(t time.Time) tick {
	if t.IsZero() {
		return never
	}
	up := t.Add(tickLength - time.Nanosecond)
	return tickDown(up)
}

// tickDown is the last tick at or before t.
func tickDown(t time.Time) tick {
	ms := t.UnixMilli() - tickZero
	return tick(min(max(ms, 0)/tickLength.Milliseconds(), int64(never)-1))
}

func (t tick) time() time.Time {
	if t == never {
		return time.Time{}
	}
	return time.UnixMilli(tickZero + int64(t)*tickLength.Milliseconds()).UTC()
}

// after is t and d, rounded up; never stays never.
func (t tick) after(d time.Duration) tick {
	if t == never {
		return never
	}
	d = max(d, 0)
	ticks := d / tickLength
	if d%tickLength > 0 {
		ticks++
	}
	return t.plus(tick(min(ticks, time.Duration(never))))
}

func (t tick) plus(n tick) tick {
	if t >= never-n {
		return never
	}
	return t + n
}
