package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"maskline/testbench/smppload"
)

const (
	calm    = 5 * time.Second // without trouble at the end, so that the last messages find their way
	perLine = 10 * time.Second
)

// run plays everything and returns what must not have happened.
func (w *world) run(ctx context.Context, out io.Writer) ([]string, error) {
	troubled, stop := context.WithTimeout(ctx, w.duration-min(calm, w.duration/4))
	defer stop()
	watching, stopWatching := context.WithCancel(ctx)
	var work, watch sync.WaitGroup
	work.Go(func() { w.edgeTrouble(troubled) })
	watch.Go(func() { w.lines(watching, out) })
	reports, failed := make([]*smppload.Report, len(w.loads)), make([]error, len(w.loads))
	for i, s := range w.loads {
		work.Go(func() { w.carrierTrouble(troubled, s) })
		work.Go(func() { reports[i], failed[i] = s.bench.Run(ctx) })
	}
	work.Wait()
	stopWatching()
	watch.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "\n%s\n", w.tally.String())
	for i, s := range w.loads {
		fmt.Fprintf(out, "\n%s: ", s.name)
		reports[i].Write(out)
	}
	fmt.Fprintln(out)
	if len(w.tally.faults) == 0 {
		if err := w.edge.Stop(stopWithin); err != nil {
			w.tally.fault("the last drain: %v", err)
		}
	}
	faults := w.tally.faults
	for i, s := range w.loads {
		faults = append(faults, judge(s.name, reports[i])...)
	}
	return faults, nil
}

// judge lists what must not have become of messages that were sent once.
func judge(name string, r *smppload.Report) []string {
	var all []string
	for _, f := range []struct {
		n    uint64
		what string
	}{
		{r.Lost, "were acknowledged, and no carrier has accepted them"},
		{r.Duplicated, "were accepted by carriers more than once"},
		{r.Altered, "were altered"},
		{r.Misrouted, "had other addresses than the binding says"},
		{r.Leaked, "showed the sender's number"},
	} {
		if f.n > 0 {
			all = append(all, fmt.Sprintf("%s: %d messages %s", name, f.n, f.what))
		}
	}
	if r.Accepted == 0 {
		all = append(all, name+": nothing was accepted at all")
	}
	return all
}

// lines prints the totals now and then.
func (w *world) lines(ctx context.Context, out io.Writer) {
	tick := time.NewTicker(perLine)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, s := range w.loads {
			p := s.bench.Progress()
			fmt.Fprintf(out, "%5.0fs  %-18s  %8d sent, %8d accepted, %7d to try again, %5d refused, %d bad\n",
				p.Elapsed.Seconds(), s.name, p.Sent, p.Accepted, p.Temporary, p.Refused, p.Bad)
		}
	}
}
