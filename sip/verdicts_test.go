package sip

import (
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"maskline/routing"
)

func TestVerdicts(t *testing.T) {
	table, now := &verdicts{}, time.Unix(1_800_000_000, 0)
	put := verdict{code: 503, cause: causeCongestion, later: true}
	a, neighbour, other := callKey{7, 1}, callKey{7 + uint64(len(table.slots)), 2}, callKey{8, 1}
	table.put(a, put, now)
	got, known := table.find(a, now.Add(t64))
	if put.at = uint32(now.Unix()); !known || got != put {
		t.Errorf("%+v %v", got, known)
	}
	for name, k := range map[string]callKey{"of the same slot": neighbour, "of another one": other} {
		if _, known := table.find(k, now); known {
			t.Errorf("a key %s is known", name)
		}
	}
	if _, known := table.find(a, now.Add(t64+time.Second)); known {
		t.Error("it is never forgotten")
	}
	table.put(neighbour, verdict{code: 480, cause: causeRejected}, now)
	if _, known := table.find(a, now); known {
		t.Error("two are in one slot")
	}
	if got, known := table.find(neighbour, now); !known || got.code != 480 || got.cause != causeRejected || got.later {
		t.Errorf("%+v %v", got, known)
	}
}

// TestKeptOutStaysOut repeats a request when there is room again: its sender may
// have gone elsewhere.
func TestKeptOutStaysOut(t *testing.T) {
	roomy := func(b *bed) {
		for _, tr := range b.edge.set().list {
			tr.in.SetLimit(rate.Inf)
			tr.texts[inbound].SetLimit(rate.Inf)
		}
	}
	var backlog atomic.Int64
	for _, c := range []struct {
		name, answer string
		change       func(*Config)
		fill         func(*bed)
		from         func(*bed) *peer
	}{
		{"overload", "SIP/2.0 503", nil, func(b *bed) {
			backlog.Store(60)
			b.awaitLoad(loadShedding)
		}, nil},
		{"cps", "SIP/2.0 503", func(c *Config) { c.Trunks[0].CPS = 1 }, func(b *bed) {
			b.edge.set().list[0].in.AllowN(b.edge.now(), 1)
			b.edge.set().list[0].texts[inbound].AllowN(b.edge.now(), 1)
		}, nil},
		{"cps of a PBX", "SIP/2.0 480", func(c *Config) { c.Trunks[3].CPS = 1 }, func(b *bed) {
			b.edge.set().list[3].in.AllowN(b.edge.now(), 1)
			b.edge.set().list[3].texts[inbound].AllowN(b.edge.now(), 1)
		}, func(b *bed) *peer { return b.tenant }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, side := newTextBed(t, func(cfg *Config) {
				if c.change != nil {
					c.change(cfg)
				}
			}, behind(&backlog))
			side.answerAll(routing.FateDelivered)
			p := b.caller
			if c.from != nil {
				p = c.from(b)
			}
			c.fill(b)
			invite, text := p.invite("one"), p.text("two", "x")
			p.send(invite)
			refused := p.expect(c.answer)
			p.send(text)
			textRefused := p.expect(c.answer)
			p.send(p.inDialog("ACK", refused, 1))
			p.silence()
			roomy(b)
			backlog.Store(0)
			b.awaitLoad(loadCalm)
			p.send(invite)
			if again := p.expect("SIP/2.0 "); again != refused {
				t.Errorf("answered otherwise:\n%s", again)
			}
			p.send(text)
			if again := p.expect("SIP/2.0 "); again != textRefused || len(side.all()) > 0 {
				t.Errorf("answered otherwise:\n%s", again)
			}
			if got := b.count("seizures_total"); got != 0 {
				t.Errorf("%v calls begun", got)
			}
			p.send(p.text("three", "x"))
			p.expect("SIP/2.0 202")
			p.send(p.invite("four"))
			b.callees[0].expect("INVITE ")
		})
	}
}

func TestKeptOutByTheEdge(t *testing.T) {
	b := newBed(t, func(c *Config) { c.MaxCPS = 1 })
	b.edge.newCalls.AllowN(b.edge.now(), 1)
	b.caller.send(b.caller.invite("one"))
	refused := b.caller.expect("SIP/2.0 503")
	b.edge.newCalls.SetLimit(rate.Inf)
	b.caller.send(b.caller.invite("one"))
	if again := b.caller.expect("SIP/2.0 "); again != refused {
		t.Errorf("answered otherwise:\n%s", again)
	}
}

func BenchmarkVerdicts(b *testing.B) {
	table, now := &verdicts{}, time.Now()
	b.ReportAllocs()
	for i := range b.N {
		k := callKey{uint64(i), uint64(i)}
		table.put(k, verdict{code: 503}, now)
		if _, known := table.find(k, now); !known {
			b.Fatal("forgotten")
		}
	}
}
