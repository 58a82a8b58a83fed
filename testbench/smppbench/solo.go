package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"maskline/testbench/process"
	"maskline/testbench/smppload"
)

const (
	bigWindow = 500
	manyBinds = 64
	idleBinds = 1000
	fixedRate = 20_000
	few       = 1000 // bindings, to show that they cost nothing
)

// through is a run from carrier to carrier.
func (r *rig) through(window, binds int) smppload.Config {
	return smppload.Config{
		In:   smppload.Side{Role: smppload.SMSC, Addr: r.in, Binds: binds},
		Outs: []smppload.Side{{Role: smppload.SMSC, Addr: r.out, Binds: binds}},
		Plan: r.plan, Window: window,
	}
}

// direct is a run with nothing in between.
func (r *rig) direct(window int) smppload.Config {
	cfg := r.through(window, 1)
	cfg.In, cfg.Unmasked = smppload.Side{Role: smppload.ESME, Addr: r.out, SystemID: tenant, Password: password}, true
	return cfg
}

// fromAccount is a run from an account to a carrier, with receipts back.
func (r *rig) fromAccount(window int) smppload.Config {
	cfg := r.through(window, 1)
	cfg.In = smppload.Side{Role: smppload.ESME, Addr: r.listen, SystemID: tenant, Password: password}
	cfg.Receipts = true
	return cfg
}

// solo measures the edge alone.
func (r *rig) solo(ctx context.Context) (string, error) {
	var t strings.Builder
	t.WriteString(head("The edge alone", fmt.Sprintf("make bench-smpp%s", r.arguments())))
	fmt.Fprintf(&t, `deliver_sm in from one carrier, masked by routing over %d bindings in SQLite, submit_sm out to another, the sender
answered after the receiver has accepted; metrics, receipts, redaction on. Texts of 120 octets.

`, r.bindings)
	t.WriteString(tableHead)
	steps := []func(context.Context, *strings.Builder) error{r.soloDirect, r.soloWindows, r.soloMany, r.soloFew}
	for _, step := range steps {
		if err := step(ctx, &t); err != nil {
			return "", err
		}
	}
	t.WriteString("\n| memory and start | figure |\n|---|---|\n")
	if err := r.soloMemory(ctx, &t); err != nil {
		return "", err
	}
	var starts []string
	for _, d := range r.startTook {
		starts = append(starts, fmt.Sprintf("%.2f", d.Seconds()))
	}
	fmt.Fprintf(&t, "| import of %d bindings, no edge running | %.1f s |\n", r.bindings, r.importing.Seconds())
	fmt.Fprintf(&t, "| start until ready with them | %s s |\n", strings.Join(starts, ", "))
	return t.String(), nil
}

func (r *rig) arguments() string {
	if r.scale != 100 {
		return fmt.Sprintf(" SCALE=%d", r.scale)
	}
	return ""
}

// repeat runs the same load several times.
func (r *rig) repeat(ctx context.Context, measured *process.Child, cfg smppload.Config) (all []sample, err error) {
	for range r.pairs {
		s, err := load(ctx, measured, cfg)
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

// line measures one row.
func (r *rig) line(ctx context.Context, t *strings.Builder, work string, measured *process.Child, cfg smppload.Config) error {
	all, err := r.repeat(ctx, measured, cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", work, err)
	}
	t.WriteString(row(work, all))
	return nil
}

func (r *rig) counted(cfg smppload.Config, messages int) smppload.Config {
	cfg.Messages = r.share(messages)
	return cfg
}

func (r *rig) paced(cfg smppload.Config) smppload.Config {
	cfg.Rate, cfg.Duration = fixedRate, r.during(4*time.Second)
	return cfg
}

// soloDirect shows what the generator can do by itself.
func (r *rig) soloDirect(ctx context.Context, t *strings.Builder) error {
	if err := r.line(ctx, t, "generator alone, window 100", nil, r.counted(r.direct(100), 1_000_000)); err != nil {
		return err
	}
	return r.line(ctx, t, "generator alone, 20,000/s", nil, r.paced(r.direct(bigWindow)))
}

func (r *rig) soloWindows(ctx context.Context, t *strings.Builder) error {
	if err := r.startEdge(ctx, edgeConfig{"million", r.plan, 1, bigWindow}); err != nil {
		return err
	}
	e := r.edge.Child
	for _, window := range []int{10, 100, bigWindow} {
		messages := 500_000
		if window == 10 {
			messages = 100_000
		}
		if err := r.line(ctx, t, fmt.Sprintf("one bind each side, window %d", window), e, r.counted(r.through(window, 1), messages)); err != nil {
			return err
		}
	}
	if err := r.line(ctx, t, "one bind each side, 20,000/s", e, r.paced(r.through(bigWindow, 1))); err != nil {
		return err
	}
	return r.line(ctx, t, "account to carrier with a receipt for each, window 100", e, r.counted(r.fromAccount(100), 200_000))
}

func (r *rig) soloMany(ctx context.Context, t *strings.Builder) error {
	if err := r.startEdge(ctx, edgeConfig{"million", r.plan, manyBinds, 10}); err != nil {
		return err
	}
	return r.line(ctx, t, "64 binds each side, window 10", r.edge.Child, r.counted(r.through(10, manyBinds), 500_000))
}

func (r *rig) soloFew(ctx context.Context, t *strings.Builder) error {
	small := smppload.Generate(few)
	if err := r.startEdge(ctx, edgeConfig{"few", small, 1, bigWindow}); err != nil {
		return err
	}
	cfg := r.counted(r.through(100, 1), 500_000)
	cfg.Plan = small
	return r.line(ctx, t, fmt.Sprintf("one bind each side, window 100, %d bindings", few), r.edge.Child, cfg)
}

// soloMemory measures idle binds, and a carrier that stops to read.
func (r *rig) soloMemory(ctx context.Context, t *strings.Builder) error {
	if err := r.startEdge(ctx, edgeConfig{"million", r.plan, 1, 10_000}); err != nil {
		return err
	}
	ready, err := r.edge.Usage()
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "| resident with %d bindings, ready | %.0f MiB |\n", r.bindings, mebi(ready.RSS))
	idle, err := r.peak(ctx, smppload.Config{
		In:     smppload.Side{Role: smppload.ESME, Addr: r.listen, SystemID: tenant, Password: password, Binds: idleBinds},
		Plan:   r.plan,
		Buffer: 4096, Rate: 1, Duration: 3 * time.Second, Settle: time.Second,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "| %d idle binds | %.1f KiB each |\n", idleBinds, float64(idle-ready.RSS)/1024/idleBinds)
	before, err := r.edge.Usage()
	if err != nil {
		return err
	}
	cfg := r.through(10_000, 1)
	cfg.Duration, cfg.Settle = r.during(8*time.Second), r.during(12*time.Second)
	cfg.Faults = smppload.Faults{Stall: 1, StallFor: r.during(15 * time.Second)}
	stalled, err := r.peak(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "| a carrier that reads nothing for 15 s, window 10,000 at full load | %.1f MiB more at most |\n", mebi(max(0, stalled-before.RSS)))
	return nil
}

func mebi(octets int64) float64 { return float64(octets) / (1 << 20) }

// peak is the most that the edge holds during a run.
func (r *rig) peak(ctx context.Context, cfg smppload.Config) (int64, error) {
	b, err := smppload.New(ctx, cfg)
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() {
		_, err := b.Run(ctx)
		done <- err
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var most int64
	for {
		select {
		case err := <-done:
			return most, err
		case <-tick.C:
			u, err := r.edge.Usage()
			if err != nil {
				b.Close()
				return most, err
			}
			most = max(most, u.RSS)
		}
	}
}
