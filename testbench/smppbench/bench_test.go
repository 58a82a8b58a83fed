package main

import (
	"strings"
	"testing"

	"maskline/testbench/smppload"
)

func runs(rates ...float64) (all []sample) {
	for _, r := range rates {
		all = append(all, sample{Report: &smppload.Report{Rate: r, Sent: 10}, cpu: 1 / r})
	}
	return all
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		rates []float64
		want  float64
	}{{nil, 0}, {[]float64{5}, 5}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 3, 2, 1}, 2}} {
		if got := median(runs(c.rates...), rate); got != c.want {
			t.Errorf("%v: %v", c.rates, got)
		}
	}
}

func TestRowsShowEveryRunAndWhatWasBad(t *testing.T) {
	all := runs(300, 100, 200)
	all[1].Lost, all[2].Lost = 2, 3
	line := row("work", all)
	for _, want := range []string{"| work | 3 | 10 |", "**200** (300, 100, 200)", "5 lost"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %s", want, line)
		}
	}
	if verdict(runs(1)) != "0" {
		t.Error("something bad without reason")
	}
}
