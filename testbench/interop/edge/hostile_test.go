//go:build peers

package edge

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"maskline/testbench/loopback"
	"maskline/testbench/process"
)

// attack is one hostile input: what it is, what the edge answers and where it is
// counted, as docs/hostile-input.md tells it, and the doing of it.
type attack struct {
	input, answer string
	counter       string // metric and its labels: name{label="value"}
	times         int    // how often it is made
	each          int    // what one adds to the counter
	make          func(t *testing.T, h *hostile)
}

const notCounted = "nothing"

// count reads the attack's counter.
func (a *attack) count(m *process.Metrics) int {
	name, labels, _ := strings.Cut(strings.TrimSuffix(a.counter, "}"), "{")
	var series []string
	for label := range strings.SplitSeq(labels, ",") {
		key, value, _ := strings.Cut(label, "=")
		series = append(series, key, strings.Trim(value, `"`))
	}
	return int(m.Sum(name, series...))
}

// hostile is the bed of the attacks.
type hostile struct {
	*bed
	from           netip.Addr // the attacker's SMPP connections come from here
	caller, callee *phone     // on trunks of their own
	third          *phone     // on no list
}

const grownRSS = 24 << 20 // octets that the process may grow by during all attacks together

func attacks() []attack {
	return append(append(smppAttacks(), sipAttacks()...), mediaAttacks()...)
}

const hostileBindings = `+442079460055,+447700900505,tel:+447700900202,+442079460022,voice,delta,,shop
`

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{bed: newBed(t), from: loopback.Addr()}
	h.caller, h.callee, h.third = newPhone(t, "charlie"), newPhone(t, "delta"), newPhone(t, "nobody")
	h.start(settings{
		bindTimeout: "3s", carriers: h.caller.carrier() + h.callee.carrier(),
		accounts: "    - {system_id: outlet, password: demo, tenant: shop}\n",
	})
	for _, p := range []*phone{h.caller, h.callee, h.third} {
		p.edge = h.edge.Listeners().SIP[0]
	}
	h.imports(bindings + hostileBindings)
	return h
}

// Each attack is made many times: it gets its documented answer each time, it is
// counted each time, and a healthy message and call pass right after. In the end
// the process holds no more than before.
func TestHostileInput(t *testing.T) {
	h := newHostile(t)
	h.healthy()
	h.settle()
	before := h.usage()
	for _, a := range attacks() {
		t.Run(a.input, func(t *testing.T) {
			defer h.reports(t)()
			counted := a.count(h.metrics())
			for range a.times {
				a.make(t, h)
			}
			if a.counter != notCounted {
				h.eventually("all of it is counted", func() bool { return a.count(h.metrics())-counted >= a.times*a.each })
			}
			if now := h.usage(); now.RSS-before.RSS > grownRSS {
				t.Errorf("the process grew from %d to %d KiB", before.RSS>>10, now.RSS>>10)
			}
			h.healthy()
		})
	}
	heardNothing(t, h.third.sip)
	h.settle()
	h.eventually("descriptors are as before", func() bool { return h.usage().FDs <= before.FDs })
	after := h.usage()
	t.Logf("RSS %d to %d KiB, descriptors %d to %d, threads %d to %d",
		before.RSS>>10, after.RSS>>10, before.FDs, after.FDs, before.Threads, after.Threads)
	for _, panics := range []string{"maskline_smpp_panics_total", "maskline_sip_panics_total"} {
		if n := h.metrics().Sum(panics); n > 0 {
			t.Errorf("%s is %v", panics, n)
		}
	}
	h.stop()
}

// reports lets the bed and its phones fail a subtest, until the function that it
// returns is called.
func (h *hostile) reports(t *testing.T) func() {
	set := func(t *testing.T) { h.t, h.caller.t, h.callee.t, h.third.t = t, t, t, t }
	parent := h.t
	set(t)
	return func() { set(parent) }
}

// settle waits until calls are over and their ports are closed.
func (h *hostile) settle() {
	h.t.Helper()
	h.eventually("no call is left", func() bool {
		m := h.metrics()
		return m.Sum("maskline_media_sessions") == 0 && m.Sum("maskline_media_ports_used") == 0 && m.Sum("maskline_smpp_binds", "state", "open") == 0
	})
}

func (h *hostile) usage() process.Usage {
	h.t.Helper()
	u, err := h.edge.Usage()
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// The table of docs/hostile-input.md is this one.
func TestHostileInputIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/hostile-input.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(doc)) {
		if strings.HasPrefix(line, "| ") {
			rows = append(rows, strings.TrimSpace(line))
		}
	}
	want := []string{"| input | answer | counted in |"}
	for _, a := range attacks() {
		counter := "`" + a.counter + "`"
		if a.counter == notCounted {
			counter = notCounted
		}
		want = append(want, fmt.Sprintf("| %s | %s | %s |", a.input, a.answer, counter))
	}
	if strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Errorf("docs/hostile-input.md does not hold this table:\n%s", strings.Join(want, "\n"))
	}
}
