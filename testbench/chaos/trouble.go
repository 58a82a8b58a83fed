package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"maskline/testbench/smppload"
)

// trouble is a way in which a carrier fails for a while.
type trouble struct {
	name   string
	faults smppload.Faults
	flaps  bool // its connections are reset again and again
}

func troubles() []trouble {
	return []trouble{
		{name: "throttles", faults: smppload.Faults{Throttle: 1}},
		{name: "throttles some", faults: smppload.Faults{Throttle: 0.3}},
		{name: "errs", faults: smppload.Faults{Errors: 0.5}},
		{name: "is silent", faults: smppload.Faults{Silence: 1}},
		{name: "is late", faults: smppload.Faults{Delay: 1, DelayBy: 300 * time.Millisecond}},
		{name: "is too late", faults: smppload.Faults{Delay: 1, DelayBy: 3 * time.Second}}, // than response_timeout
		{name: "resets", faults: smppload.Faults{Reset: 0.01}},
		{name: "closes", faults: smppload.Faults{Close: 0.01}},
		{name: "reads nothing", faults: smppload.Faults{Stall: 1, StallFor: 2 * time.Second}},
		{name: "flaps", flaps: true},
	}
}

const (
	troubleFor = 3 * time.Second // at most
	flapEvery  = 150 * time.Millisecond
	awayFor    = time.Second // at most, of a killed edge
)

// tally counts what was done to the edge.
type tally struct {
	mu       sync.Mutex
	kills    int
	troubles map[string]int
	faults   []string
}

func (t *tally) troubled(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.troubles == nil {
		t.troubles = map[string]int{}
	}
	t.troubles[name]++
}

func (t *tally) fault(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, fmt.Sprintf(format, args...))
}

// String lists it for people.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	words := []string{fmt.Sprintf("the edge was killed %d times", t.kills)}
	for _, kind := range troubles() {
		words = append(words, fmt.Sprintf("%s %d", kind.name, t.troubles[kind.name]))
	}
	return strings.Join(words, ", ")
}

// carrierTrouble lets one carrier of a load after another fail.
func (w *world) carrierTrouble(ctx context.Context, s *stream) {
	var work sync.WaitGroup
	defer work.Wait()
	for ctx.Err() == nil {
		pause(ctx, w.about(w.trouble))
		kinds := troubles()
		carrier, kind, length := w.chance(len(s.carriers)), kinds[w.chance(len(kinds))], time.Duration(w.chance(int(troubleFor)))
		w.tally.troubled(kind.name)
		work.Go(func() { s.suffer(ctx, carrier, kind, length) })
	}
}

// suffer is one carrier's trouble, from its beginning to its end.
func (s *stream) suffer(ctx context.Context, carrier int, kind trouble, length time.Duration) {
	defer s.bench.SetFaults(carrier, smppload.Faults{})
	s.bench.SetFaults(carrier, kind.faults)
	if !kind.flaps {
		pause(ctx, length)
		return
	}
	for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, flapEvery) {
		s.bench.Cut(carrier)
	}
}

// edgeTrouble kills the edge and starts it again, until ctx ends.
func (w *world) edgeTrouble(ctx context.Context) {
	for {
		pause(ctx, w.about(w.kill))
		if ctx.Err() != nil {
			return
		}
		if err := w.edge.Kill(); err != nil {
			w.tally.fault("killing the edge: %v", err)
			return
		}
		w.tally.mu.Lock()
		w.tally.kills++
		w.tally.mu.Unlock()
		pause(ctx, time.Duration(w.chance(int(awayFor))))
		e, err := w.edge.Again(context.WithoutCancel(ctx))
		if err != nil {
			w.tally.fault("starting again: %v", err)
			return
		}
		w.edge = e
	}
}

// pause waits, or less where ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
