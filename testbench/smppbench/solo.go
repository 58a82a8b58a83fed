package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"maskline/testbench/figures"
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
	t.WriteString(figures.Head("The edge alone", fmt.Sprintf("make bench-smpp%s", r.arguments())))
	fmt.Fprintf(&t, `deliver_sm in from one carrier, masked by routing over %d bindings in SQLite, submit_sm out to another, the sender
answered after the receiver has accepted; metrics, receipts, redaction on. Texts of 120 octets.

`, r.bindings)
	t.WriteString(tableHead)
	f := &findings{text: &t, all: map[string][]sample{}}
	for _, step := range []func(context.Context, *findings) error{r.soloDirect, r.soloWindows, r.soloMany, r.soloFew} {
		if err := step(ctx, f); err != nil {
			return "", err
		}
	}
	f.conclude()
	t.WriteString("\n| memory and start | figure |\n|---|---|\n")
	if err := r.soloIdle(ctx, &t); err != nil {
		return "", err
	}
	if err := r.soloStall(ctx, &t); err != nil {
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
func (r *rig) line(ctx context.Context, f *findings, work string, measured *process.Child, cfg smppload.Config) error {
	all, err := r.repeat(ctx, measured, cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", work, err)
	}
	f.text.WriteString(row(work, all))
	f.all[work] = all
	return nil
}

// The works that conclusions are drawn from.
const (
	alone   = "generator alone, 20,000/s"
	oneBind = "one bind each side, window %d"
	paced   = "one bind each side, 20,000/s"
	many    = "64 binds each side, window 10"
)

// findings is the table and what is in it.
type findings struct {
	text *strings.Builder
	all  map[string][]sample
}

// conclude writes the figures that follow from several rows.
func (f *findings) conclude() {
	f.text.WriteString("\n| from the medians above | figure | first bar |\n|---|---|---|\n")
	added := func(figure func(sample) float64) float64 {
		return median(f.all[paced], figure) - median(f.all[alone], figure)
	}
	fmt.Fprintf(f.text, "| added by the edge at 20,000/s, end to end, p50 / p99 | %.2f / %.2f ms | p99 5 ms |\n",
		added(func(s sample) float64 { return s.Transit.P50 }), added(func(s sample) float64 { return s.Transit.P99 }))
	fmt.Fprintf(f.text, "| the same to the answer, p50 / p99 | %.2f / %.2f ms | |\n",
		added(func(s sample) float64 { return s.Answer.P50 }), added(func(s sample) float64 { return s.Answer.P99 }))
	for _, window := range []int{10, 100} {
		fmt.Fprintf(f.text, "| CPU per message, 64 binds of window 10 against one bind of window %d | %.1f times | 2 times |\n",
			window, over(median(f.all[many], cpu), median(f.all[fmt.Sprintf(oneBind, window)], cpu)))
	}
	fmt.Fprintf(f.text, "| CPU per message, all bindings against %d, window 100 | %.1f times | 1.5 times |\n",
		few, over(median(f.all[fmt.Sprintf(oneBind, 100)], cpu), median(f.all[fmt.Sprintf(oneBind+", %d bindings", 100, few)], cpu)))
}

func (r *rig) counted(cfg smppload.Config, messages int) smppload.Config {
	cfg.Messages = r.share(messages)
	return cfg
}

func (r *rig) atRate(cfg smppload.Config) smppload.Config {
	cfg.Rate, cfg.Duration = fixedRate, r.during(4*time.Second)
	return cfg
}

// soloDirect shows what the generator can do by itself.
func (r *rig) soloDirect(ctx context.Context, f *findings) error {
	if err := r.line(ctx, f, "generator alone, window 100", nil, r.counted(r.direct(100), 1_000_000)); err != nil {
		return err
	}
	return r.line(ctx, f, alone, nil, r.atRate(r.direct(bigWindow)))
}

func (r *rig) soloWindows(ctx context.Context, f *findings) error {
	if err := r.startEdge(ctx, edgeConfig{"million", r.plan, 1, bigWindow}); err != nil {
		return err
	}
	e := r.edge.Child
	for _, window := range []int{10, 100, bigWindow} {
		messages := 500_000
		if window == 10 {
			messages = 100_000
		}
		if err := r.line(ctx, f, fmt.Sprintf(oneBind, window), e, r.counted(r.through(window, 1), messages)); err != nil {
			return err
		}
	}
	if err := r.line(ctx, f, paced, e, r.atRate(r.through(bigWindow, 1))); err != nil {
		return err
	}
	return r.line(ctx, f, "account to carrier with a receipt for each, window 100", e, r.counted(r.fromAccount(100), 200_000))
}

func (r *rig) soloMany(ctx context.Context, f *findings) error {
	if err := r.startEdge(ctx, edgeConfig{"million", r.plan, manyBinds, 10}); err != nil {
		return err
	}
	return r.line(ctx, f, many, r.edge.Child, r.counted(r.through(10, manyBinds), 300_000))
}

func (r *rig) soloFew(ctx context.Context, f *findings) error {
	small := smppload.Generate(few)
	if err := r.startEdge(ctx, edgeConfig{"few", small, 1, bigWindow}); err != nil {
		return err
	}
	cfg := r.counted(r.through(100, 1), 500_000)
	cfg.Plan = small
	return r.line(ctx, f, fmt.Sprintf(oneBind+", %d bindings", 100, few), r.edge.Child, cfg)
}

// soloIdle measures idle binds, over few bindings: with many, the collector lets
// so much garbage gather that it hides them.
func (r *rig) soloIdle(ctx context.Context, t *strings.Builder) error {
	small := smppload.Generate(few)
	if err := r.startEdge(ctx, edgeConfig{"few", small, 1, bigWindow}); err != nil {
		return err
	}
	ready, err := r.edge.Usage()
	if err != nil {
		return err
	}
	idle, err := r.peak(ctx, smppload.Config{
		In:     smppload.Side{Role: smppload.ESME, Addr: r.listen, SystemID: tenant, Password: password, Binds: idleBinds},
		Plan:   small,
		Buffer: 4096, Rate: 1, Duration: 3 * time.Second, Settle: time.Second,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "| %d idle binds | %.1f KiB each |\n", idleBinds, float64(idle-ready.RSS)/1024/idleBinds)
	return nil
}

// soloStall measures a carrier that stops to read.
func (r *rig) soloStall(ctx context.Context, t *strings.Builder) error {
	if err := r.startEdge(ctx, edgeConfig{"million", r.plan, 1, 10_000}); err != nil {
		return err
	}
	before, err := r.edge.Usage()
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "| resident with %d bindings, ready | %.0f MiB |\n", r.bindings, mebi(before.RSS))
	cfg := r.through(10_000, 1)
	cfg.Duration, cfg.Settle = r.during(6*time.Second), r.during(8*time.Second)
	cfg.Faults = smppload.Faults{Stall: 1, StallFor: r.during(10 * time.Second)}
	stalled, err := r.peak(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "| a carrier that reads nothing for 10 s, window 10,000 at full load | %.1f MiB more at most |\n", mebi(max(0, stalled-before.RSS)))
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
