package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/figures"
)

// backends of the edge, in the document's order.
var backends = []string{"portable", "steer", "kernel"}

var (
	loads    = []int{500, 1000, 1500}
	manyCall = []int{3000}
)

const added = 500 // calls at which the delay that a relay adds is told

// names of those that are no edge.
const (
	alone      = "generator alone"
	aloneTwo   = "generator alone, two cores"
	peer       = "rtpengine"
	onTwoCores = ", two cores"
)

func (r *rig) measure(ctx context.Context) (string, error) {
	var t strings.Builder
	t.WriteString(figures.Head("Media, and rtpengine beside it", "make bench-media"+r.arguments()))
	version := "rtpengine was left out"
	if r.peers {
		var err error
		if version, err = engineVersion(ctx); err != nil {
			return "", err
		}
	}
	fmt.Fprintf(&t, `%s, user space, one thread. Calls are G.711, 160 octets every 20 ms each way, set up by SIP through the
edge with all its rules, by ng offer and answer in rtpengine; no RTCP. The measured process has one core (the edge with
one thread for packets) and the generator the other. "with the kernel" is what the generator, the process and ksoftirqd used together beyond what the generator
used alone, its parties sending to each other: the kernel's work is charged to whose packet caused it. The last column
is the same by the ticks of /proc/stat, with all else that the machine did. %d rounds in turn, %v of each load, none of it
its beginning.%s

`, version, r.rounds, r.during(window), r.caution())
	if r.only == saturation {
		err := r.writeSaturation(ctx, &t)
		return t.String(), err
	}
	all := r.contenders()
	if r.only != "" {
		all = slices.DeleteFunc(all, func(c *contender) bool { return c.name != r.only && c.name != alone && c.name != aloneTwo })
	}
	for round := range r.rounds {
		for _, c := range all {
			progress("round %d of %d: %s", round+1, r.rounds, c.name)
			if err := r.round(ctx, c); err != nil {
				return "", fmt.Errorf("round %d, %s: %w", round+1, c.name, err)
			}
		}
	}
	writeLoads(&t, all)
	if r.only != "" {
		return t.String(), nil
	}
	writeRatios(&t, all)
	writeDelays(&t, all)
	writeMemory(&t, all)
	writeScaling(&t, all)
	if err := r.writeSaturation(ctx, &t); err != nil {
		return "", err
	}
	if err := r.sieges(ctx, &t); err != nil {
		return "", err
	}
	if err := r.setUps(ctx, &t); err != nil {
		return "", err
	}
	return t.String(), nil
}

// caution tells of a run that is not a full one.
func (r *rig) caution() string {
	if r.share == 100 {
		return ""
	}
	return fmt.Sprintf(" **Only %d %% of the calls that the tables name were made.**", r.share)
}

// contenders are those of a round, in order.
func (r *rig) contenders() []*contender {
	one, two := []int{generatorCore}, []int{relayCore, generatorCore}
	first, both := strconv.Itoa(relayCore), fmt.Sprintf("%d,%d", relayCore, generatorCore)
	all := []*contender{{name: alone, loads: loads, cores: one, start: direct}}
	edge := func(name, backend string, loads []int, generator []int, cores string) {
		all = append(all, &contender{
			name: name, loads: loads, cores: generator,
			start: func(ctx context.Context) (*subject, error) { return r.startEdge(ctx, backend, "port", cores) },
		})
	}
	for _, b := range backends {
		edge(b, b, loads, one, first)
	}
	if r.peers {
		all = append(all, &contender{
			name: peer, loads: loads, cores: one,
			start: func(ctx context.Context) (*subject, error) { return r.startEngine(ctx) },
		})
	}
	all = append(all, &contender{name: aloneTwo, loads: append([]int{2 * added}, manyCall...), cores: two, start: direct})
	edge("kernel"+onTwoCores, "kernel", manyCall, two, both)
	for _, b := range backends[:2] {
		edge(b+onTwoCores, b, []int{2 * added}, two, both)
	}
	for _, c := range all {
		c.threads, c.runs = len(c.cores), map[int][]sample{}
	}
	return all
}

func find(all []*contender, name string) *contender {
	for _, c := range all {
		if c.name == name {
			return c
		}
	}
	return &contender{}
}

// base is the generator alone on the cores that it has beside a contender.
func base(all []*contender, c *contender) *contender {
	if len(c.cores) > 1 {
		return find(all, aloneTwo)
	}
	return find(all, alone)
}

// collected is one figure of all runs of a load.
func (c *contender) collected(calls int, of func(*sample) float64) (v []float64) {
	for i := range c.runs[calls] {
		v = append(v, of(&c.runs[calls][i]))
	}
	return v
}

func (c *contender) median(calls int, of func(*sample) float64) float64 {
	return figures.Median(c.collected(calls, of))
}

func ownCPU(s *sample) float64     { return s.cost.relay.Seconds() / s.packets() }
func allCPU(s *sample) float64     { return s.cost.all.Seconds() / s.packets() }
func machineCPU(s *sample) float64 { return s.cost.machine.Seconds() / s.packets() }

// beyond is a figure of which the generator's part was taken away.
func beyond(all []*contender, c *contender, calls int, of func(*sample) float64) func(*sample) float64 {
	own := base(all, c).median(calls, of)
	return func(s *sample) float64 { return of(s) - own }
}

// several shows a median and the runs that it is of.
func several(format string, v []float64) string {
	var words []string
	for _, x := range v {
		words = append(words, fmt.Sprintf(format, x))
	}
	return fmt.Sprintf("**"+format+"** (%s)", figures.Median(v), strings.Join(words, ", "))
}

// progress tells who watches.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}
