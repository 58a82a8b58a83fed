package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"maskline/testbench/figures"
	"maskline/testbench/smppload"
)

const (
	relayRate     = 5_000
	relayWindow   = 500
	relayBindings = 10_000

	relayText = `tenants: [{name: shop}]
carriers:
  - name: in
    priority: 10
    prefixes: ["999"] # nothing is sent there
    smpp: [{addr: "%s", system_id: bench, window: 500, reconnect: {min: 50ms, max: 200ms, per_minute: 0}}]
  - name: out
    priority: 20
    smpp: [{addr: "%s", system_id: bench, window: 500, reconnect: {min: 50ms, max: 200ms, per_minute: 0}}]
`
)

// relayed is what a run of messages has shown, and the API traffic beside it.
type relayed struct {
	*smppload.Report
	api *times // nil: there was none
}

func transitP99(r relayed) float64 { return r.Transit.P99 }

// measureRelay relays messages, alone and beside the API.
func measureRelay(ctx context.Context, c config) (_ string, err error) {
	in, err := freeAddr(ctx)
	if err != nil {
		return "", err
	}
	out, err := freeAddr(ctx)
	if err != nil {
		return "", err
	}
	r, err := newRig(ctx, c, fmt.Sprintf(relayText, in, out))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	plan := smppload.Generate(relayBindings)
	var csv bytes.Buffer
	if err := plan.WriteCSV(&csv, "shop", ""); err != nil {
		return "", err
	}
	if err := r.edge.Import(ctx, csv.String()); err != nil {
		return "", err
	}
	m := &maker{series: "04"}
	makes := &load{rig: r, key: r.admin, connections: c.connections, one: m.create}
	reads := &load{rig: r, key: r.admin, connections: c.connections, one: m.read}
	rows := []struct {
		name string
		api  *load
		all  []relayed
	}{{name: "alone"}, {name: "beside POST /v1/sessions", api: makes}, {name: "beside GET /v1/sessions/{id}", api: reads}}
	for range c.rounds {
		for i := range rows {
			one, err := r.relay(ctx, smppload.Config{
				In:   smppload.Side{Role: smppload.SMSC, Addr: in},
				Outs: []smppload.Side{{Role: smppload.SMSC, Addr: out}},
				Plan: plan, Window: relayWindow, Rate: relayRate, Duration: c.during(8 * time.Second),
			}, rows[i].api)
			if err != nil {
				return "", fmt.Errorf("%s: %w", rows[i].name, err)
			}
			rows[i].all = append(rows[i].all, one)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, `deliver_sm from one carrier, submit_sm to another, %d a second over one bind each, %d bindings. Beside it %d connections ask the
API one after another, %s. Generator, clients and store share the machine with the edge.

| messages | p50 ms | p99 ms | p99.9 ms | lost | requests a second |
|---|---|---|---|---|---|
`, relayRate, relayBindings, c.connections, c.store())
	for _, row := range rows {
		asked := ""
		if row.api != nil {
			asked = shown("%.0f", row.all, func(r relayed) float64 { return r.api.rate() })
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s |\n", row.name, shown("%.2f", row.all, func(r relayed) float64 { return r.Transit.P50 }),
			shown("%.2f", row.all, transitP99), shown("%.2f", row.all, func(r relayed) float64 { return r.Transit.P999 }),
			shown("%.0f", row.all, func(r relayed) float64 { return float64(r.Lost) }), asked)
	}
	alone := figures.Median(figureOf(rows[0].all, transitP99))
	for _, row := range rows[1:] {
		fmt.Fprintf(&text, "\n%s the p99 is %.2f times that alone; the bar is below 1.5.\n", strings.ToUpper(row.name[:1])+row.name[1:],
			figures.Median(figureOf(row.all, transitP99))/alone)
	}
	return text.String(), nil
}

// relay runs the messages, and the requests from before the first to after the last.
func (r *rig) relay(ctx context.Context, cfg smppload.Config, api *load) (one relayed, err error) {
	b, err := smppload.New(ctx, cfg)
	if err != nil {
		return one, err
	}
	asking, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	if api == nil {
		ended <- nil
	} else {
		go func() {
			var err error
			one.api, err = api.run(asking, time.Hour)
			ended <- err
		}()
	}
	one.Report, err = b.Run(ctx)
	stop()
	if err = errors.Join(err, <-ended); err == nil && len(one.Faulty()) > 0 {
		err = errors.New(strings.Join(one.Faulty(), ", "))
	}
	return one, err
}

// freeAddr is an address that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("choosing a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
