package main

import (
	"strings"
	"testing"
	"time"

	"maskline/testbench/rtpload"
)

func TestBenchmarksAreParsed(t *testing.T) {
	got := parseBenchmarks([]byte("goos: linux\nBenchmarkSetUp/steer-2 \t 1 \t 1608 B/session\t 5.8 us/release\nBenchmarkSetUp/steer-2 \t 1 \t 1600 B/session\t 6 us/release\nPASS\n"))
	f := got["BenchmarkSetUp/steer"]
	if len(got) != 1 || len(f["B/session"]) != 2 || f["B/session"][0] != 1608 || f["us/release"][1] != 6 {
		t.Errorf("%v", got)
	}
}

func TestCPUOfAProcess(t *testing.T) {
	if got := cpuOf([]byte("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0")); got != 420*time.Millisecond {
		t.Errorf("%v", got)
	}
	if got := cpuOf([]byte("7 (short) S 1")); got != 0 {
		t.Errorf("%v", got)
	}
}

// measured is a contender with one run of each load.
func measured(name string, relay, all time.Duration, loads ...int) *contender {
	c := &contender{name: name, loads: loads, cores: []int{0}, runs: map[int][]sample{}}
	for _, calls := range loads {
		c.runs[calls] = []sample{{calls: calls, seconds: 2, cost: used{relay: relay, all: all}, report: rtpload.Report{Received: 1_000_000}}}
	}
	return c
}

// The kernel's share is what is beyond the generator alone.
func TestSharesAreBeyondTheGenerator(t *testing.T) {
	all := []*contender{measured(alone, 0, 3*time.Second, loads...)}
	for _, b := range backends {
		all = append(all, measured(b, 4*time.Second, 9*time.Second, loads...))
	}
	all = append(all, measured(peer, 8*time.Second, 15*time.Second, loads...))
	var text strings.Builder
	writeLoads(&text, all)
	writeRatios(&text, all)
	writeDelays(&text, all)
	writeMemory(&text, all)
	writeScaling(&text, all)
	for _, want := range []string{
		"| generator alone | 500 | 500000 |  | **3.00** (3.00) |",
		"| steer | 500 | 500000 | **4.00** (4.00) | **6.00** (6.00) |",
		"| steer | 500 | 4.00 | 5.5 | 0.50 times | 6.00 | 0.50 times |",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
}

func TestEveryTableIsWhole(t *testing.T) {
	all := []*contender{measured(alone, 0, 3*time.Second, loads...), measured("steer", time.Second, 5*time.Second, loads...)}
	var text strings.Builder
	writeLoads(&text, all)
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	for _, l := range lines {
		if strings.Count(l, "|") != strings.Count(lines[0], "|") {
			t.Errorf("another number of columns: %s", l)
		}
	}
}
