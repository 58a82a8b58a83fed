package sip

import (
	"container/heap"
	"sync"
	"time"
)

// alarm is a wake-up in the timers. Its fields belong to the timers' lock.
type alarm struct {
	fire func()
	at   time.Time
	slot int // place in the heap and 1; 0: not set
}

// timers wakes calls and probes: one goroutine and one heap for all of them.
type timers struct {
	mu     sync.Mutex
	heap   alarms
	nudge  chan struct{} // the first alarm has become earlier
	closed chan struct{}
}

func newTimers() *timers {
	return &timers{nudge: make(chan struct{}, 1), closed: make(chan struct{})}
}

// set wakes a at the given time at the latest; an earlier alarm stays.
func (t *timers) set(a *alarm, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case a.slot == 0:
		a.at = at
		heap.Push(&t.heap, a)
	case at.Before(a.at):
		a.at = at
		heap.Fix(&t.heap, a.slot-1)
	default:
		return
	}
	if a.slot == 1 {
		select {
		case t.nudge <- struct{}{}:
		default:
		}
	}
}

// clear forgets an alarm.
func (t *timers) clear(a *alarm) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.slot != 0 {
		heap.Remove(&t.heap, a.slot-1)
	}
}

// run fires alarms until close. An alarm is off before it fires.
func (t *timers) run() {
	wait := time.NewTimer(time.Hour)
	defer wait.Stop()
	for {
		now := time.Now()
		for a := t.due(now); a != nil; a = t.due(now) {
			a.fire()
		}
		wait.Reset(t.pause(now))
		select {
		case <-t.closed:
			return
		case <-t.nudge:
		case <-wait.C:
		}
	}
}

func (t *timers) close() { close(t.closed) }

func (t *timers) due(now time.Time) *alarm {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 || now.Before(t.heap[0].at) {
		return nil
	}
	return heap.Pop(&t.heap).(*alarm)
}

// lag is by how much the first alarm is late.
func (t *timers) lag(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return 0
	}
	return max(now.Sub(t.heap[0].at), 0)
}

func (t *timers) pause(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return time.Hour
	}
	return max(t.heap[0].at.Sub(now), 0)
}

// fewAlarms is a heap that is not worth making smaller.
const fewAlarms = 1024

// alarms is the heap, earliest first.
type alarms []*alarm

func (h alarms) Len() int           { return len(h) }
func (h alarms) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i+1, j+1
}

// Push adds an alarm; it is for package heap.
func (h *alarms) Push(x any) {
	a := x.(*alarm)
	*h = append(*h, a)
	a.slot = len(*h)
}

// Pop removes the last alarm; it is for package heap.
func (h *alarms) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	if cap(*h) > fewAlarms && last*8 < cap(*h) {
		*h = append(make(alarms, 0, 2*last), *h...)
	}
	a.slot = 0
	return a
}
