package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/testbench/figures"
)

// The loads of both, in order: those that are compared, then how far it goes.
var (
	compared = []int{150, 300, 500}
	ramp     = []int{1000, 1500, 2000, 2250, 2500, 2750, 3000, 3500, 4000}
)

const (
	comparedFor = 4 * time.Second
	rampFor     = 3 * time.Second
)

// contender is one of those that are measured side by side.
type contender struct {
	name   string
	start  func(context.Context) (*target, error)
	stop   func() error
	runs   map[int][]sample // by rate
	clean  []int            // the highest rate without a fault, of each round
	at     []float64        // CPU ms a call there
	memory []int64          // after the loads that are compared
}

func (r *rig) sideBySide(ctx context.Context) (string, error) {
	version, err := kamailioVersion(ctx)
	if err != nil {
		return "", err
	}
	edge := &contender{name: "edge", start: r.startEdge, stop: r.stopEdge, runs: map[int][]sample{}}
	peer := r.kamailioContender()
	for range r.rounds {
		for _, c := range []*contender{edge, peer} {
			if err := r.round(ctx, c); err != nil {
				return "", fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return r.compare(version, edge, peer), nil
}

func (r *rig) kamailioContender() *contender {
	var k *kamailio
	return &contender{
		name: "Kamailio with topoh", runs: map[int][]sample{},
		start: func(ctx context.Context) (_ *target, err error) {
			if k, err = r.startKamailio(ctx); err != nil {
				return nil, err
			}
			return k.target(), nil
		},
		stop: func() error { return k.stop() },
	}
}

// round measures a fresh process.
func (r *rig) round(ctx context.Context, c *contender) (err error) {
	t, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	for _, rate := range compared {
		s, err := r.measure(ctx, t, load{rate: rate, last: r.during(comparedFor)})
		if err != nil {
			return err
		}
		c.runs[rate] = append(c.runs[rate], s)
	}
	memory, err := t.memory()
	if err != nil {
		return err
	}
	c.memory = append(c.memory, memory)
	clean, at := 0, 0.0
	for _, rate := range ramp {
		s, err := r.measure(ctx, t, load{rate: rate, last: r.during(rampFor)})
		if err != nil {
			return err
		}
		if !s.clean() {
			break
		}
		clean, at = rate, s.cpu
	}
	c.clean, c.at = append(c.clean, clean), append(c.at, at)
	return nil
}

func (r *rig) compare(version string, edge, peer *contender) string {
	var t strings.Builder
	t.WriteString(figures.Head("Kamailio beside it", "make bench-peers"+r.arguments()))
	fmt.Fprintf(&t, `%s as a stateful proxy with 4 workers, dispatcher, From and Request-URI rewritten, topoh for Call-ID, Contact and Via;
its numbers are constants and it relays no media. The edge looks each call up among %d bindings, takes and gives back four
media ports a call, and counts and logs it. The same SIPp plays both carriers; a call is INVITE, 180, 50 ms, 200, ACK, half
a second, BYE. A fresh process of each in turn, %d rounds.

`, version, r.bindings, r.rounds)
	t.WriteString(tableHead)
	for _, rate := range compared {
		for _, c := range []*contender{edge, peer} {
			t.WriteString(row(c.name, rate, c.runs[rate]))
		}
	}
	t.WriteString("\n| edge to Kamailio, medians | CPU per call | first bar |\n|---|---|---|\n")
	for _, rate := range compared {
		fmt.Fprintf(&t, "| %d calls/s | %.2f times | 0.85 times |\n", rate, median(edge.runs[rate])/max(median(peer.runs[rate]), 0.001))
	}
	fmt.Fprintf(&t, "\n| steps of %v, upwards | highest rate without a failed or repeated message, each round | CPU ms per call there | memory after 500/s, MB |\n|---|---|---|---|\n", rampFor)
	for _, c := range []*contender{edge, peer} {
		fmt.Fprintf(&t, "| %s | %s | %s | %s |\n", c.name, list("%d", c.clean), list("%.2f", c.at), list("%.0f", megabytes(c.memory)))
	}
	return t.String()
}

func list[T any](format string, all []T) string {
	var words []string
	for _, v := range all {
		words = append(words, fmt.Sprintf(format, v))
	}
	return strings.Join(words, ", ")
}

func megabytes(all []int64) (v []float64) {
	for _, n := range all {
		v = append(v, float64(n)/(1<<20))
	}
	return v
}
