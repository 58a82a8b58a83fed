package main

import (
	"fmt"
	"strings"
	"time"
)

func writeLoads(t *strings.Builder, all []*contender) {
	t.WriteString(`| relay | calls | packets/s | CPU s per million packets, the process | with the kernel | by /proc/stat | lost | wrong | delay p50 / p99 µs | generator late % |
|---|---|---|---|---|---|---|---|---|---|
`)
	for _, c := range all {
		for _, calls := range c.loads {
			own, whole, machine := "", several("%.2f", c.collected(calls, allCPU)), several("%.2f", c.collected(calls, machineCPU))
			if c.name != alone && c.name != aloneTwo {
				own = several("%.2f", c.collected(calls, ownCPU))
				whole = several("%.2f", c.collected(calls, beyond(all, c, calls, allCPU)))
				machine = several("%.2f", c.collected(calls, beyond(all, c, calls, machineCPU)))
			}
			var lost, wrong, delays, late []string
			seconds := 0.0
			for i := range c.runs[calls] {
				s := &c.runs[calls][i]
				lost = append(lost, fmt.Sprint(s.report.Lost))
				wrong = append(wrong, fmt.Sprint(s.report.Wrong()))
				delays = append(delays, fmt.Sprintf("%.0f / %.0f", quantile(0.5)(s), quantile(0.99)(s)))
				late = append(late, fmt.Sprintf("%.1f", 100*s.report.Behind))
				seconds = s.seconds
			}
			rate := c.median(calls, func(s *sample) float64 { return float64(s.report.Received) / max(seconds, 1e-9) })
			fmt.Fprintf(t, "| %s | %d | %.0f | %s | %s | %s | %s | %s | %s | %s |\n", c.name, calls, rate, own, whole, machine,
				strings.Join(lost, ", "), strings.Join(wrong, ", "), strings.Join(delays, ", "), strings.Join(late, ", "))
		}
	}
}

func quantile(q float64) func(*sample) float64 {
	return func(s *sample) float64 { return float64(s.report.Delay.Quantile(q).Nanoseconds()) / 1e3 }
}

// bars are the first ones: CPU s per million packets, by load.
var bars = map[string][]float64{"portable": {8, 7, 6.3}, "steer": {5.5, 5, 4.9}, "kernel": {2, 2, 2}}

func writeRatios(t *strings.Builder, all []*contender) {
	engine := find(all, peer)
	t.WriteString("\n| medians | calls | CPU of the process | first bar | to rtpengine | with the kernel | to rtpengine |\n|---|---|---|---|---|---|---|\n")
	for _, b := range backends {
		c := find(all, b)
		for i, calls := range loads {
			own, whole := c.median(calls, ownCPU), c.median(calls, beyond(all, c, calls, allCPU))
			fmt.Fprintf(t, "| %s | %d | %.2f | %.1f | %s | %.2f | %s |\n", b, calls, own, bars[b][i],
				ratio(own, engine.median(calls, ownCPU)), whole, ratio(whole, engine.median(calls, beyond(all, engine, calls, allCPU))))
		}
	}
}

// ratio is empty where there is nothing to compare with.
func ratio(a, b float64) string {
	if b <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f times", a/b)
}

func writeDelays(t *strings.Builder, all []*contender) {
	fmt.Fprintf(t, "\n| added at %d calls, medians beyond the generator alone | p50 µs | p99 µs | first bar, p99 |\n|---|---|---|---|\n", added)
	for _, name := range append(append([]string{}, backends...), peer) {
		c := find(all, name)
		if len(c.runs) == 0 {
			continue
		}
		bar := map[string]string{"portable": "500", "steer": "500", "kernel": "100"}[name]
		fmt.Fprintf(t, "| %s | %.0f | %.0f | %s |\n", name,
			c.median(added, beyond(all, c, added, quantile(0.5))), c.median(added, beyond(all, c, added, quantile(0.99))), bar)
	}
}

func writeMemory(t *strings.Builder, all []*contender) {
	last := loads[len(loads)-1]
	fmt.Fprintf(t, "\n| a call, signalling included with the edge | resident at %d calls, KB | set up, CPU ms | set up, ms |\n|---|---|---|---|\n", last)
	for _, name := range append(append([]string{}, backends...), peer) {
		c := find(all, name)
		if len(c.runs) == 0 {
			continue
		}
		first := c.loads[0]
		fmt.Fprintf(t, "| %s | %s | %s | %s |\n", name,
			several("%.1f", c.collected(last, func(s *sample) float64 { return float64(s.memory) / 1024 })),
			several("%.2f", c.collected(first, func(s *sample) float64 { return s.setUp })),
			several("%.2f", c.collected(first, func(s *sample) float64 { return float64(s.connect) / float64(time.Millisecond) })))
	}
}

func writeScaling(t *strings.Builder, all []*contender) {
	fmt.Fprintf(t, `
| the edge on two cores, %d calls on each | CPU s per million packets, one core | two cores | so two cores carry | first bar |
|---|---|---|---|---|
`, added)
	for _, b := range backends[:2] {
		one, two := find(all, b).median(added, ownCPU), find(all, b+onTwoCores).median(2*added, ownCPU)
		fmt.Fprintf(t, "| %s | %.2f | %.2f | %s | 1.7 times |\n", b, one, two, ratio(2*one, two))
	}
	t.WriteString(`
The generator shares the two cores then, so that this is told from CPU per packet; what full threads move is in the next
table. With ` + "`kernel`" + ` packets are moved by the core on which they come in.
`)
}
