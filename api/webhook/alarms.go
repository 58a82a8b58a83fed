package webhook

import (
	"container/heap"
	"time"
)

// alarms are the times at which something may be posted again.
type alarms struct{ list alarmHeap }

type alarm struct {
	at time.Time
	of *endpoint
	on *lane // nil: the endpoint as a whole
}

// set adds one. Those that are no longer needed do nothing.
func (a *alarms) set(at time.Time, of *endpoint, on *lane) { heap.Push(&a.list, alarm{at, of, on}) }

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
