package rtpload

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/testbench/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T, cfg Config) *Load {
	t.Helper()
	cfg.Interval, cfg.Settle = 2*time.Millisecond, 10*time.Second
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// until waits until a running load reports this.
func until(t *testing.T, l *Load, what string, ok func(Report) bool) {
	t.Helper()
	if !await.Within(10*time.Second, func() bool { return ok(l.Report()) }) {
		t.Fatalf("never happened: %s: %+v", what, l.Report())
	}
}

func TestDirectCallsLoseNothing(t *testing.T) {
	for _, threads := range []int{1, 3} {
		l := load(t, Config{Relay: Direct{}, Threads: threads})
		if _, err := l.Grow(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		until(t, l, "some packets", func(r Report) bool { return r.Received > 100 })
		before := l.Report()
		if _, err := l.Grow(t.Context(), 20); err != nil {
			t.Fatal(err)
		}
		until(t, l, "more packets", func(r Report) bool { return r.Received > before.Received+200 })
		r := l.Stop(t.Context())
		if faults := r.Faulty(); r.Calls != 20 || r.Received != r.Sent || len(faults) > 0 || r.Wrong() != 0 {
			t.Errorf("%d threads: %+v, %v", threads, r, faults)
		}
		if late := r.Since(before); late.Sent != r.Sent-before.Sent || late.Received != r.Received-before.Received || late.Delay.Quantile(0.5) == 0 {
			t.Errorf("%d threads, since: %+v", threads, late)
		}
	}
}

// crossing connects the parties of each call to those of the one before.
type crossing struct{ a, b netip.AddrPort }

func (c *crossing) Connect(_ context.Context, a, b netip.AddrPort) (Ends, error) {
	e := Ends{A: b, B: a}
	if c.a.IsValid() {
		e = Ends{A: c.b, B: c.a}
	}
	c.a, c.b = a, b
	return e, nil
}

func TestCrossedCallsAreFaulty(t *testing.T) {
	l := load(t, Config{Relay: &crossing{}})
	if _, err := l.Grow(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	// Both calls send to the parties of the first one.
	until(t, l, "packets from elsewhere", func(r Report) bool { return r.WrongSource > 10 })
	l.cfg.Settle = time.Millisecond
	r := l.Stop(t.Context())
	if faults := strings.Join(r.Faulty(), ", "); !strings.Contains(faults, "lost") || !strings.Contains(faults, "from elsewhere") {
		t.Errorf("%q: %+v", faults, r)
	}
}

func TestSiegeReachesOpenPorts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		early bool
	}{{"late neighbours", false}, {"early neighbours", true}} {
		t.Run(tt.name, func(t *testing.T) {
			l := load(t, Config{Relay: Direct{}})
			r, err := l.Besiege(t.Context(), 5, 200*time.Millisecond, Siege{
				Relay: netip.MustParseAddr("127.0.0.1"), PortMin: 9, PortMax: 12, Rate: 1000,
				Lead: 50 * time.Millisecond, Pause: 50 * time.Millisecond, Neighbours: true, Early: tt.early,
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Attack.Sent < 100 || r.WrongSource == 0 || r.Lost != 0 {
				t.Errorf("%+v: the attack did not take place", r)
			}
		})
	}
}

func TestSiegeThatIsAnsweredIsFaulty(t *testing.T) {
	r := Report{Attack: &Attacked{Sent: 2, Received: 1}}
	if got := r.Faulty(); !slices.Equal(got, []string{"1 sent to the attacker"}) {
		t.Errorf("%v", got)
	}
}

func TestReportIsWritten(t *testing.T) {
	r := Report{Calls: 3, Sent: 9, Received: 5, Lost: 4, Foreign: 3, Crossed: 1, Attack: &Attacked{Sent: 7}}
	var text bytes.Buffer
	r.Write(&text)
	for _, want := range []string{"9 sent in 3 calls", "4 lost, 0 duplicated, 2 injected or altered, 1 of another call", "7 packets sent, 0 received"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
	got, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(got), `"delay_us":{"max":0,`) {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWrongConfigIsRefused(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no relay":          {},
		"negative settling": {Relay: Direct{}, Settle: -1},
		"too many threads":  {Relay: Direct{}, Threads: 65},
	} {
		if l, err := New(cfg); err == nil {
			l.Close()
			t.Errorf("%s was taken", name)
		}
	}
	l := load(t, Config{Relay: Direct{}})
	if _, err := l.Connect(t.Context(), maxCalls+1); err == nil {
		t.Error("too many calls were taken")
	}
	if _, err := l.Besiege(t.Context(), 1, 0, Siege{}); err == nil {
		t.Error("an attack on nothing was taken")
	}
}
