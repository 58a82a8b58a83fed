package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"maskline/testbench/figures"
)

// measureSessions makes sessions, and reads them.
func measureSessions(ctx context.Context, c config) (_ string, err error) {
	r, err := newRig(ctx, c, "")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	m := &maker{series: "00"}
	makes := &load{rig: r, key: r.admin, connections: c.connections, one: m.create}
	reads := &load{rig: r, key: r.admin, connections: c.connections, one: m.read}
	var made, read []*times
	for range c.rounds {
		for _, part := range []struct {
			of    *load
			lasts time.Duration
			all   *[]*times
		}{{makes, 15 * time.Second, &made}, {reads, 5 * time.Second, &read}} {
			t, err := part.of.run(ctx, c.during(part.lasts))
			if err != nil {
				return "", err
			}
			*part.all = append(*part.all, t)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, `%d connections ask one after another, %s. A session has two people and two masks, of %d; it is durable and routes when
it is answered. CPU is of the edge alone; the store and the clients have the rest of the machine.

| request | a second | p50 ms | p99 ms | CPU µs each | bar |
|---|---|---|---|---|---|
`, c.connections, c.store(), masks)
	for _, row := range []struct {
		name, bar string
		all       []*times
	}{{"POST /v1/sessions", "4,000 a second, p99 50 ms", made}, {"GET /v1/sessions/{id}", "15,000 a second", read}} {
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s |\n", row.name, shown("%.0f", row.all, (*times).rate), shown("%.2f", row.all, (*times).p50),
			shown("%.2f", row.all, (*times).p99), shown("%.0f", row.all, (*times).each), row.bar)
	}
	return text.String(), nil
}

// figureOf is a figure of each run.
func figureOf[T any](all []T, of func(T) float64) (list []float64) {
	for _, one := range all {
		list = append(list, of(one))
	}
	return list
}

// shown is the median, and all runs.
func shown[T any](format string, all []T, of func(T) float64) string {
	var each []string
	list := figureOf(all, of)
	for _, one := range list {
		each = append(each, fmt.Sprintf(format, one))
	}
	return fmt.Sprintf("**"+format+"** (%s)", figures.Median(list), strings.Join(each, ", "))
}
