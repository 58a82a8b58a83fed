package webhook

import (
	"container/heap"
	"slices"
	"time"
)

// alarms are the times at which something may be posted again. Those that are no
// longer needed do nothing, and are at most as many as the others and some.
type alarms struct {
	list  alarmHeap
	sweep int // so many are looked through; 0: leastSweep
}

const leastSweep = 1024

type alarm struct {
	at time.Time
	of *endpoint
	on *lane // nil: the endpoint as a whole
}

// set adds one.
func (a *alarms) set(at time.Time, of *endpoint, on *lane) {
	if len(a.list) >= max(a.sweep, leastSweep) {
		a.list = slices.DeleteFunc(a.list, func(x alarm) bool { return x.stale() })
		heap.Init(&a.list)
		a.sweep = 2 * len(a.list)
	}
	heap.Push(&a.list, alarm{at, of, on})
}

// stale reports whether nobody waits for it: what does has another one, or is gone.
// Without that, an endpoint which is away for hours and comes back every few minutes
// would gather them.
func (x *alarm) stale() bool {
	switch {
	case x.of.dropped:
		return true
	case x.on == nil:
		return !x.at.Equal(x.of.told)
	default:
		return len(x.on.items) == 0 || !x.at.Equal(x.on.items[0].Next)
	}
}

// next is in how long the first is due.
func (a *alarms) next(now time.Time) time.Duration {
	if len(a.list) == 0 {
		return time.Hour
	}
	return max(0, a.list[0].at.Sub(now))
}

// due offers what is due, and puts the endpoints into the ring.
func (a *alarms) due(now time.Time, ring []*endpoint) []*endpoint {
	for len(a.list) > 0 && !a.list[0].at.After(now) {
		x, _ := heap.Pop(&a.list).(alarm)
		if x.of.dropped {
			continue
		}
		if x.on != nil {
			x.of.offer(x.on)
		}
		if !x.of.inRing {
			x.of.inRing = true
			ring = append(ring, x.of)
		}
	}
	return ring
}

type alarmHeap []alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarmHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is heap's.
func (h *alarmHeap) Push(x any) {
	if a, is := x.(alarm); is {
		*h = append(*h, a)
	}
}

// Pop is heap's.
func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = alarm{}
	*h = (*h)[:last]
	return x
}
