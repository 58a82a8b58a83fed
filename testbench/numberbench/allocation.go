package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
	"maskline/numberdb/postgres"
	"maskline/numberdb/sqlite"
	"maskline/seal"
	"maskline/testbench/pgtest"
	"maskline/testbench/sessionload"
)

// measureAllocation makes sessions with two people and two masks each.
func measureAllocation(ctx context.Context, c config) (string, error) {
	cfg := sessionload.Config{Sessions: max(1000, 1000*c.scale), Masks: 2000, Clients: 64}
	embeddedCPU, serverCPU := &spent{folder: c.cpu, name: "sqlite"}, &spent{folder: c.cpu, name: "postgres"}
	embedded, err := onSQLite(ctx, cfg, embeddedCPU)
	if err != nil {
		return "", fmt.Errorf("on SQLite: %w", err)
	}
	server, bySQL, err := onPostgres(ctx, cfg, serverCPU, c.scale)
	if err != nil {
		return "", fmt.Errorf("on Postgres: %w", err)
	}
	decided, err := decide(cfg)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	fmt.Fprint(&text, `64 clients make sessions that stay, of two people and two masks each, on 2,000 masks; both stores wait for the disk.
A session is answered when it is written and the table has it. Collisions are sought in the answers and in the store.
CPU is of the edge with its clients, of Postgres' commits, of its stream of changes, and of the rest of it.

| sessions | a second | CPU µs a session | answered p50, p99 ms | parties a mask, least, mean, most | collisions | bar, aim a second |
|---|---|---|---|---|---|---|
`)
	for _, of := range []struct {
		name string
		r    *sessionload.Report
		cpu  *spent
		bar  string
	}{{"SQLite", embedded, embeddedCPU, "10,000"}, {"Postgres", server, serverCPU, "15,000"}} {
		fmt.Fprintf(&text, "| %d on %s | **%.0f** | %s | %.2f, %.2f | %d, %.0f, %d | %d | %s |\n", of.r.Sessions, of.name, of.r.Rate,
			of.cpu.each(of.r.Sessions), of.r.P50, of.r.P99,
			of.r.Parties.Min, of.r.Parties.Mean, of.r.Parties.Max, of.r.Doubles+of.r.Twice+of.r.Wrong, of.bar)
		if faults := of.r.Faulty(); len(faults) > 0 {
			fmt.Fprintf(&text, "\nFaults on %s: %s.\n\n", of.name, strings.Join(faults, ", "))
		}
	}
	fmt.Fprintf(&text, "| %d in memory alone | **%.0f** | | | | | 300,000 |\n", cfg.Sessions, decided)
	fmt.Fprintf(&text, `
The same Postgres, %d clients that each take a single number by one statement with SKIP LOCKED: **%.0f** numbers a second.
A session needs two, so Postgres serves sessions at %.1f times the rate of plain SQL; the bar is %.1f times by the figures that it was set with.
`, cfg.Clients, bySQL, server.Rate/(bySQL/2), barSessions/(barNumbers/2))
	return text.String(), nil
}

// What the bar of Postgres was set with, on another day of this machine.
const (
	barSessions = 15_000.0
	barNumbers  = 5_865.0 // a second by SKIP LOCKED
)

func onSQLite(ctx context.Context, cfg sessionload.Config, cpu *spent) (r *sessionload.Report, err error) {
	dir, err := os.MkdirTemp("", "numberbench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Keys: seal.Generate().Wrapper()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	cfg.Making = cpu.begin
	return sessionload.Run(ctx, cfg, store)
}

// onPostgres also returns how many numbers a second plain SQL shares out there.
func onPostgres(ctx context.Context, cfg sessionload.Config, cpu *spent, scale int) (r *sessionload.Report, bySQL float64, err error) {
	server, err := pgtest.Start(ctx, pgtest.Durable()...)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := server.CreateDatabase(ctx, "bench"); err != nil {
		return nil, 0, err
	}
	store, err := postgres.Open(postgres.Config{URL: server.URL("bench"), Keys: seal.Generate().Wrapper()})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	cpu.server, cfg.Making = server, cpu.begin
	if r, err = sessionload.Run(ctx, cfg, store); err != nil {
		return nil, 0, err
	}
	bySQL, err = leaseBySQL(ctx, server, cfg.Clients, scale)
	return r, bySQL, err
}

// decide lets the clients ask the engine alone, and returns the sessions a second.
func decide(cfg sessionload.Config) (float64, error) {
	engine := allocator.New(allocator.Config{Seed: 1, Quarantine: time.Hour})
	engine.SetPool(numberdb.Pool{Name: "bench"})
	for i := range cfg.Masks {
		engine.SetMask(numberdb.Mask{Number: firstMask + e164.Number(i), Pool: "bench", Services: numberdb.SMS | numberdb.Voice})
	}
	now := time.Now()
	var next, failed atomic.Int64
	var clients sync.WaitGroup
	for c := range cfg.Clients {
		clients.Go(func() {
			random, decision := rand.New(rand.NewPCG(uint64(c), 2)), &allocator.Decision{}
			for {
				id := next.Add(1)
				if id > int64(cfg.Sessions) {
					return
				}
				a := random.IntN(cfg.Sessions)
				b := (a + 1 + random.IntN(cfg.Sessions-1)) % cfg.Sessions
				request := allocator.Request{
					Session: numberdb.ID(id), Pool: "bench", Services: numberdb.SMS | numberdb.Voice, Expires: now.Add(time.Hour),
					Sides: []allocator.Side{{Number: firstParty + e164.Number(a)}, {Number: firstParty + e164.Number(b)}},
				}
				if engine.Pick(&request, now, decision) != nil {
					failed.Add(1)
				}
			}
		})
	}
	clients.Wait()
	if n := failed.Load(); n > 0 {
		return 0, fmt.Errorf("%d requests were refused", n)
	}
	return float64(cfg.Sessions) / time.Since(now).Seconds(), nil
}
