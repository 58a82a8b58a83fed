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

// sample is one run.
type sample struct {
	*smppload.Report
	cpu float64 // seconds of the measured process per 1,000 messages
}

// load runs the generator against a process, which may be nobody.
func load(ctx context.Context, measured *process.Child, cfg smppload.Config) (s sample, err error) {
	b, err := smppload.New(ctx, cfg)
	if err != nil {
		return s, err
	}
	return loadOn(ctx, b, measured)
}

func loadOn(ctx context.Context, b *smppload.Bench, measured *process.Child) (s sample, err error) {
	before, err := cpuOf(measured)
	if err != nil {
		b.Close()
		return s, err
	}
	if s.Report, err = b.Run(ctx); err != nil {
		return s, err
	}
	if ctx.Err() != nil {
		return s, ctx.Err()
	}
	after, err := cpuOf(measured)
	if err != nil {
		return s, err
	}
	s.cpu = (after - before).Seconds() / float64(max(1, s.Accepted)) * 1000
	return s, nil
}

func cpuOf(c *process.Child) (time.Duration, error) {
	if c == nil {
		return 0, nil
	}
	u, err := c.Usage()
	return u.CPU, err
}

// median is the middle of a figure over runs; of an even number the lower one.
func median(all []sample, figure func(sample) float64) float64 {
	v := make([]float64, 0, len(all))
	for _, s := range all {
		v = append(v, figure(s))
	}
	return figures.Median(v)
}

func rate(s sample) float64 { return s.Rate }
func cpu(s sample) float64  { return s.cpu }

// each is a figure of every run, in their order.
func each(all []sample, format string, figure func(sample) float64) string {
	var words []string
	for _, s := range all {
		words = append(words, fmt.Sprintf(format, figure(s)))
	}
	return strings.Join(words, ", ")
}

// verdict sums up what went wrong in runs.
func verdict(all []sample) string {
	var lost, doubled, altered, misrouted, leaked, temporary, refused, unanswered, receipts uint64
	for _, s := range all {
		lost, doubled, altered, misrouted = lost+s.Lost, doubled+s.Duplicated, altered+s.Altered, misrouted+s.Misrouted
		leaked, temporary, refused, unanswered = leaked+s.Leaked, temporary+s.Temporary, refused+s.Refused, unanswered+s.Unanswered
		receipts += s.ReceiptsLost
	}
	var words []string
	for _, w := range []struct {
		n    uint64
		what string
	}{
		{lost, "lost"},
		{doubled, "duplicated"},
		{altered, "altered"},
		{misrouted, "misrouted"},
		{leaked, "leaked"},
		{temporary, "to try again"},
		{refused, "refused"},
		{unanswered, "unanswered"},
		{receipts, "receipts missing"},
	} {
		if w.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", w.n, w.what))
		}
	}
	if len(words) == 0 {
		return "0"
	}
	return strings.Join(words, ", ")
}

const (
	tableHead = `| work | runs | messages a run | accepted/s | CPU s per 1,000 | answer p50 / p99 ms | end to end p50 / p99 ms | bad |
|---|---|---|---|---|---|---|---|
`
	tableRow = "| %s | %d | %d | **%.0f** (%s) | **%.4f** (%s) | %.2f / %.2f | %.2f / %.2f | %s |\n"
)

// row is a line of the table: medians, and in brackets every run.
func row(work string, all []sample) string {
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf(tableRow, work, len(all), all[0].Sent,
		median(all, rate), each(all, "%.0f", rate), median(all, cpu), each(all, "%.4f", cpu),
		median(all, func(s sample) float64 { return s.Answer.P50 }), median(all, func(s sample) float64 { return s.Answer.P99 }),
		median(all, func(s sample) float64 { return s.Transit.P50 }), median(all, func(s sample) float64 { return s.Transit.P99 }),
		verdict(all))
}
