package sip

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/routing"
	"maskline/sip/message"
)

// clerk is a registrar of one trunk, driven step by step.
type clerk struct {
	t        *testing.T
	reg      *registration
	now      time.Time
	outcomes []string
	last     *sending
}

func newClerk(t *testing.T, addresses ...string) *clerk {
	t.Helper()
	tr := testTrunk(t, TrunkConfig{
		Name: "out", Carrier: "out", Addr: "192.0.2.1:5060", Register: Register{Enabled: true},
		AuthOut: AuthOut{Username: simUser, Password: simPassword, Realm: simRealm},
	})
	ids, err := newTokens(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	c := &clerk{t: t, now: simStart}
	all := []netip.AddrPort{tr.addr}
	for _, a := range addresses {
		all = append(all, netip.MustParseAddrPort(a))
	}
	c.reg = newRegistration(tr, ids, 3, all, func(o registerOutcome, _ int) { c.outcomes = append(c.outcomes, o.String()) })
	c.reg.due = c.now
	c.last = c.reg.tick(c.now, 0)
	return c
}

// say answers the latest REGISTER.
func (c *clerk) say(code int, lines string) *sending {
	c.t.Helper()
	if c.last == nil {
		c.t.Fatal("nothing was asked")
	}
	text := string(c.last.data)
	res := fmt.Sprintf("SIP/2.0 %d x\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=r\r\nCall-ID: %s\r\nCSeq: %s\r\n%sContent-Length: 0\r\n\r\n",
		code, header(text, "Via"), header(text, "From"), header(text, "To"), header(text, "Call-ID"), header(text, "CSeq"),
		strings.ReplaceAll(lines, "OURS", "<sip:"+c.reg.contact()+"@203.0.113.1:5060>"))
	msg, err := gosip.NewParser().ParseSIP([]byte(res))
	if err != nil {
		c.t.Fatal(err)
	}
	answer, fault := message.NewResponse(msg.(*gosip.Response))
	if fault != nil {
		c.t.Fatal(fault)
	}
	c.last = c.reg.answer(answer, c.last.seq, c.now, 0)
	return c.last
}

// wait lets time pass until the registration acts; it returns how long.
func (c *clerk) wait() time.Duration {
	c.t.Helper()
	start := c.now
	for range 100 {
		next := c.reg.next()
		if next.IsZero() {
			break
		}
		c.now = next
		if c.last = c.reg.tick(c.now, 0); c.last != nil {
			return c.now.Sub(start)
		}
	}
	c.t.Fatal("it never acts")
	return 0
}

func TestRegister(t *testing.T) {
	c := newClerk(t)
	text := string(c.last.data)
	for _, want := range []string{
		"REGISTER sip:192.0.2.1:5060 SIP/2.0\r\n", "To: <sip:maskline@192.0.2.1:5060>\r\n", "From: <sip:maskline@192.0.2.1:5060>;tag=",
		"Contact: <sip:" + c.reg.contact() + "@203.0.113.1:5060>\r\n", "Expires: 600\r\n", "CSeq: 1 REGISTER\r\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if drop := message.Check(c.last.data); drop != message.Pass {
		t.Error(drop)
	}
	again := c.say(401, "WWW-Authenticate: "+askMD5+"\r\n")
	if again == nil || header(string(again.data), "CSeq") != "2 REGISTER" || header(string(again.data), "Via") == header(text, "Via") ||
		header(string(again.data), "Call-ID") != header(text, "Call-ID") {
		t.Fatalf("%+v", again)
	}
	proof(t, string(again.data))
	if c.reg.registered(c.now) {
		t.Error("registered by a challenge")
	}
	c.say(200, "Contact: <sip:other@192.0.2.9>;expires=3600, OURS;expires=120\r\nExpires: 60\r\n")
	if !c.reg.registered(c.now) || !c.reg.until.Equal(c.now.Add(2*time.Minute)) {
		t.Errorf("registered until %v", c.reg.until)
	}
	if paused := c.wait(); paused != 90*time.Second {
		t.Errorf("refreshed after %v", paused)
	}
	if got := proof(t, string(c.last.data)); got.Count != 2 {
		t.Errorf("not authorised at once: %+v", got)
	}
	if !slices.Equal(c.outcomes, []string{"granted"}) {
		t.Error(c.outcomes)
	}
}

func TestRegisterIsRefused(t *testing.T) {
	ask := "WWW-Authenticate: " + askMD5 + "\r\n"
	cases := []struct {
		name  string
		steps func(*clerk)
		want  string        // last outcome
		pause time.Duration // until the next REGISTER, at the shortest
	}{
		{"403", func(c *clerk) { c.say(403, "") }, "refused", 15 * time.Second},
		{"the password is wrong", func(c *clerk) { c.say(401, ask); c.say(401, strings.Replace(ask, "n1", "n2", 1)) }, "unauthorised", 15 * time.Second},
		{"another realm", func(c *clerk) { c.say(401, strings.Replace(ask, "carrier", "elsewhere", 1)) }, "unauthorised", 15 * time.Second},
		{"200 without our contact", func(c *clerk) { c.say(200, "Contact: <sip:other@192.0.2.9>;expires=3600\r\n") }, "refused", 15 * time.Second},
		{"200 without any life", func(c *clerk) { c.say(200, "Contact: OURS;expires=0\r\n") }, "refused", 15 * time.Second},
		{"503", func(c *clerk) { c.say(503, "") }, "timeout", 500 * time.Millisecond},
		{"503 that asks for a pause", func(c *clerk) { c.say(503, "Retry-After: 20\r\n") }, "timeout", 20 * time.Second},
		{"423 twice", func(c *clerk) { c.say(423, "Min-Expires: 900\r\n"); c.say(423, "Min-Expires: 1800\r\n") }, "refused", 15 * time.Second},
		{"423 of a month", func(c *clerk) { c.say(423, "Min-Expires: 2592000\r\n") }, "refused", 15 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := newClerk(t)
			c.steps(k)
			if k.last != nil || k.reg.registered(k.now) || len(k.outcomes) == 0 || k.outcomes[len(k.outcomes)-1] != c.want {
				t.Fatalf("%v, asks again: %v", k.outcomes, k.last != nil)
			}
			if paused := k.wait(); paused != c.pause {
				t.Errorf("again after %v", paused)
			}
		})
	}
}

func TestRegisterForLonger(t *testing.T) {
	c := newClerk(t)
	c.say(423, "Min-Expires: 900\r\n")
	if c.last == nil || header(string(c.last.data), "Expires") != "900" {
		t.Fatal("423 is not obeyed")
	}
	c.say(200, "Contact: OURS\r\nExpires: 900\r\n")
	c.wait()
	if header(string(c.last.data), "Expires") != "900" {
		t.Error("and is forgotten")
	}
}

// TestRegisterBacksOff has no answer at all: each round takes longer, up to a
// bound, and registered is registered until it expires.
func TestRegisterBacksOff(t *testing.T) {
	c := newClerk(t)
	c.say(200, "Contact: OURS;expires=60\r\n")
	until := c.reg.until
	var starts []time.Time
	seq := uint16(0)
	for len(starts) < 12 {
		c.wait()
		if c.now.Before(until) != c.reg.registered(c.now) {
			t.Fatalf("at %v registered: %v", c.now.Sub(simStart), c.reg.registered(c.now))
		}
		if c.last.seq != seq {
			seq = c.last.seq
			starts = append(starts, c.now)
		}
	}
	last := time.Duration(0)
	for i := range starts[1:] {
		pause := starts[i+1].Sub(starts[i]) - registerTimeout
		if pause < last || pause > longestBackOff {
			t.Errorf("pause %d is %v after %v", i, pause, last)
		}
		last = pause
	}
	if last != longestBackOff/2 {
		t.Errorf("at last %v", last)
	}
}

func TestRegisterTurnsToTheNextAddress(t *testing.T) {
	c := newClerk(t, "192.0.2.2:5060")
	c.say(503, "")
	if c.last == nil || c.last.to != netip.MustParseAddrPort("192.0.2.2:5060") {
		t.Fatalf("%+v", c.last)
	}
	c.reg.unreachable(c.last.seq, c.now, 0)
	if paused := c.wait(); paused == 0 || c.last.to != c.reg.trunk.addr {
		t.Errorf("after %v at %v", paused, c.last.to)
	}
	c.say(200, "Contact: OURS;expires=60\r\n")
	if !c.reg.registered(c.now) {
		t.Error("not registered")
	}
}

func TestUnregister(t *testing.T) {
	c := newClerk(t)
	c.say(200, "Contact: OURS;expires=60\r\n")
	c.last = c.reg.leave(c.now)
	if c.last == nil || header(string(c.last.data), "Expires") != "0" {
		t.Fatal("it is not taken away")
	}
	c.say(401, "WWW-Authenticate: "+askMD5+"\r\n")
	c.say(200, "")
	if !c.reg.gone || c.reg.registered(c.now) || c.outcomes[len(c.outcomes)-1] != "removed" || c.reg.leave(c.now) != nil {
		t.Errorf("%v", c.outcomes)
	}
	never := newClerk(t)
	never.say(403, "")
	if never.reg.leave(never.now) != nil || !never.reg.gone {
		t.Error("what was never registered is taken away")
	}
}

// TestRegisteredTrunk has calls both ways through a trunk that we register at.
func TestRegisteredTrunk(t *testing.T) {
	b := newBed(t, func(c *Config) {
		withAuthOut(c)
		for i := range c.Trunks {
			if c.Trunks[i].Carrier != "" && c.Trunks[i].Name != "out0" {
				c.Trunks[i].Addr = ""
			}
		}
		c.Trunks[1].Register = Register{Enabled: true}
	})
	registrar := b.callees[0]
	carrier := b.router.Carrier("alfa")
	first := registrar.expect("REGISTER ")
	if b.count("trunk_up", "trunk", "out0") != 0 || carrier.Up(routing.Voice) {
		t.Error("up before it is registered")
	}
	registrar.ask(first, 401, askMD5)
	second := registrar.expect("REGISTER ")
	proof(t, second)
	grant := func(request, expires string) {
		registrar.send(strings.Replace(registrar.reply(request, 200, ""), "Contact: ", "Contact: "+header(request, "Contact")+";expires="+expires+", ", 1))
	}
	grant(second, "60")
	eventually(t, "it is up", func() bool { return b.count("trunk_up", "trunk", "out0") == 1 && carrier.Up(routing.Voice) })
	if b.count("trunk_registered_seconds", "trunk", "out0") < 55 || b.count("registrations_total", "outcome", "granted") != 1 {
		t.Error("not in the metrics")
	}
	if s := b.edge.Trunks()[1].Registration; s == nil || !s.Registered || s.Failures != 0 || s.Until.IsZero() {
		t.Errorf("%+v", s)
	}

	// A call to the contact: the dialled number stands in To.
	contact := strings.Trim(header(second, "Contact"), "<>")
	toUs := strings.Replace(registrar.invite("in"), "INVITE sip:"+simMaskA.Reveal()+"@edge", "INVITE "+contact, 1)
	registrar.send(toUs)
	invite := registrar.expect("INVITE ")
	if !strings.HasPrefix(invite, "INVITE sip:"+simBob.Reveal()+"@") {
		t.Errorf("not routed by To:\n%s", invite)
	}
	if got := b.count("channels", "trunk", "out0"); got != 2 { // in and out again
		t.Errorf("%v calls of the trunk", got)
	}
	b.edge.unregister()
	last := registrar.expect("REGISTER ")
	if header(last, "Expires") != "0" {
		t.Errorf("not taken away:\n%s", last)
	}
	grant(last, "0")
	eventually(t, "it is down", func() bool { return b.count("trunk_up", "trunk", "out0") == 0 && !carrier.Up(routing.Voice) })
}

// TestFailedRegistrationIsTold has a registrar refuse a password: once in the log,
// and in the trunk's state until it is granted.
func TestFailedRegistrationIsTold(t *testing.T) {
	b := newBed(t, func(c *Config) {
		withAuthOut(c)
		c.Trunks[1].Register = Register{Enabled: true}
	})
	registrar := b.callees[0]
	registrar.ask(registrar.expect("REGISTER "), 401, askMD5)
	registrar.ask(registrar.expect("REGISTER "), 401, askMD5)
	state := func() *RegistrationState { return b.edge.Trunks()[1].Registration }
	eventually(t, "the state has it", func() bool {
		s := state()
		return s.Why == "unauthorised" && s.Code == 401 && s.Failures == 1 && !s.Registered
	})
	told := b.log.FilterMessage("registration failed")
	eventually(t, "it is in the log", func() bool { told = b.log.FilterMessage("registration failed"); return told.Len() > 0 })
	if got := told.All()[0].ContextMap(); got["trunk"] != "out0" || got["why"] != "unauthorised" || got["code"] != int64(401) {
		t.Errorf("%v", got)
	}
	for _, r := range b.edge.set().registrars {
		again := func(now time.Time, chance float64) *sending {
			r.reg.fail(registerUnauthorised, 401, 0, now, chance)
			return nil
		}
		r.do(again)
		if n := b.log.FilterMessage("registration failed").Len(); n != 1 || state().Failures != 2 {
			t.Errorf("told %d times of %d", n, state().Failures)
		}
		r.do(func(now time.Time, chance float64) *sending {
			r.reg.fail(registerTimedOut, 0, 0, now, chance)
			return nil
		})
		if n := b.log.FilterMessage("registration failed").Len(); n != 2 || state().Why != "timeout" || state().Code != 0 {
			t.Errorf("told %d times, %+v", n, state())
		}
	}
}

func TestContactOfAnotherTrunk(t *testing.T) {
	b := newBed(t, func(c *Config) {
		withAuthOut(c)
		c.Trunks[1].Register = Register{Enabled: true}
		c.Trunks = append(c.Trunks, TrunkConfig{Name: "evil", Carrier: "alfa", Allow: prefixes("127.0.0.66/32"), MediaFrom: prefixes("127.0.0.0/8"), Probe: Probe{Every: -1}})
	})
	contact := strings.Trim(header(b.callees[0].expect("REGISTER "), "Contact"), "<>")
	evil := newPeer(t, "127.0.0.66")
	evil.edge = b.addr
	evil.send(strings.Replace(evil.invite("x"), "INVITE sip:"+simMaskA.Reveal()+"@edge", "INVITE "+contact, 1))
	evil.expect("SIP/2.0 404") // a user like any other
}

func TestRegisterNeedsAnAccount(t *testing.T) {
	for _, cfg := range []TrunkConfig{{Addr: "127.0.0.1"}, {Allow: prefixes("127.0.0.1/32"), AuthOut: AuthOut{Username: "u"}}} {
		cfg.Name, cfg.Carrier, cfg.Register.Enabled = "x", "x", true
		if _, err := newTrunk(cfg, nil); err == nil {
			t.Errorf("%+v is taken", cfg.Addr)
		}
	}
}

// TestRegistrationsAreSpread begins those of many trunks at once.
func TestRegistrationsAreSpread(t *testing.T) {
	for _, c := range []struct {
		trunks         int
		spread, within time.Duration
	}{
		{1, startSpread, time.Second},
		{200, startSpread, 4 * time.Second},
		{1, 0, 20 * time.Millisecond},
		{200, 0, 4 * time.Second},
	} {
		cfg := Config{Listen: []Listen{{Addr: "udp://127.0.0.1:0"}}}
		for i := range c.trunks {
			cfg.Trunks = append(cfg.Trunks, TrunkConfig{
				Name: fmt.Sprint("pbx", i), Tenant: "shop", Addr: fmt.Sprintf("udp://127.0.0.1:%d", 10000+i),
				AuthOut: AuthOut{Username: authUser, Password: authPassword}, Register: Register{Enabled: true},
			})
		}
		e, err := New(cfg, nil, nil, zap.NewNop(), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		e.now = func() time.Time { return now }
		e.begin(slices.Collect(maps.Values(e.set().registrars)), c.spread)
		slots := map[time.Duration]int{} // of the rate
		for _, r := range e.set().registrars {
			after := r.reg.due.Sub(now)
			slots[after*registersPerSecond/time.Second]++
			if after < 0 || after >= c.within || r.alarm.slot == 0 || !r.alarm.at.Equal(r.reg.due) {
				t.Errorf("%d trunks: one after %v, alarm %v", c.trunks, after, r.alarm.at)
			}
		}
		for slot, n := range slots {
			if n != 1 {
				t.Errorf("%d trunks: %d registrations within the %dth slot", c.trunks, n, slot)
			}
		}
	}
}
