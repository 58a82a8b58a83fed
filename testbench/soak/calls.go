package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"maskline/testbench/exchange"
)

// callCounts are totals of calls.
type callCounts struct {
	made, answered, refused, failed int
	mute                            int // answered, with a side that heard nothing
	excused                         int // mute or failed with the edge being away
	packets                         int // RTP, received by both ends
	unmasked                        int // calls that showed another number than a mask
	unroutable                      int // calls answered 404
}

// callTally counts calls. Its methods may be called from any goroutine.
type callTally struct {
	mu     sync.Mutex
	counts callCounts
	away   []time.Time // when the edge began to be away
}

const (
	talk      = 2 * time.Second
	aboutAway = 10 * time.Second // how long a fault shows in calls
)

// call lets a rider or, back, a driver call the other.
func (w *world) call(ctx context.Context, i int, back bool) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin+talk)
	defer cancel()
	from, to, by := w.people.riders[i], w.people.riderDials[i], w.alfa
	if back {
		from, to, by = w.people.drivers[i], w.people.driverDials[i], w.bravo
	}
	began := time.Now()
	call, err := by.exchange.Call(ctx, w.sipAddr(), from.Reveal(), to.Reveal(), talk)
	w.calls.ended(&call, err, began, time.Now())
}

func (t *callTally) ended(call *exchange.Call, err error, began, ended time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.counts
	c.made++
	c.packets += call.Received
	if call.Code == 404 {
		c.unroutable++
	}
	bad := err != nil || call.Answered && call.Received == 0
	switch {
	case bad && t.wasAway(began, ended):
		c.excused++
	case err != nil:
		c.failed++
	case !call.Answered:
		c.refused++
	case call.Received == 0:
		c.mute++
	default:
		c.answered++
	}
}

// callees is told of the calls that the carriers' phones took.
func (t *callTally) callees(calls []exchange.Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range calls {
		t.counts.packets += c.Received
		if !isMask(c.Peer) {
			t.counts.unmasked++
		}
	}
}

// isMask reports whether a number is one of the masks.
func isMask(number string) bool {
	const start = "+442079460"
	return len(number) == len(start)+3 && number[:len(start)] == start
}

func (t *callTally) wentAway(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.away = append(t.away, now)
}

func (t *callTally) wasAway(began, ended time.Time) bool {
	for _, at := range t.away {
		if began.Before(at.Add(aboutAway)) && ended.After(at) {
			return true
		}
	}
	return false
}

func (t *callTally) now() callCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// faults lists what must not have happened.
func (t *callTally) faults() []string {
	c := t.now()
	var all []string
	for _, f := range []struct {
		n    int
		what string
	}{
		{c.failed, "calls failed with all peers well"},
		{c.mute, "calls were mute with all peers well"},
		{c.unmasked, "calls showed another number than a mask"},
		{c.unroutable, "calls were refused with 404 that could be routed"},
	} {
		if f.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	return all
}
