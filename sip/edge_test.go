package sip

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/routing"
	"maskline/sip/message"
)

func TestCallOverUDP(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.caller, "one")
	calls := b.edge.Calls()
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
	if len(b.edge.Calls()) != 0 {
		t.Error("it is still listed")
	}
	if message.Leaks([]byte(d.invite), simAlice) || message.Leaks([]byte(d.answer), simBob) {
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
		if message.Leaks([]byte(text), simAlice) || message.Leaks([]byte(text), simBob) {
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
		b := newBed(t, nil)
		b.caller.send(b.caller.invite("one"))
		b.callees[1].expect("INVITE ")
		if got := b.count("attempts_total", "trunk", "out0", "outcome", "timeout"); got != 1 {
			t.Errorf("%v", got)
		}
	})
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
		{"a needed extension", strings.Replace(b.caller.invite("r"), "CSeq", "Require: 100rel\r\nCSeq", 1), "SIP/2.0 420", "Unsupported: 100rel"},
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

// TestHostile sends what no peer should. Each gets its answer or silence, and
// then a healthy call goes through.
func TestHostile(t *testing.T) {
	b := newBed(t, nil)
	good := b.caller.invite("h")
	without := func(name string) string {
		var kept []string
		for line := range strings.SplitSeq(good, "\r\n") {
			if !strings.HasPrefix(line, name+":") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "\r\n")
	}
	var bomb strings.Builder
	bomb.WriteString("OPTIONS sip:edge SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nVia: SIP/2.0/UDP 127.0.0.1")
	for i := 0; bomb.Len() < 60_000; i++ {
		fmt.Fprintf(&bomb, ";p%d=\"1\"", i)
	}
	cases := []struct {
		name, text, want string // want: start of the answer, empty for silence
		reason           string // label of dropped_total or faults_total
	}{
		{"60 KB of quoted parameters", bomb.String() + "\r\n\r\n", "", "too_large"},
		{"1 KB of quoted parameters", bomb.String()[:900] + "\r\n\r\n", "", "quote_in_via"},
		{"missing To", without("To"), "SIP/2.0 400", "no_to"},
		{"missing From", without("From"), "SIP/2.0 400", "no_from"},
		{"missing Call-ID", without("Call-ID"), "SIP/2.0 400", "no_call_id"},
		{"missing CSeq", without("CSeq"), "SIP/2.0 400", "no_cseq"},
		{"missing Via", without("Via"), "", "no_via"},
		{"two Content-Lengths", strings.Replace(good, "CSeq:", "Content-Length: 3\r\nCSeq:", 1), "SIP/2.0 400", "repeated_content_length"},
		{"CSeq of another method", strings.Replace(good, "1 INVITE", "1 OPTIONS", 1), "SIP/2.0 400", "cseq_method"},
		{"SIP/7.0", strings.Replace(good, "edge SIP/2.0", "edge SIP/7.0", 1), "SIP/2.0 505", "version"},
		{"Content-Length beyond the datagram", strings.Replace(good, "Content-Length: ", "Content-Length: 9", 1), "", "unparsable"},
		{"NUL in a header", strings.Replace(good, "CSeq:", "X: \x00\r\nCSeq:", 1), "", "bad_byte"},
		{"injected header", strings.Replace(good, "CSeq:", "X: a\nEvil: b\r\nCSeq:", 1), "", "bad_byte"},
		{"space before the colon", strings.Replace(good, "CSeq:", "CSeq :", 1), "", "space_before_colon"},
		{"garbage", "\xff\xfe\xfd garbage", "", "no_end"},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", "bad_start_line"},
		{"keepalive", "\r\n\r\n", "", "keepalive"},
		{"response to nothing", b.caller.reply(b.caller.other("OPTIONS"), 200, ""), "", "stray"},
		{"ACK of nothing", b.caller.other("ACK"), "", ""},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := b.count("dropped_total", "reason", c.reason) + b.count("faults_total", "fault", c.reason)
			b.caller.send(c.text)
			if c.want != "" {
				b.caller.expect(c.want)
			}
			if c.reason != "" {
				eventually(t, "it is counted", func() bool {
					if c.reason == "unparsable" { // known when the next datagram is read
						b.caller.send("\r\n\r\n")
					}
					return b.count("dropped_total", "reason", c.reason)+b.count("faults_total", "fault", c.reason) == before+1
				})
			}
			d := b.connect(b.caller, fmt.Sprint("healthy", i))
			b.hangUp(b.caller, d)
		})
	}
	b.checkLog()
	if b.count("panics_total") != 0 {
		t.Error("there were panics")
	}
}

func TestParserLogQuotesNothing(t *testing.T) {
	b := newBed(t, nil)
	b.caller.send(strings.Replace(b.caller.invite("x"), "Content-Length: ", "Content-Length: 9", 1))
	eventually(t, "sipgo complains", func() bool { return b.log.FilterLoggerName("sipgo").Len() > 0 })
	for _, entry := range b.log.FilterLoggerName("sipgo").All() {
		if len(entry.Context) != 0 || strings.Contains(entry.Message, "INVITE") {
			t.Fatalf("%+v", entry)
		}
	}
	b.checkLog()
}

func TestStrangersAndSources(t *testing.T) {
	b := newBed(t, nil)
	stranger := newPeer(t, "127.0.0.9")
	stranger.edge = b.addr
	stranger.send(stranger.other("OPTIONS"))
	stranger.silence()
	if got := b.count("dropped_total", "reason", "stranger"); got != 1 {
		t.Errorf("%v strangers", got)
	}
	for range 20 { // sipgo remembers each source for ever
		p := newPeer(t, "127.0.0.1")
		p.edge = b.addr
		p.send(p.other("OPTIONS"))
		p.expect("SIP/2.0 200")
	}
	if n := b.edge.sockets[0].layer.Pool("udp").Size(); n > 2 {
		t.Errorf("%d sources are remembered", n)
	}
}

// TestSpoofedDialog has the right tags and Call-ID come from where the leg's
// trunk is not.
func TestSpoofedDialog(t *testing.T) {
	b := newBed(t, func(c *Config) {
		c.Trunks = append(c.Trunks, TrunkConfig{Name: "evil", Carrier: "alfa", Allow: prefixes("127.0.0.66/32"), Probe: Probe{Every: -1}})
	})
	d := b.connect(b.caller, "one")
	evil := newPeer(t, "127.0.0.66")
	evil.edge = b.addr
	evil.send(evil.inDialog("BYE", d.answer, 2))
	evil.expect("SIP/2.0 481")
	evil.send(evil.toDialog("BYE", d.invite, 2))
	evil.expect("SIP/2.0 481")
	if len(b.edge.Calls()) != 1 {
		t.Fatal("the call was ended")
	}
	b.hangUp(b.caller, d)
}

func TestMergedAndLoopingRequests(t *testing.T) {
	b := newBed(t, nil)
	invite := b.caller.invite("one")
	b.caller.send(invite)
	out := b.callees[0].expect("INVITE ")
	b.caller.send(strings.Replace(invite, "z9hG4bKone", "z9hG4bKother", 1))
	b.caller.expect("SIP/2.0 482")
	via := header(out, "Via")
	loop := strings.Replace(b.caller.invite("two"), "Max-Forwards", "Via: "+via+"\r\nMax-Forwards", 1)
	b.caller.send(loop)
	b.caller.expect("SIP/2.0 482")
}

func TestTrunkLimits(t *testing.T) {
	one := func(c *Config) {
		for i := range c.Trunks {
			c.Trunks[i].Channels = 1
		}
	}
	t.Run("from a carrier", func(t *testing.T) {
		b := newBed(t, one)
		b.connect(b.caller, "one")
		b.caller.send(b.caller.invite("two"))
		if answer := b.caller.expect("SIP/2.0 503"); strings.Contains(answer, "Retry-After") {
			t.Error("it asks to be left alone")
		}
		if got := b.count("busy_total", "trunk", "in", "direction", "in", "reason", "channels"); got != 1 {
			t.Errorf("%v", got)
		}
	})
	t.Run("from a tenant, and the next candidate", func(t *testing.T) {
		b := newBed(t, one)
		b.connect(b.caller, "one")
		b.tenant.send(b.tenant.invite("two"))
		b.callees[1].expect("INVITE ") // the first one's channel is taken
		b.tenant.send(b.tenant.invite("three"))
		if answer := b.tenant.expect("SIP/2.0 480"); !strings.Contains(answer, "Reason: Q.850;cause=21") {
			t.Error(answer)
		}
		emergency := strings.ReplaceAll(b.tenant.invite("four"), simMaskA.Reveal(), "112")
		b.tenant.send(emergency)
		if out := b.callees[0].expect("INVITE "); !strings.HasPrefix(out, "INVITE sip:112@") {
			t.Error(out)
		}
	})
	t.Run("calls per second", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.Trunks[0].CPS = 1 })
		b.caller.send(b.caller.invite("one"))
		b.callees[0].expect("INVITE ")
		b.caller.send(b.caller.invite("two"))
		b.caller.expect("SIP/2.0 503")
	})
	t.Run("flood", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.Trunks[0].CPS = 1 })
		for range 400 {
			b.caller.send(b.caller.other("OPTIONS"))
		}
		eventually(t, "some are dropped", func() bool { return b.count("dropped_total", "reason", "flood") > 0 })
		b.tenant.send(b.tenant.other("OPTIONS"))
		b.tenant.expect("SIP/2.0 200") // others are served
	})
	t.Run("calls in memory", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.MaxCalls = 1 })
		b.caller.send(b.caller.invite("one"))
		b.callees[0].expect("INVITE ")
		b.caller.send(b.caller.invite("two"))
		b.caller.expect("SIP/2.0 503")
	})
}

func TestPanicEndsOneCallOnly(t *testing.T) {
	b := newBed(t, nil)
	b.caller.send(strings.ReplaceAll(b.caller.invite("boom"), simMaskA.Reveal(), "+441110000666"))
	eventually(t, "it is counted", func() bool { return b.count("panics_total") == 1 })
	eventually(t, "its channel is free", func() bool { return b.count("channels") == 0 })
	b.hangUp(b.caller, b.connect(b.caller, "healthy"))
	b.checkLog()
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
	eventually(t, "the BYE is answered", func() bool {
		for _, a := range b.edge.calls.all() {
			if !a.settled.Load() {
				return false
			}
		}
		return true
	})
	b.stop()
}

func TestProbes(t *testing.T) {
	b := newBed(t, func(c *Config) {
		for i := range c.Trunks {
			if c.Trunks[i].Name == "out0" {
				c.Trunks[i].Probe = Probe{Every: 20 * time.Millisecond, DownAfter: 2, UpAfter: 2}
			} else if c.Trunks[i].Carrier != "" {
				c.Trunks[i].Addr = "" // the others only send to us
			}
		}
	})
	carrier := b.router.Carrier("alfa")
	if carrier.Up(routing.Voice) {
		t.Error("the carrier is up before its first answer")
	}
	answer := func(code int) {
		b.callees[0].send(b.callees[0].reply(b.callees[0].expect("OPTIONS "), code, ""))
	}
	answer(404) // any answer is a sign of life
	eventually(t, "it is up after the first answer", func() bool { return carrier.Up(routing.Voice) })
	answer(503)
	answer(200)
	answer(503)
	if !carrier.Up(routing.Voice) {
		t.Error("single failures took it down")
	}
	answer(503)
	eventually(t, "it is down after two", func() bool { return !carrier.Up(routing.Voice) && b.count("trunk_up", "trunk", "out0") == 0 })
	answer(200)
	if carrier.Up(routing.Voice) {
		t.Error("one success brought it back")
	}
	answer(200)
	eventually(t, "it is back after two", func() bool { return carrier.Up(routing.Voice) })
	_ = b.callees[0].conn.Close()
	eventually(t, "a closed port takes it down", func() bool { return !carrier.Up(routing.Voice) })
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

func TestPeerPlans(t *testing.T) {
	b := newBed(t, nil)
	plan := routing.Plan{Present: simMaskB, To: routing.Endpoint{Kind: routing.ToPeer, Name: "desk@" + b.tenant.addr.String()}}
	ev := b.edge.plan(&plan)
	if ev.refused != nil || len(ev.candidates) != 1 || ev.candidates[0].trunk.Name != "pbx" || ev.user != "desk" {
		t.Fatalf("%+v", ev)
	}
	for _, name := range []string{"desk@192.0.2.1:5060", "desk@" + b.caller.addr.String(), "desk", "@" + b.tenant.addr.String(), "desk@host"} {
		plan.To.Name = name
		if ev := b.edge.plan(&plan); ev.refused == nil || ev.refused.code != 480 {
			t.Errorf("%s: %+v", name, ev)
		}
	}
	plan.To = routing.Endpoint{Kind: routing.ToAccount, Name: "shop"}
	if ev := b.edge.plan(&plan); ev.refused == nil || ev.refused.code != 480 {
		t.Errorf("an SMS account: %+v", ev)
	}
}

func TestConfigFaults(t *testing.T) {
	good := Config{Listen: []Listen{{Addr: "udp://127.0.0.1:0"}}, Trunks: []TrunkConfig{{Name: "x", Tenant: "shop", Addr: "127.0.0.1"}}}
	cases := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nothing to listen on", func(c *Config) { c.Listen = nil }, "listen"},
		{"two of a name", func(c *Config) { c.Trunks = append(c.Trunks, c.Trunks[0]) }, "two of this name"},
		{"carrier that is none", func(c *Config) { c.Trunks[0].Tenant, c.Trunks[0].Carrier = "", "nobody" }, "no carrier"},
		{"listen on a name", func(c *Config) { c.Listen[0].Addr = "udp://localhost:0" }, "not an address"},
		{"listen on tcp", func(c *Config) { c.Listen[0].Addr = "tcp://127.0.0.1:0" }, "only udp"},
		{"listen everywhere without a name", func(c *Config) { c.Listen[0].Addr = "udp://0.0.0.0:0" }, "advertise"},
		{"advertise that is no address", func(c *Config) { c.Listen[0].Advertise = "a>b:5060" }, "host:port"},
		{"advertise without a port", func(c *Config) { c.Listen[0].Advertise = "sip.example.com" }, "host:port"},
		{"local that is no socket", func(c *Config) { c.Trunks[0].Local = "192.0.2.1" }, "local"},
		{"trunk of the other IP version", func(c *Config) { c.Trunks[0].Addr = "[2001:db8::1]:5060" }, "local"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			cfg.Listen = append([]Listen(nil), good.Listen...)
			cfg.Trunks = append([]TrunkConfig(nil), good.Trunks...)
			c.change(&cfg)
			router, err := routing.New(nil, routing.Config{}, prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			e, err := New(cfg, router, &fakeMedia{}, zap.NewNop(), prometheus.NewRegistry())
			if err == nil {
				err = e.Listen()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestHostileFlood has the memory stay where it was.
func TestHostileFlood(t *testing.T) {
	b := newBed(t, nil)
	good := b.caller.invite("h")
	bad := []string{
		strings.Repeat("OPTIONS sip:edge SIP/2.0;p=\"1\"", 2000),
		strings.Replace(good, "Content-Length: ", "Content-Length: 9", 1),
		strings.Replace(good, "CSeq:", "Content-Length: 3\r\nCSeq:", 1),
		b.caller.reply(b.caller.other("OPTIONS"), 200, ""),
		b.caller.other("BYE"),
	}
	flood := func(n int) {
		for i := range n {
			b.caller.send(bad[i%len(bad)])
			for b.caller.receive(time.Microsecond) != "" { // answers are not piled up
			}
		}
		eventually(t, "the flood is through", func() bool {
			b.caller.send(b.caller.other("OPTIONS"))
			for text := b.caller.receive(10 * time.Millisecond); text != ""; text = b.caller.receive(time.Millisecond) {
				if strings.HasPrefix(text, "SIP/2.0 200") {
					return true
				}
			}
			return false
		})
	}
	flood(500)
	before := heapInUse()
	flood(5000)
	if grown := heapInUse() - before; grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	b.hangUp(b.caller, b.connect(b.caller, "healthy"))
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

// FuzzReceive gives an edge with a call under way what the guard lets through.
func FuzzReceive(f *testing.F) {
	b := newBed(f, nil, func(e *Edge) {
		// The same tokens in every process of the fuzzer, so that its seeds are in the dialog.
		e.tokens, _ = newTokens(make([]byte, 16))
		e.draws = rand.NewChaCha8([32]byte{})
	})
	d := b.connect(b.caller, "one")
	f.Add([]byte(b.caller.invite("two")))
	f.Add([]byte(b.caller.other("OPTIONS")))
	f.Add([]byte(b.caller.inDialog("BYE", d.answer, 2)))
	f.Add([]byte(b.caller.inDialog("INVITE", d.answer, 2)))
	f.Add([]byte(b.callees[0].toDialog("BYE", d.invite, 2)))
	f.Add([]byte(b.callees[0].reply(d.invite, 200, b.callees[0].sdp())))
	f.Add([]byte(b.callees[0].reply(d.invite, 503, "")))
	own := b.edge.sockets[0]
	parser := gosip.NewParser()
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &socket{UDPConn: own.UDPConn, edge: b.edge, local: own.local, own: own.own}
		for _, source := range []netip.AddrPort{b.caller.addr, b.callees[0].addr} {
			if s.trunk = s.guard(data, source); s.trunk == nil {
				return
			}
			msg, err := parser.ParseSIP(data)
			if err != nil {
				return
			}
			s.source = source
			s.receive(msg)
		}
		if b.log.FilterMessage("panic").Len() != 0 {
			t.Fatal("there was a panic")
		}
	})
}
