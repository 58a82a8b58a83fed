package sip

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	type sample struct {
		times   int
		backlog float64
		lag     time.Duration
	}
	cases := []struct {
		name    string
		samples []sample
		want    load
	}{
		{"calm", []sample{{100, 0.4, 100 * time.Millisecond}}, loadCalm},
		{"a burst", []sample{{2, 1, 0}, {1, 0, 0}, {2, 1, 0}, {1, 0, 0}}, loadCalm},
		{"late once", []sample{{1, 0, time.Minute}, {1, 0, 0}}, loadCalm},
		{"backlog", []sample{{3, 0.5, 0}}, loadShedding},
		{"late", []sample{{3, 0, 300 * time.Millisecond}}, loadShedding},
		{"backlog, then late", []sample{{1, 0.6, 0}, {2, 0, time.Second}}, loadShedding},
		{"full", []sample{{3, 0.95, 0}}, loadDropping},
		{"very late", []sample{{3, 0, 2 * time.Second}}, loadDropping},
		{"better by one step", []sample{{3, 0.95, 0}, {10, 0, 0}}, loadShedding},
		{"not yet better", []sample{{3, 0.5, 0}, {9, 0, 0}}, loadShedding},
		{"better and bad again", []sample{{3, 0.5, 0}, {9, 0, 0}, {1, 0.5, 0}, {9, 0, 0}}, loadShedding},
		{"calm again", []sample{{3, 0.95, 0}, {20, 0, 0}}, loadCalm},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var o overload
			for _, s := range c.samples {
				for range s.times {
					o.judge(s.backlog, s.lag)
				}
			}
			if o.now != c.want {
				t.Errorf("%v, want %v", o.now, c.want)
			}
		})
	}
}

// laden is an edge whose backlog the test sets, in percent.
func laden(t *testing.T, change func(*Config)) (*bed, *atomic.Int64) {
	backlog := &atomic.Int64{}
	return newBed(t, change, behind(backlog)), backlog
}

func behind(backlog *atomic.Int64) func(*Edge) {
	return func(e *Edge) {
		e.measure = func(time.Time) (float64, time.Duration) { return float64(backlog.Load()) / 100, 0 }
	}
}

func (b *bed) awaitLoad(l load) {
	b.t.Helper()
	eventually(b.t, l.String(), func() bool { return b.count("load") == float64(l) })
}

func TestOverload(t *testing.T) {
	b, backlog := laden(t, nil)
	d := b.connect(b.caller, "standing")
	backlog.Store(60)
	b.awaitLoad(loadShedding)
	seen := map[string]bool{}
	for i := range 30 {
		invite := b.caller.invite(fmt.Sprint("new", i))
		b.caller.send(invite)
		answer := b.caller.expect("SIP/2.0 503")
		after := header(answer, "Retry-After")
		seen[after] = true
		b.caller.send(invite)
		if again := b.caller.expect("SIP/2.0 503"); header(again, "Retry-After") != after {
			t.Error("a repeated request is told otherwise")
		}
	}
	for after := range seen {
		if len(after) != 1 || after < "1" || after > "5" {
			t.Errorf("Retry-After: %q", after)
		}
	}
	if len(seen) < 3 {
		t.Errorf("all are told to come back at once: %v", seen)
	}
	b.tenant.send(strings.ReplaceAll(b.tenant.invite("emergency"), simMaskA.Reveal(), "112"))
	b.callees[0].expect("INVITE sip:112@")

	backlog.Store(95)
	b.awaitLoad(loadDropping)
	b.caller.send(b.caller.invite("dropped"))
	b.caller.silence()
	if got := b.count("dropped_total", "reason", "overload"); got != 1 {
		t.Errorf("%v are dropped", got)
	}
	b.tenant.send(strings.ReplaceAll(b.tenant.invite("emergency2"), simMaskA.Reveal(), "112"))
	b.callees[0].expect("INVITE sip:112@")
	b.hangUp(b.caller, d) // what stands is served

	backlog.Store(0)
	b.awaitLoad(loadCalm)
	b.caller.send(b.caller.invite("after"))
	b.callees[0].expect("INVITE ")
	if got := b.count("busy_total", "trunk", "in", "direction", "in", "reason", "overload"); got != 30 {
		t.Errorf("%v are shed", got)
	}
}

func TestCallsPerSecondInAll(t *testing.T) {
	b := newBed(t, func(c *Config) { c.MaxCPS = 1 })
	b.caller.send(b.caller.invite("one"))
	b.callees[0].expect("INVITE ")
	b.tenant.send(b.tenant.invite("two"))
	if answer := b.tenant.expect("SIP/2.0 503"); header(answer, "Retry-After") == "" {
		t.Error(answer)
	}
}
