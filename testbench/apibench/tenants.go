package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/testbench/figures"
)

// Tenants: one asks at a steady pace; one floods and is held to its limits; one
// floods and has none.
const (
	tenants = `tenants:
  - {name: quiet}
  - {name: held, rps: 50, inflight: 8}
  - {name: loud, inflight: 1000000}
`
	quietRate        = 100
	quietConnections = 8
	floodConnections = 128
)

// beside is what the quiet tenant heard, and what became of the flood beside it.
type beside struct{ quiet, flood *times }

// measureTenants asks for one tenant, alone and beside floods of others.
func measureTenants(ctx context.Context, c config) (_ string, err error) {
	r, err := newRig(ctx, c, tenants)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	loads := map[string]*load{}
	for i, name := range []string{"quiet", "held", "loud"} {
		m := &maker{series: fmt.Sprintf("%02d", i+1)}
		l := &load{rig: r, connections: floodConnections, one: m.create}
		if l.key, err = r.keyOf(ctx, name); err != nil {
			return "", err
		}
		loads[name] = l
	}
	loads["quiet"].rate, loads["quiet"].connections = quietRate, quietConnections
	rows := []struct {
		name  string
		flood *load
		all   []beside
	}{
		{name: "alone"},
		{name: "another tenant floods, held to 50 a second and 8 under way", flood: loads["held"]},
		{name: "another tenant floods, without limits", flood: loads["loud"]},
	}
	for range c.rounds {
		for i := range rows {
			b, err := r.besides(ctx, loads["quiet"], rows[i].flood)
			if err != nil {
				return "", err
			}
			rows[i].all = append(rows[i].all, b)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, `POST /v1/sessions of a tenant, %d a second over %d connections, %s. The other tenant asks for sessions by %d connections, each as
soon as the one before is answered, refused or not. A request that goes out late counts from when it was due.

| | p50 ms | p99 ms | of the flood let in a second | refused a second |
|---|---|---|---|---|
`, quietRate, quietConnections, c.store(), floodConnections)
	for _, row := range rows {
		let, refused := "", ""
		if row.flood != nil {
			let = shown("%.0f", row.all, func(b beside) float64 { return b.flood.rate() })
			refused = shown("%.0f", row.all, func(b beside) float64 { return float64(b.flood.limited) / b.flood.over.Seconds() })
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", row.name, shown("%.2f", row.all, quietP50), shown("%.2f", row.all, quietP99), let, refused)
	}
	alone, held := figures.Median(figureOf(rows[0].all, quietP99)), figures.Median(figureOf(rows[1].all, quietP99))
	fmt.Fprintf(&text, "\nBeside a flood that is held to its limits the p99 is %.2f times that alone; the bar is unchanged.\n", held/alone)
	return text.String(), nil
}

func quietP50(b beside) float64 { return b.quiet.p50() }
func quietP99(b beside) float64 { return b.quiet.p99() }

// besides runs the quiet load, and the flood from a moment before to its end.
func (r *rig) besides(ctx context.Context, quiet, flood *load) (b beside, err error) {
	const lasts, before = 10 * time.Second, 500 * time.Millisecond
	flooding, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	if flood == nil {
		ended <- nil
	} else {
		go func() {
			var err error
			b.flood, err = flood.run(flooding, 2*lasts)
			ended <- err
		}()
	}
	pause(ctx, before)
	b.quiet, err = quiet.run(ctx, r.during(lasts))
	stop()
	return b, errors.Join(err, <-ended)
}
