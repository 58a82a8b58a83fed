package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// report prints a line per scene and counts.
type report struct {
	out                                    io.Writer
	messages, calls, refused, over, failed int
}

const reportRow = "%-24s %-14s %-14s %-14s %-14s %-6s %s\n"

func newReport(out io.Writer) *report {
	fmt.Fprintf(out, reportRow, "what", "from", "dialled", "arrived at", "seen there as", "by", "how")
	fmt.Fprintln(out, strings.Repeat("-", 114))
	return &report{out: out}
}

func (r *report) add(o outcome) {
	arrived, seen, by := "-", "-", "-"
	if o.carrier != "" {
		arrived, seen, by = o.arrived.Reveal(), "+"+o.seen, o.carrier
		if o.carrier == "shop" {
			arrived = "shop"
		}
	}
	switch {
	case o.problem != nil:
		r.failed++
	case o.scene.refused != 0:
		r.refused++
	case o.scene.text != "":
		r.messages++
	default:
		r.calls++
	}
	if o.scene.trouble != nil && o.problem == nil && o.scene.refused == 0 {
		r.over++
	}
	note := o.detail
	if o.problem != nil {
		note = "FAILED: " + o.problem.Error()
	} else if note == "" {
		note = fmt.Sprintf("%.1f ms", float64(o.duration)/float64(time.Millisecond))
	}
	fmt.Fprintf(r.out, reportRow, o.scene.what, o.scene.from.Reveal(), o.scene.dialled.Reveal(), arrived, seen, by, note)
}

// soFar is the running count.
func (r *report) soFar() {
	fmt.Fprintf(r.out, "\n%d messages and %d calls arrived masked, %d of them by failover; %d were refused as they should be; %d failed.\n",
		r.messages, r.calls, r.over, r.refused, r.failed)
}

func (r *report) summary(w *world, leaks []string) {
	r.soFar()
	frames := len(w.shop.Tap.Frames())
	for _, c := range w.carriers() {
		frames += len(c.smsc.Tap.Frames()) + len(c.exchange.Tap.Frames())
	}
	if len(leaks) == 0 {
		fmt.Fprintf(r.out, "No real number of one party in any of the %d PDUs and SIP messages sent towards another, nor in the log or the metrics.\n", frames)
		return
	}
	for _, l := range leaks {
		fmt.Fprintln(r.out, "LEAK:", l)
	}
}
