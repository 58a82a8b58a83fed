package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// shape is a table that is measured.
type shape struct {
	Bindings int
	PerMask  int // parties of each mask
}

// tableFigures are those of one shape.
type tableFigures struct {
	Shape shape

	Load   time.Duration // of all, by Replace
	Octets float64       // a binding, resident
	GC     time.Duration // forced, the longest of some
	Grown  float64       // octets a binding while it grows one by one, the most

	Lookup, Absent work    // a live binding; a party that has none
	Map            work    // a live binding in Go's map
	Miss           float64 // ns of a read of memory, see missTime

	Insert, Update, Remove float64 // a second
	Pause                  time.Duration
	Stolen                 time.Duration // the longest pause of a thread that did nothing
}

// work is what a reader spends on a lookup.
type work struct {
	CPU, Clock float64 // ns, the mean
	P99        time.Duration
}

func measureTable(ctx context.Context, c config) (string, error) {
	var all []tableFigures
	for size := 1000; size <= c.most; size *= 10 {
		for _, per := range []int{1, 100} {
			f, err := tableIn(ctx, shape{size, per}, c.scale)
			if err != nil {
				return "", err
			}
			all = append(all, f)
		}
	}
	var text strings.Builder
	writeTable(&text, all)
	return text.String(), nil
}

// tableIn measures a shape in a process of its own.
func tableIn(ctx context.Context, s shape, scale int) (f tableFigures, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, fmt.Errorf("finding this command: %w", err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return f, fmt.Errorf("telling the shape: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "-child", string(text), "-scale", fmt.Sprint(scale))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("measuring %d bindings: %w", s.Bindings, err)
	}
	if err := json.Unmarshal(out, &f); err != nil {
		return f, fmt.Errorf("reading what was measured: %w", err)
	}
	return f, nil
}

func tableChild(text string, scale int) error {
	var s shape
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("reading the shape: %w", err)
	}
	f := s.measure(time.Duration(scale) * time.Second / 100)
	return json.NewEncoder(os.Stdout).Encode(f)
}

func writeTable(text *strings.Builder, all []tableFigures) {
	fmt.Fprint(text, `Bindings are chosen uniformly at random by two readers while 1,000 a second are updated. Octets are what the process
has resident beyond an empty one, texts apart, after a load and the most while the same table grows from nothing by
Apply; "per mask" is how many parties share one. A forced GC is the longest of 5. The longest Apply is of one change
among those that insert, update and remove a tenth of the table; beside it the longest time for which a thread without
work was stopped in such a time, which is the machine's. A lookup in a table beyond the cache waits for memory once, for
the three cells of a record together; "one read" is what this machine takes for one such wait, among 64 octets a binding on huge
pages. The map is Go's own, of records without pointers behind a read-write lock, with the same readers and writer.

| bindings | per mask | lookup CPU ns | by the clock, p99 | no binding, CPU ns | map CPU ns | lookup to map | one read ns | octets a binding | most while growing | forced GC ms |
|---|---|---|---|---|---|---|---|---|---|---|
`)
	for _, f := range all {
		grown := ""
		if f.Grown > 0 {
			grown = fmt.Sprintf("%.1f", f.Grown)
		}
		fmt.Fprintf(text, "| %d | %d | **%.0f** | %.0f ns, %.2f us | %.0f | %.0f | **%.2f times** | %.0f | **%.1f** | %s | %.1f |\n", f.Shape.Bindings, f.Shape.PerMask,
			f.Lookup.CPU, f.Lookup.Clock, us(f.Lookup.P99), f.Absent.CPU, f.Map.CPU, f.Lookup.CPU/f.Map.CPU, f.Miss, f.Octets, grown, us(f.GC)/1000)
	}
	fmt.Fprint(text, `
| bindings | per mask | loaded in s | inserts/s | updates/s | removals/s | longest Apply ms | longest of nothing ms |
|---|---|---|---|---|---|---|---|
`)
	for _, f := range all {
		fmt.Fprintf(text, "| %d | %d | %.3f | %.0f | %.0f | %.0f | %.2f | %.2f |\n", f.Shape.Bindings, f.Shape.PerMask,
			f.Load.Seconds(), f.Insert, f.Update, f.Remove, us(f.Pause)/1000, us(f.Stolen)/1000)
	}
	writeRatios(text, all)
}

// writeRatios compares the largest table with the smallest, and with the bars.
func writeRatios(text *strings.Builder, all []tableFigures) {
	first, last := all[0], all[len(all)-2]
	fmt.Fprintf(text, `
| at %d bindings, one party a mask | figure | first bar | aim |
|---|---|---|---|
| lookup, CPU ns | %.0f | 200 | 150 |
| octets a binding | %.1f | 100 | |
| forced GC | %.1f ms | 10 ms | |
| lookup against %d bindings | %.1f times | 1.5 times | |
| octets a binding against %d bindings | %.1f times | 1.5 times | |
`, last.Shape.Bindings, last.Lookup.CPU, last.Octets, us(last.GC)/1000,
		first.Shape.Bindings, last.Lookup.CPU/first.Lookup.CPU, first.Shape.Bindings, last.Octets/first.Octets)
}

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
