package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// setUps runs the benchmarks of the relay alone, without signalling.
func (r *rig) setUps(ctx context.Context, t *strings.Builder) error {
	if err := pin(relayCore, generatorCore); err != nil {
		return err
	}
	const pattern, folder = "BenchmarkSetUp", "maskline/testbench/interop/mediaload"
	out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchtime", "1x", "-count", strconv.Itoa(r.rounds), folder).CombinedOutput()
	if err != nil {
		return fmt.Errorf("measuring set-ups: %w: %s", err, out)
	}
	found := parseBenchmarks(out)
	fmt.Fprintf(t, "\n| the relay alone, by `go test -run '^$' -bench %s -benchtime 1x ./testbench/interop/mediaload` | set up a session and describe both sides, 1,000 at once, µs | as many again when they have ended | release it | heap of a session that carries media, octets |\n|---|---|---|---|---|\n", pattern)
	for _, b := range backends {
		figures := found[pattern+"/"+b]
		if figures == nil {
			continue
		}
		fmt.Fprintf(t, "| %s | %s | %s | %s | %s |\n", b, several("%.1f", figures["us/set-up"]), several("%.1f", figures["us/again"]), several("%.1f", figures["us/release"]), several("%.0f", figures["B/session"]))
	}
	t.WriteString("| first bar | 20 | 20 | | 1,024 |\n")
	return nil
}

// parseBenchmarks reads Go's output: by benchmark and unit, the figure of each run.
func parseBenchmarks(out []byte) map[string]map[string][]float64 {
	all := map[string]map[string][]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := f[0]
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			name = name[:at]
		}
		if all[name] == nil {
			all[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				all[name][f[i+1]] = append(all[name][f[i+1]], v)
			}
		}
	}
	return all
}
