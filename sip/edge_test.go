package sip

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/testbench/leak"
)

func TestCallOverUDP(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.caller, "one")
	calls := b.edge.Calls()
	if n := b.edge.ActiveCalls(); n != 1 {
		t.Errorf("%d calls", n)
	}
	if len(calls) != 1 || calls[0].From != "in" || calls[0].To != "out0" || calls[0].Answered.IsZero() {
		t.Fatalf("%+v", calls)
	}
	for _, tr := range b.edge.Trunks() {
		want := 0
		if tr.Name == "in" || tr.Name == "out0" {
			want = 1
		}
		if tr.Channels != want || !tr.Up {
			t.Errorf("%+v", tr)
		}
	}
	b.hangUp(b.caller, d)
	eventually(t, "media is released", func() bool { _, released := b.media.counts(); return released == 1 })
	eventually(t, "channels are free", func() bool { return b.count("channels") == 0 })
	eventually(t, "it is not listed", func() bool { return len(b.edge.Calls()) == 0 && b.edge.ActiveCalls() == 0 })
	if leak.Contains([]byte(d.invite), simAlice) || leak.Contains([]byte(d.answer), simBob) {
		t.Error("a number got through")
	}
	if !strings.Contains(d.invite, "From: <sip:"+simMaskB.Reveal()+"@") {
		t.Errorf("the mask is not presented:\n%s", d.invite)
	}
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{1, "calls_total", []string{"trunk", "in", "why", "caller"}},
		{1, "attempts_total", []string{"trunk", "out0", "outcome", "answered", "code", "200"}},
		{1, "setup_seconds", []string{"trunk", "out0"}},
		{1, "requests_total", []string{"trunk", "in", "direction", "in", "method", "INVITE"}},
		{1, "requests_total", []string{"trunk", "out0", "direction", "out", "method", "BYE"}},
		{1, "responses_total", []string{"trunk", "in", "direction", "out", "method", "INVITE", "code", "200"}},
		{0, "failovers_total", nil},
		{0, "panics_total", nil},
		{0, "dropped_total", nil},
	} {
		if got := b.count(c.name, c.labels...); got != c.want {
			t.Errorf("%s %v: %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	b.checkLog()
	if n := b.log.FilterMessage("call ended").Len(); n != 1 {
		t.Errorf("%d lines about its end", n)
	}
}

// checkLog wants neither number anywhere in the log.
func (b *bed) checkLog() {
	b.t.Helper()
	for _, entry := range b.log.All() {
		text := fmt.Sprint(entry.Entry, entry.ContextMap())
		if leak.Contains([]byte(text), simAlice) || leak.Contains([]byte(text), simBob) {
			b.t.Errorf("a number in the log: %s", text)
		}
	}
}

func TestCalleeHangsUp(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.caller, "one")
	b.callees[0].send(b.callees[0].toDialog("BYE", d.invite, 5))
	b.callees[0].expect("SIP/2.0 200")
	b.caller.send(b.caller.reply(b.caller.expect("BYE "), 200, ""))
	eventually(t, "both legs are quiet", func() bool { return b.count("calls_total", "why", "callee") == 1 })
}

func TestFailoverOverUDP(t *testing.T) {
	t.Run("503", func(t *testing.T) {
		b := newBed(t, nil)
		b.caller.send(b.caller.invite("one"))
		b.callees[0].send(strings.Replace(b.callees[0].reply(b.callees[0].expect("INVITE "), 503, ""), "Contact:", "Retry-After: 3600\r\nContact:", 1))
		b.callees[0].expect("ACK ")
		b.callees[1].expect("INVITE ")
		if got := b.count("failovers_total", "trunk", "out0"); got != 1 {
			t.Errorf("%v failovers", got)
		}
		if until := b.edge.Trunks()[1].HeldUntil; until.IsZero() || time.Until(until) > defaultRetryAfterMax {
			t.Errorf("held until %v", until)
		}
	})
	t.Run("closed port", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.Trunks[1].FirstResponse = time.Minute })
		_ = b.callees[0].conn.Close()
		b.caller.send(b.caller.invite("one"))
		b.callees[1].expect("INVITE ")
		if got := b.count("attempts_total", "trunk", "out0", "outcome", "unreachable"); got != 1 {
			t.Errorf("%v", got)
		}
	})
	t.Run("silence", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.Trunks[1].FirstResponse = 300 * time.Millisecond })
		b.caller.send(b.caller.invite("one"))
		b.callees[1].expect("INVITE ")
		if got := b.count("attempts_total", "trunk", "out0", "outcome", "timeout"); got != 1 {
			t.Errorf("%v", got)
		}
	})
}

// TestRetryAfterOfTheSubscriber has one called person be back in an hour. It is
// no reason to leave the carrier's trunk alone. RFC 3261 §20.33.
func TestRetryAfterOfTheSubscriber(t *testing.T) {
	for _, code := range []int{404, 480, 486, 603} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			b := newBed(t, nil)
			b.caller.send(b.caller.invite("one"))
			b.callees[0].send(strings.Replace(b.callees[0].reply(b.callees[0].expect("INVITE "), code, ""), "Contact:", "Retry-After: 3600\r\nContact:", 1))
			b.caller.expect("SIP/2.0 " + strconv.Itoa(code))
			if until := b.edge.Trunks()[1].HeldUntil; !until.IsZero() {
				t.Errorf("held until %v", until)
			}
		})
	}
}

func TestCancelOverUDP(t *testing.T) {
	b := newBed(t, nil)
	invite := b.caller.invite("one")
	b.caller.send(invite)
	out := b.callees[0].expect("INVITE ")
	b.callees[0].send(b.callees[0].reply(out, 180, ""))
	b.caller.expect("SIP/2.0 180")
	cancel := strings.NewReplacer("INVITE sip:", "CANCEL sip:", "1 INVITE", "1 CANCEL").Replace(invite)
	b.caller.send(withBody(cancel[:strings.Index(cancel, "Content-Type")], ""))
	b.caller.expect("SIP/2.0 200")
	b.caller.expect("SIP/2.0 487")
	b.callees[0].send(b.callees[0].reply(b.callees[0].expect("CANCEL "), 200, ""))
	b.callees[0].send(b.callees[0].reply(out, 487, ""))
	b.callees[0].expect("ACK ")
	eventually(t, "it is counted", func() bool { return b.count("calls_total", "why", "cancelled") == 1 })
}

func TestMediaTimeoutEndsTheCall(t *testing.T) {
	b := newBed(t, nil)
	b.connect(b.caller, "one")
	b.media.sessions[0].onTimeout("silent")
	b.caller.expect("BYE ")
	b.callees[0].expect("BYE ")
	if got := b.count("calls_total", "why", "media_timeout"); got != 1 {
		t.Fatalf("%v", got)
	}
}

func TestNoMediaPorts(t *testing.T) {
	b := newBed(t, nil)
	b.media.fill()
	b.caller.send(b.caller.invite("one"))
	b.caller.expect("SIP/2.0 503")
	b.callees[0].silence()
}

func TestAnswersWithoutACall(t *testing.T) {
	b := newBed(t, nil)
	cases := []struct {
		name, text, want string
		header           string // that the answer must have
	}{
		{"OPTIONS", b.caller.other("OPTIONS"), "SIP/2.0 200", "Allow: INVITE"},
		{"REGISTER", b.caller.other("REGISTER"), "SIP/2.0 405", "Allow: INVITE"},
		{"MESSAGE", b.caller.other("MESSAGE"), "SIP/2.0 405", "Allow: INVITE"},
		{"unheard-of", b.caller.other("FOO"), "SIP/2.0 501", "Allow: INVITE"},
		{"BYE of nothing", b.caller.other("BYE"), "SIP/2.0 481", ""},
		{"BYE with a tag of nobody's", strings.Replace(b.caller.other("BYE"), "To: <sip:edge>", "To: <sip:edge>;tag=x", 1), "SIP/2.0 481", ""},
		{"INVITE with a tag of nobody's", strings.Replace(b.caller.invite("t"), "@edge>\r\nCall-ID", "@edge>;tag=x\r\nCall-ID", 1), "SIP/2.0 481", ""},
		{"CANCEL of nothing", b.caller.other("CANCEL"), "SIP/2.0 481", ""},
		{"unknown mask", strings.ReplaceAll(b.caller.invite("u"), simMaskA.Reveal(), "+441119999999"), "SIP/2.0 404", "Reason: Q.850;cause=1"},
		{"too many hops", strings.Replace(b.caller.invite("m"), "Max-Forwards: 70", "Max-Forwards: 0", 1), "SIP/2.0 483", ""},
		{"a needed extension", strings.Replace(b.caller.invite("r"), "CSeq", "Require: path\r\nCSeq", 1), "SIP/2.0 420", "Unsupported: path"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b.caller.send(c.text)
			answer := b.caller.receive(5 * time.Second)
			for strings.HasPrefix(answer, "SIP/2.0 100") {
				answer = b.caller.receive(5 * time.Second)
			}
			if !strings.HasPrefix(answer, c.want+" ") || !strings.Contains(answer, c.header) {
				t.Fatalf("got\n%s", answer)
			}
			if strings.HasPrefix(c.text, "INVITE") || !strings.Contains(header(c.text, "To"), "tag=") && !strings.Contains(header(answer, "To"), "tag=") {
				return
			}
			b.caller.send(c.text)
			if again := b.caller.receive(5 * time.Second); again != answer {
				t.Fatalf("the repeated request is answered otherwise:\n%s\n%s", answer, again)
			}
		})
	}
}

func TestDrain(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Drain = 300 * time.Millisecond })
	d := b.connect(b.caller, "one")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		b.stop()
	}()
	eventually(t, "it drains", func() bool { return b.edge.draining.Load() })
	b.caller.send(b.caller.other("OPTIONS"))
	b.caller.expect("SIP/2.0 503")
	b.caller.send(b.caller.invite("two"))
	b.caller.expect("SIP/2.0 503")
	b.caller.send(b.caller.reply(b.caller.expect("BYE "), 200, ""))
	b.callees[0].send(b.callees[0].reply(b.callees[0].expect("BYE "), 200, ""))
	<-stopped
	_ = d
	if allocated, released := b.media.counts(); allocated != released {
		t.Errorf("%d allocated, %d released", allocated, released)
	}
	if got := b.count("calls_total", "why", "drain"); got != 1 {
		t.Errorf("%v", got)
	}
}

func TestDrainWithoutCallsIsQuick(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Drain = time.Hour })
	d := b.connect(b.caller, "one")
	b.hangUp(b.caller, d)
	eventually(t, "the BYE is answered", func() bool { return b.edge.unsettled.Load() == 0 })
	b.stop()
}

func TestIPv6(t *testing.T) {
	b := newBed(t, func(c *Config) {
		c.Listen = append(c.Listen, Listen{Addr: "udp://[::1]:0"})
		c.Trunks = append(c.Trunks, TrunkConfig{Name: "six", Carrier: "alfa", Allow: prefixes("::1/128"), Probe: Probe{Every: -1}})
	})
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: conn, addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(), edge: b.edge.Addrs()[1]}
	t.Cleanup(func() { _ = conn.Close() })
	p.send(p.other("OPTIONS"))
	if answer := p.expect("SIP/2.0 200"); !strings.Contains(answer, "Via: SIP/2.0/UDP ["+"::1]:") || !strings.Contains(answer, ";received=::1") {
		t.Error(answer)
	}
}

// TestForkedUpstream has a carrier try two masks with one INVITE, in turn or at
// once: Via and Request-URI are all that differs.
func TestForkedUpstream(t *testing.T) {
	b := newBed(t, nil)
	first := b.caller.invite("one")
	b.caller.send(first)
	b.callees[0].expect("INVITE ")
	fork := strings.NewReplacer("INVITE sip:"+simMaskA.Reveal(), "INVITE sip:+441119999999", "z9hG4bKone", "z9hG4bKfork").Replace(first)
	b.caller.send(fork)
	if answer := b.caller.expect("SIP/2.0 4"); !strings.HasPrefix(answer, "SIP/2.0 404 ") {
		t.Errorf("the second mask is not looked up:\n%s", answer)
	}
	b.caller.send(strings.Replace(first, "z9hG4bKone", "z9hG4bKtwo", 1))
	b.caller.expect("SIP/2.0 482")
}

// TestPeerUser has a binding name a user in the form of a URI, which is written
// into one again.
func TestPeerUser(t *testing.T) {
	b := newBed(t, nil)
	for user, want := range map[string]string{"desk": "desk", "desk%20one": "desk one", "100%25": "100%"} {
		if got, trunk := b.edge.peer(user + "@" + b.tenant.addr.String()); got != want || trunk == nil {
			t.Errorf("%s: %q", user, got)
		}
	}
}

// TestLateStart has calls wait in the socket while the edge could not serve yet:
// their callers are gone, and nobody is rung for them.
func TestLateStart(t *testing.T) {
	b := newBed(t, nil)
	for _, c := range []struct {
		name   string
		waited time.Duration
		rings  bool
	}{{"at once", 0, true}, {"a minute later", time.Minute, false}} {
		t.Run(c.name, func(t *testing.T) {
			late, err := New(b.edge.cfg, b.router, b.media, zap.NewNop(), prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			late.decide, late.goodbye = b.decide, 0
			if err := late.Listen(); err != nil {
				t.Fatal(err)
			}
			p := newPeer(t, "127.0.0.1")
			p.edge = late.Addrs()[0]
			p.send(p.invite("waits"))
			late.opened = late.opened.Add(-c.waited)
			ctx, cancel := context.WithCancel(context.Background())
			stopped := make(chan struct{})
			go func() {
				defer close(stopped)
				late.Run(ctx)
			}()
			if c.rings {
				b.callees[0].expect("INVITE ")
			} else {
				b.callees[0].silence()
				p.send(p.other("OPTIONS"))
				p.expect("SIP/2.0 200")
			}
			cancel()
			<-stopped
		})
	}
}
