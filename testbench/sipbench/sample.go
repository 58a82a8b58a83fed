package main

import (
	"context"
	"fmt"
	"strings"

	"maskline/testbench/figures"
)

// sample is one run of one load.
type sample struct {
	counted
	cpu float64 // ms of the target per call
}

func (s sample) clean() bool { return s.failed == 0 && s.repeated == 0 }

// measure runs a load and what it cost.
func (r *rig) measure(ctx context.Context, t *target, l load) (s sample, err error) {
	before, err := t.cpu()
	if err != nil {
		return s, err
	}
	if s.counted, err = r.call(ctx, t, l); err != nil {
		return s, err
	}
	after, err := t.cpu()
	s.cpu = float64((after - before).Microseconds()) / 1000 / float64(s.calls)
	return s, err
}

func cpus(all []sample) (v []float64) {
	for _, s := range all {
		v = append(v, s.cpu)
	}
	return v
}

func median(all []sample) float64 { return figures.Median(cpus(all)) }

const tableHead = `| target | calls/s | runs | calls a run | CPU ms per call | failed | repeated |
|---|---|---|---|---|---|---|
`

// row shows every run.
func row(name string, rate int, all []sample) string {
	var cpu, failed, repeated []string
	for _, s := range all {
		cpu = append(cpu, fmt.Sprintf("%.2f", s.cpu))
		failed = append(failed, fmt.Sprint(s.failed))
		repeated = append(repeated, fmt.Sprint(s.repeated))
	}
	return fmt.Sprintf("| %s | %d | %d | %d | **%.2f** (%s) | %s | %s |\n", name, rate, len(all), all[0].calls,
		median(all), strings.Join(cpu, ", "), strings.Join(failed, ", "), strings.Join(repeated, ", "))
}
