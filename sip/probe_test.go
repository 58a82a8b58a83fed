package sip

import (
	"sync"
	"testing"
	"time"

	"maskline/routing"
)

func TestProbes(t *testing.T) {
	b := newBed(t, func(c *Config) {
		for i := range c.Trunks {
			if c.Trunks[i].Name == "out0" {
				c.Trunks[i].Probe = Probe{Every: time.Hour, DownAfter: 2, UpAfter: 2} // the test says when
			} else if c.Trunks[i].Carrier != "" {
				c.Trunks[i].Addr = "" // the others only send to us
			}
		}
	})
	carrier := b.router.Carrier("alfa")
	if carrier.Up(routing.Voice) {
		t.Error("the carrier is up before its first answer")
	}
	var p *prober
	for _, p = range b.edge.set().probers { // there is one
	}
	waits := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.waiting
	}
	probe := func() { b.edge.timers.set(&p.alarm, time.Now()) }
	answer := func(code int) {
		b.callees[0].send(b.callees[0].reply(b.callees[0].expect("OPTIONS "), code, ""))
		eventually(t, "the answer counts", func() bool { return !waits() })
	}
	answer(404) // any answer is a sign of life
	if !carrier.Up(routing.Voice) {
		t.Error("it is not up after the first answer")
	}
	for _, c := range []struct {
		code int
		up   bool
		what string
	}{
		{503, true, "one failure"},
		{200, true, "a success between failures"},
		{503, true, "single failures"},
		{503, false, "two failures in a row"},
		{200, false, "one success"},
		{200, true, "two successes in a row"},
	} {
		probe()
		answer(c.code)
		if carrier.Up(routing.Voice) != c.up || b.count("trunk_up", "trunk", "out0") != map[bool]float64{true: 1}[c.up] {
			t.Errorf("after %s it is up: %v", c.what, !c.up)
		}
	}
	_ = b.callees[0].conn.Close()
	eventually(t, "a closed port takes it down", func() bool {
		if !waits() {
			probe()
		}
		return !carrier.Up(routing.Voice)
	})
}

func TestHealth(t *testing.T) {
	p := Probe{DownAfter: 3, UpAfter: 2}
	cases := []struct{ name, outcomes, states string }{
		{"up at the first success", "+", "+"},
		{"down from the start", "-----", "-----"},
		{"up after failures at the start", "--+-+-++", "-------+"},
		{"down after three in a row", "+--+---", "++++++-"},
		{"back after two in a row", "+---+-++", "+++----+"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h health
			got := ""
			for _, o := range c.outcomes {
				h.judge(o == '+', p)
				got += map[bool]string{true: "+", false: "-"}[h.up]
			}
			if got != c.states {
				t.Fatalf("%s, want %s", got, c.states)
			}
		})
	}
}

// TestProbeOverALostConnection has a peer take connections and close them, before
// its answer and after it: the next one is made after a pause.
func TestProbeOverALostConnection(t *testing.T) {
	b := newBed(t, func(c *Config) {
		c.Listen = append(c.Listen, Listen{Addr: "tcp://127.0.0.1:0"})
		c.Trunks = append(c.Trunks, TrunkConfig{
			Name: "closer", Carrier: "alfa", Addr: "tcp://127.0.0.2:9", Probe: Probe{Every: time.Hour},
		})
	})
	trunks := b.edge.set().byCarrier["alfa"]
	p := b.edge.newProber(trunks[len(trunks)-1])
	now := b.edge.now().Add(time.Hour) // so that no alarm goes off
	next := func(at time.Time) time.Duration {
		b.edge.timers.clear(&p.alarm)
		p.lost(at)
		return p.alarm.at.Sub(now)
	}
	for _, want := range []time.Duration{firstPause, 2 * firstPause, 4 * firstPause} {
		p.begin(now)
		if got := next(now); got != want {
			t.Errorf("without an answer: after %v, want %v", got, want)
		}
	}
	p.begin(now)
	p.outcome(true, now)
	if got := next(now); got != lostPause {
		t.Errorf("right after an answer: after %v", got)
	}
	if got := next(now.Add(time.Minute)); got != time.Minute {
		t.Errorf("a minute after it: after %v", got)
	}
	b.edge.timers.clear(&p.alarm)
}

// TestCarrierOfTwoTrunks has one trunk go down while the other one comes up: the
// carrier is up, whoever tells last.
func TestCarrierOfTwoTrunks(t *testing.T) {
	b := newBed(t, nil)
	carrier := b.router.Carrier("alfa")
	trunks := b.edge.set().byCarrier["alfa"]
	trunks[2].state.up.Store(false)
	for round := range 50_000 {
		var both sync.WaitGroup
		for i, tr := range trunks[:2] {
			tr.state.up.Store(i == round%2)
			both.Go(func() {
				tr.state.up.Store(i != round%2)
				b.edge.showCarrier("alfa")
			})
		}
		both.Wait()
		if !carrier.Up(routing.Voice) {
			t.Fatalf("round %d: down, with a trunk that is up", round)
		}
	}
}
