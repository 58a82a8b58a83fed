package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/figures"
)

// solo measures the edge alone.
func (r *rig) solo(ctx context.Context) (string, error) {
	var t strings.Builder
	t.WriteString(figures.Head("Calls, the edge alone", "make bench-sip"+r.arguments()))
	fmt.Fprintf(&t, `A call is INVITE, 180, 50 ms, 200, ACK, half a second, BYE, over UDP from one carrier to another, with four media ports and
without RTP. Each is looked up among %d bindings, counted and logged.

`, r.bindings)
	for _, step := range []func(context.Context, *strings.Builder) error{r.soloRates, r.soloSustained, r.soloEstablished} {
		if err := r.fresh(ctx, &t, step); err != nil {
			return "", err
		}
	}
	return t.String(), nil
}

// fresh runs a step on an edge of its own.
func (r *rig) fresh(ctx context.Context, t *strings.Builder, step func(context.Context, *strings.Builder) error) error {
	if _, err := r.startEdge(ctx); err != nil {
		return err
	}
	if err := step(ctx, t); err != nil {
		return err
	}
	return r.stopEdge()
}

func (r *rig) target() *target {
	return &target{pid: r.edge.PID(), addr: r.edge.Listeners().SIP[0].String()}
}

func (r *rig) soloRates(ctx context.Context, t *strings.Builder) error {
	t.WriteString(tableHead)
	for _, rate := range append(append([]int{}, compared...), ramp...) {
		var all []sample
		for range r.rounds {
			s, err := r.measure(ctx, r.target(), load{rate: rate, last: r.during(rampFor)})
			if err != nil {
				return err
			}
			all = append(all, s)
		}
		t.WriteString(row("edge", rate, all))
	}
	return nil
}

const (
	sustainedRate = 1500
	sustainedFor  = 67 * time.Second // 100,000 calls
	keptFor       = 32 * time.Second // ended calls, for their transactions
	establish     = 1000
	establishRate = 200
)

// soloSustained runs a rate for a minute and looks at memory on the way, then at
// what is left when all of it is over.
func (r *rig) soloSustained(ctx context.Context, t *strings.Builder) error {
	warm, err := r.measure(ctx, r.target(), load{rate: compared[0], last: r.during(rampFor)})
	if err != nil {
		return err
	}
	before, err := r.rest(ctx)
	if err != nil {
		return err
	}
	var seen []int64
	ended := make(chan struct{})
	watched := make(chan struct{})
	last := r.during(sustainedFor)
	go func() {
		defer close(watched)
		tick := time.NewTicker(last / 6)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if m, err := r.target().memory(); err == nil {
					seen = append(seen, m)
				}
			case <-ended:
				return
			}
		}
	}()
	s, err := r.measure(ctx, r.target(), load{rate: sustainedRate, last: last})
	close(ended)
	<-watched
	if err != nil {
		return err
	}
	after, err := r.rest(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "\n| %v at %d calls/s | |\n|---|---|\n", last, sustainedRate)
	fmt.Fprintf(t, "| calls, failed, repeated | %d, %d, %d |\n", s.calls, s.failed, s.repeated)
	fmt.Fprintf(t, "| CPU ms per call | %.2f |\n", s.cpu)
	fmt.Fprintf(t, "| memory each %v, MB | %s |\n", last/6, list("%.0f", megabytes(seen)))
	fmt.Fprintf(t, "| at rest, 32 s after %d calls / 32 s after %d more: heap MB | %.2f / %.2f |\n", warm.calls, s.calls, before.heap/(1<<20), after.heap/(1<<20))
	fmt.Fprintf(t, "| goroutines | %.0f / %.0f |\n| descriptors | %.0f / %.0f |\n", before.goroutines, after.goroutines, before.descriptors, after.descriptors)
	return nil
}

// resting is what the edge holds when nothing happens.
type resting struct{ heap, goroutines, descriptors float64 }

// rest waits until ended calls are forgotten, has the garbage collected and
// returns what is held.
func (r *rig) rest(ctx context.Context) (resting, error) {
	select {
	case <-time.After(keptFor):
	case <-ctx.Done():
		return resting{}, ctx.Err()
	}
	output, code, err := r.edge.Run(ctx, "profile", "heap")
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d: %.200s", code, output)
	}
	if err != nil {
		return resting{}, fmt.Errorf("collecting the edge's garbage: %w", err)
	}
	least, err := r.held(ctx)
	for range 4 { // the scrape's own connection has one goroutine or two
		h, again := r.held(ctx)
		err = errors.Join(err, again)
		least = resting{min(least.heap, h.heap), min(least.goroutines, h.goroutines), min(least.descriptors, h.descriptors)}
	}
	return least, err
}

func (r *rig) held(ctx context.Context) (h resting, err error) {
	_, body, err := r.edge.Get(ctx, "/metrics")
	if err != nil {
		return h, err
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_gc_heap_live_bytes":
			h.heap = n
		case "go_goroutines":
			h.goroutines = n
		case "process_open_fds":
			h.descriptors = n
		}
	}
	return h, nil
}

// soloEstablished holds calls and looks at what each takes.
func (r *rig) soloEstablished(ctx context.Context, t *strings.Builder) error {
	warm := load{rate: establishRate, last: time.Second}
	if _, err := r.measure(ctx, r.target(), warm); err != nil {
		return err
	}
	before, err := r.target().memory()
	if err != nil {
		return err
	}
	type outcome struct {
		s   sample
		err error
	}
	done := make(chan outcome, 1)
	const setUp = establish / establishRate * time.Second
	go func() {
		s, err := r.measure(ctx, r.target(), load{rate: establishRate, last: setUp, talk: 3 * setUp})
		done <- outcome{s, err}
	}()
	select {
	case <-time.After(2 * setUp):
	case <-ctx.Done():
	}
	during, err := r.target().memory()
	if err != nil {
		return err
	}
	o := <-done
	if o.err != nil {
		return o.err
	}
	fmt.Fprintf(t, "\n| %d calls held | |\n|---|---|\n| failed | %d |\n| memory per established call, signalling and media, kernel's sockets aside, KB | %.1f |\n",
		establish, o.s.failed, float64(during-before)/establish/1024)
	return nil
}
