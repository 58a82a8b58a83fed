package main

import (
	"context"
	"fmt"
	"strings"

	"maskline/testbench/figures"
	"maskline/testbench/smppload"
)

// contender is one of those that are measured side by side.
type contender struct {
	name string
	run  func(context.Context) (sample, error)
	all  []sample
}

const (
	edgeMessages   = 500_000
	kannelMessages = 60_000
	spoolMessages  = 12_000
)

// sideBySide alternates runs of the edge and of Kannel.
func (r *rig) sideBySide(ctx context.Context) (string, error) {
	version, err := kannelVersion(ctx)
	if err != nil {
		return "", err
	}
	if err := r.startEdge(ctx, edgeConfig{"million", r.plan, 1, bigWindow}); err != nil {
		return "", err
	}
	all := []*contender{
		{name: "edge, window 100", run: r.edgeRun(100)},
		{name: "Kannel without store, window 100", run: r.kannelRun("", 100, kannelMessages)},
		{name: "edge, window 500", run: r.edgeRun(bigWindow)},
		{name: "Kannel without store, window 500", run: r.kannelRun("", bigWindow, kannelMessages)},
		{name: "Kannel with spool store, window 100", run: r.kannelRun("spool", 100, spoolMessages)},
	}
	for range r.pairs {
		for _, c := range all {
			s, err := c.run(ctx)
			if err != nil {
				return "", fmt.Errorf("%s: %w", c.name, err)
			}
			c.all = append(c.all, s)
		}
	}
	return r.compare(version, all), nil
}

func (r *rig) compare(version string, all []*contender) string {
	var t strings.Builder
	t.WriteString(figures.Head("Kannel beside it", "make bench-peers"+r.arguments()))
	fmt.Fprintf(&t, `%[1]s. The same generator plays both carriers: deliver_sm in on one bind, submit_sm out on another, texts of 120 octets,
no receipts. The edge masks by %[2]d bindings and answers after the receiver has accepted; it stores nothing. Kannel reroutes
(reroute-smsc-id, max-pending-submits 500) and changes nothing. Without a store it answers first and loses what it holds
when it dies; with its spool it answers when the message is in a file. Runs alternate: %[3]d of each in turn. The edge gets more
messages a run, so that its runs last seconds too.

`, version, r.bindings, r.pairs)
	t.WriteString(tableHead)
	for _, c := range all {
		t.WriteString(row(c.name, c.all))
	}
	t.WriteString("\n| ratio of medians | rate | CPU per message | first bar |\n|---|---|---|---|\n")
	ratio := func(name string, ours, theirs *contender, bar string) {
		fmt.Fprintf(&t, "| %s | %.1f times | 1/%.1f | %s |\n", name,
			over(median(ours.all, rate), median(theirs.all, rate)), over(median(theirs.all, cpu), median(ours.all, cpu)), bar)
	}
	ratio("edge to Kannel without store, window 100", all[0], all[1], "8 times, 1/15")
	ratio("edge to Kannel without store, window 500", all[2], all[3], "8 times, 1/15")
	ratio("edge to Kannel with spool store, window 100", all[0], all[4], "")
	return t.String()
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (r *rig) edgeRun(window int) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		return load(ctx, r.edge.Child, r.counted(r.through(window, 1), edgeMessages))
	}
}

func (r *rig) kannelRun(store string, window, messages int) func(context.Context) (sample, error) {
	return func(ctx context.Context) (s sample, err error) {
		cfg := r.counted(r.through(window, 1), messages)
		cfg.In.Addr, cfg.Outs[0].Addr, cfg.Unmasked = r.kannelIn, r.kannelOut, true
		b, err := smppload.New(ctx, cfg)
		if err != nil {
			return s, err
		}
		b.Bind()
		k, err := r.startKannel(ctx, store)
		if err != nil {
			b.Close()
			return s, err
		}
		defer k.stop()
		if s, err = loadOn(ctx, b, k.Child); err != nil {
			err = fmt.Errorf("%w; Kannel says: %s", err, k.lastWords())
		}
		return s, err
	}
}
