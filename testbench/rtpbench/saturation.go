package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/testbench/rtpload"
)

const (
	saturation  = "saturation" // the name of what follows, for -only
	threadShare = 25           // per cent of a core that each of the edge's threads for packets has
	// fullCalls is how many calls there are for each: 100 packets a second and call, more than a
	// thread can relay in that time.
	fullCalls = 600
	fillUp    = 2 * time.Second // until all buffers are full
)

// full is what an edge relayed that was offered more.
type full struct {
	offered, relayed float64 // packets a second
	busy             float64 // how much of the CPU time that it might use it has used
}

// lacking reports whether it lacked something else than CPU time.
func (f full) lacking() bool { return f.relayed > 0.95*f.offered || f.busy < 0.9 }

// writeSaturation measures what one thread carries and what two do, when each has a part of a core of
// its own and is given more than it can relay. The generator has the rest of both cores in
// either case.
func (r *rig) writeSaturation(ctx context.Context, t *strings.Builder) error {
	runs := map[string][2][]full{}
	for round := range r.rounds {
		for _, b := range backends[:2] {
			of := runs[b]
			for i := range of {
				progress("round %d of %d: %s, %d full threads", round+1, r.rounds, b, i+1)
				one, err := r.saturate(ctx, b, i+1)
				if errors.Is(err, errNoQuota) {
					fmt.Fprintf(t, "\nWhat full threads carry was not measured: %v.\n", err)
					return nil
				}
				if err != nil {
					return fmt.Errorf("%s, %d full threads: %w", b, i+1, err)
				}
				of[i] = append(of[i], one)
			}
			runs[b] = of
		}
	}
	fmt.Fprintf(t, `
| full threads, each with %d %% of a core, %d calls for each | one: packets/s relayed | offered | two: relayed | offered | so two carry | first bar |
|---|---|---|---|---|---|---|
`, threadShare, fullCalls*r.share/100)
	for _, b := range backends[:2] {
		one, two := runs[b][0], runs[b][1]
		fmt.Fprintf(t, "| %s | %s | %.0f | %s | %.0f | %s | 1.7 times |\n", b, several("%.0f", relayed(one)), offered(one),
			several("%.0f", relayed(two)), offered(two), scaled(one, two))
	}
	t.WriteString(`
The edge has one core or both, and may use so much of each as is said, measured out every 10 ms; the generator has what is left of both. So
neither lacks anything but what is measured, and threads that hold each other up carry less than twice as much.
`)
	return nil
}

func relayed(all []full) (v []float64) {
	for _, f := range all {
		v = append(v, f.relayed)
	}
	return v
}

// offered is the least.
func offered(all []full) float64 {
	least := all[0].offered
	for _, f := range all {
		least = min(least, f.offered)
	}
	return least
}

// scaled is the ratios of the rounds, unless one of them was not full.
func scaled(one, two []full) string {
	var ratios []float64
	for i := range one {
		if one[i].lacking() || two[i].lacking() || one[i].relayed == 0 {
			return "not full: nothing can be told"
		}
		ratios = append(ratios, two[i].relayed/one[i].relayed)
	}
	return several("%.2f times", ratios)
}

// saturate runs a fresh edge with so many threads.
func (r *rig) saturate(ctx context.Context, backend string, threads int) (f full, err error) {
	if err := pin(relayCore, generatorCore); err != nil {
		return f, err
	}
	cores := fmt.Sprint(relayCore)
	if threads > 1 {
		cores = fmt.Sprintf("%d,%d", relayCore, generatorCore)
	}
	s, err := r.startEdge(ctx, backend, "port", cores)
	if err != nil {
		return f, err
	}
	lift := func() error { return nil }
	defer func() { err = errors.Join(err, s.close(), lift()) }() // a group is left by those that end
	l, err := rtpload.New(rtpload.Config{Relay: s.relay, A: partyA, B: partyB, Threads: 2})
	if err != nil {
		return f, err
	}
	defer l.Close()
	if _, err := l.Connect(ctx, threads*fullCalls*r.share/100); err != nil {
		return f, err
	}
	limited, err := hostQuotas.limit(s.child.PID(), threads*threadShare)
	if err != nil {
		return f, err
	}
	lift = limited
	l.Talk()
	if err := sleep(ctx, r.during(fillUp)); err != nil {
		return f, err
	}
	idle, err := s.used()
	if err != nil {
		return f, err
	}
	before, began := l.Report(), time.Now()
	if err := sleep(ctx, r.during(window)); err != nil {
		return f, err
	}
	got, seconds := l.Report().Since(before), time.Since(began).Seconds()
	used, err := s.used()
	return full{
		offered: float64(got.Sent) / seconds, relayed: float64(got.Received) / seconds,
		busy: used.since(idle).relay.Seconds() * 100 / float64(threads*threadShare) / seconds,
	}, err
}
