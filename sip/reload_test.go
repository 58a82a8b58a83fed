package sip

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/routing"
)

// reload applies a changed configuration.
func (b *bed) reload(change func(*Config)) {
	b.t.Helper()
	cfg := b.edge.cfg
	cfg.Trunks = append([]TrunkConfig(nil), b.trunks...)
	change(&cfg)
	apply, err := b.edge.Prepare(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	apply()
	b.trunks = cfg.Trunks
}

// without drops a trunk.
func without(name string) func(*Config) {
	return func(c *Config) {
		for i := range c.Trunks {
			if c.Trunks[i].Name == name {
				c.Trunks = append(c.Trunks[:i], c.Trunks[i+1:]...)
				return
			}
		}
	}
}

func (b *bed) trunkState(name string) TrunkState {
	for _, t := range b.edge.Trunks() {
		if t.Name == name {
			return t
		}
	}
	return TrunkState{}
}

// TestReloadRemovesATrunk removes both trunks of a call that is up: it goes on and
// ends, and nothing new begins.
func TestReloadRemovesATrunk(t *testing.T) {
	b := bedWithCallerElsewhere(t)
	d := b.connect(b.caller, "one")
	b.reload(without("in"))
	b.reload(without("out0"))
	for _, name := range []string{"in", "out0"} {
		if s := b.trunkState(name); !s.Draining || s.Channels != 1 {
			t.Errorf("%+v", s)
		}
	}
	b.caller.send(b.caller.invite("two"))
	b.caller.expect("SIP/2.0 503")
	if got := b.count("busy_total", "trunk", "in", "reason", "removed"); got != 1 {
		t.Errorf("%v refusals counted", got)
	}
	b.caller.send(b.caller.other("OPTIONS"))
	b.caller.expect("SIP/2.0 503")
	b.hangUp(b.caller, d)
	eventually(t, "the call is over", func() bool { return b.edge.ActiveCalls() == 0 })
	for _, a := range b.edge.calls.all() {
		a.mu.Lock() // its last transactions need not be waited for
		for a.running {
			a.idle.Wait()
		}
		a.remove()
		a.mu.Unlock()
	}
	if s := b.edge.set(); len(s.retired) != 0 || b.trunkState("in").Name != "" {
		t.Errorf("%d trunks are left", len(s.retired))
	}
	strangers := b.count("dropped_total", "reason", "stranger")
	b.caller.send(b.caller.invite("three"))
	eventually(t, "it is a stranger now", func() bool { return b.count("dropped_total", "reason", "stranger") == strangers+1 })
}

// bedWithCallerElsewhere has a caller with an IP address of its own.
func bedWithCallerElsewhere(t *testing.T) *bed {
	t.Helper()
	p := newPeer(t, "127.0.0.5")
	b := newBed(t, func(c *Config) { c.Trunks[0].Addr, c.Trunks[0].Allow = p.addr.String(), nil })
	p.edge, b.caller = b.addr, p
	return b
}

// TestReloadChangesATrunk changes a trunk under a call: the call keeps what it
// began with, the next one has the new settings, and what is counted goes on.
func TestReloadChangesATrunk(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.caller, "one")
	b.reload(func(c *Config) { c.Trunks[0].Channels, c.Trunks[0].CPS, c.Trunks[1].TechPrefix = 2, 100, "99" })
	if s := b.trunkState("in"); s.Channels != 1 || s.ChannelsLimit != 2 || s.CPSLimit != 100 || s.Draining {
		t.Errorf("%+v", s)
	}
	if got := b.count("channels", "trunk", "in"); got != 1 {
		t.Errorf("%v channels", got)
	}
	e := b.connect(b.caller, "two")
	if !strings.HasPrefix(e.invite, "INVITE sip:99") {
		t.Errorf("not the new prefix:\n%s", e.invite)
	}
	b.caller.send(b.caller.invite("three"))
	b.caller.expect("SIP/2.0 503") // two channels
	b.hangUp(b.caller, d)
	b.hangUp(b.caller, e)
	eventually(t, "both are over", func() bool { return b.count("channels") == 0 })
	if got := b.count("calls_total", "trunk", "in"); got != 2 {
		t.Errorf("%v calls counted", got)
	}
}

// TestReloadAddsATrunk hears a source from then on.
func TestReloadAddsATrunk(t *testing.T) {
	b := bedWithCallerElsewhere(t)
	in := b.trunks[0]
	b.reload(without("in"))
	b.caller.send(b.caller.invite("one"))
	b.caller.silence()
	b.reload(func(c *Config) { c.Trunks = append(c.Trunks, in) })
	b.hangUp(b.caller, b.connect(b.caller, "two"))
}

// TestReloadOfAnAllowList takes an address away that a call came from.
func TestReloadOfAnAllowList(t *testing.T) {
	b := bedWithCallerElsewhere(t)
	d := b.connect(b.caller, "one")
	b.reload(func(c *Config) { c.Trunks[0].Addr = "udp://127.0.0.9:5060" })
	b.caller.send(b.caller.invite("two"))
	b.caller.expect("SIP/2.0 503")
	b.hangUp(b.caller, d)
}

func TestReloadOfTheSame(t *testing.T) {
	b := newBed(t, nil)
	before := b.edge.set()
	b.reload(func(*Config) {})
	if b.edge.set() != before {
		t.Error("the same trunks were put in place anew")
	}
}

func TestReloadRefuses(t *testing.T) {
	b := newBed(t, nil)
	cases := []struct {
		name   string
		change func(*Config)
	}{
		{"two of one name", func(c *Config) { c.Trunks[1].Name = c.Trunks[0].Name }},
		{"no owner", func(c *Config) { c.Trunks[1].Carrier = "" }},
		{"no such socket", func(c *Config) { c.Trunks[1].Local = "127.0.0.77" }},
	}
	for _, c := range cases {
		cfg := b.edge.cfg
		cfg.Trunks = append([]TrunkConfig(nil), cfg.Trunks...)
		c.change(&cfg)
		if _, err := b.edge.Prepare(cfg); err == nil {
			t.Errorf("%s: taken", c.name)
		}
	}
	b.hangUp(b.caller, b.connect(b.caller, "one")) // as before
}

// TestReloadOfProbes has probes begin, go on and end with their trunks.
func TestReloadOfProbes(t *testing.T) {
	b := newBed(t, nil)
	callee := b.callees[0]
	probed := func(c *Config) { c.Trunks[1].Probe = Probe{Every: 20 * time.Millisecond} }
	b.reload(probed)
	if !b.trunkState("out0").Up {
		t.Error("down before the first probe, though it was up")
	}
	options := func() {
		t.Helper()
		callee.send(callee.reply(callee.expect("OPTIONS "), 200, ""))
	}
	options()
	b.reload(func(c *Config) { c.Trunks[1].CPS = 7 })
	if !b.trunkState("out0").Up {
		t.Error("down by a change that has nothing to do with it")
	}
	options()
	b.reload(without("out0"))
	eventually(t, "the last probe is given up", func() bool { return callee.receive(100*time.Millisecond) == "" })
	if n := len(b.edge.set().probers); n != 0 {
		t.Errorf("%d probers", n)
	}
	b.reload(func(c *Config) {
		c.Trunks = append(c.Trunks, TrunkConfig{Name: "out2", Carrier: "alfa", Addr: callee.addr.String(), Probe: Probe{Every: 20 * time.Millisecond}})
	})
	if b.trunkState("out2").Up {
		t.Error("up before its first probe")
	}
	eventually(t, "it is up", func() bool {
		options() // one that was answered late counts as lost
		return b.trunkState("out2").Up
	})
}

// TestReloadShowsCarriers tells routing of a carrier whose only trunk comes and goes.
func TestReloadShowsCarriers(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Trunks = c.Trunks[3:] })
	carrier := b.router.Carrier("alfa")
	if carrier.Up(routing.Voice) {
		t.Fatal("up without a trunk")
	}
	b.reload(func(c *Config) {
		c.Trunks = append(c.Trunks, TrunkConfig{Name: "out0", Carrier: "alfa", Addr: b.callees[0].addr.String(), Probe: Probe{Every: -1}})
	})
	if !carrier.Up(routing.Voice) {
		t.Error("down with a trunk")
	}
	b.reload(without("out0"))
	if carrier.Up(routing.Voice) {
		t.Error("up without a trunk")
	}
}

// TestReloadUnderCalls reloads again and again while calls come and go: none is
// refused, lost or left behind.
func TestReloadUnderCalls(t *testing.T) {
	f := &fakeRecords{}
	b := newBed(t, func(c *Config) {
		c.Records = f
		for i := range c.Trunks {
			c.Trunks[i].FirstResponse, c.Trunks[i].Trying = 5*time.Second, 5*time.Second
		}
	})
	const callers, each = 4, 30
	stop := make(chan struct{})
	var reloading, answering sync.WaitGroup
	reloading.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				b.reload(func(c *Config) {
					c.Trunks[0].Channels, c.Trunks[1].TechPrefix = 1000+i, fmt.Sprint(i%10)
				})
			}
		}
	})
	answering.Go(func() {
		callee := b.callees[0]
		for ended := map[string]bool{}; len(ended) < callers*each; { // by Call-ID: a BYE may come again
			text := callee.receive(10 * time.Second)
			switch {
			case text == "":
				return
			case strings.HasPrefix(text, "INVITE "):
				callee.send(callee.reply(text, 200, callee.sdp()))
			case strings.HasPrefix(text, "BYE "):
				callee.send(callee.reply(text, 200, ""))
				ended[header(text, "Call-ID")] = true
			}
		}
	})
	var calling sync.WaitGroup
	for i := range callers {
		p := newPeer(t, "127.0.0.1")
		p.edge = b.addr
		calling.Go(func() {
			for j := range each {
				p.send(p.invite(fmt.Sprintf("%c%c", 'a'+i, 'a'+j)))
				answer := p.expect("SIP/2.0 200")
				p.send(p.inDialog("ACK", answer, 1))
				p.send(p.inDialog("BYE", answer, 2))
				p.expect("SIP/2.0 200")
			}
		})
	}
	calling.Wait()
	answering.Wait()
	close(stop)
	reloading.Wait()
	eventually(t, "all calls are over", func() bool { return b.edge.ActiveCalls() == 0 && b.count("channels") == 0 })
	eventually(t, "each has a record", func() bool { return len(f.list()) == callers*each })
	for _, r := range f.list() {
		if r.Reason != "caller" || len(r.Attempts) != 1 {
			t.Errorf("%s %d after %d attempts", r.Reason, r.Code, len(r.Attempts))
		}
	}
	if got := b.count("panics_total"); got != 0 {
		t.Errorf("%v panics", got)
	}
	most := int64(3 * len(b.edge.calls.all()))
	users := int64(0)
	for _, tr := range append(b.edge.set().list, b.edge.set().retired...) {
		users += tr.users.Load()
	}
	if users > most {
		t.Errorf("trunks are used %d times by %d calls", users, most/3)
	}
}
