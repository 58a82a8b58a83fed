package sip

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

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

// TestUnparsableIsNotQuoted has the parser refuse a message with numbers in it.
func TestUnparsableIsNotQuoted(t *testing.T) {
	b := newBed(t, nil)
	b.caller.send(strings.Replace(b.caller.invite("x"), "Content-Length: ", "Content-Length: 9", 1))
	eventually(t, "it is counted", func() bool { return b.count("dropped_total", "reason", "unparsable") == 1 })
	for _, entry := range b.log.All() {
		if strings.Contains(entry.Message, "INVITE") {
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
	told := b.log.FilterMessage("refused a stranger").All()
	if len(told) != 1 || told[0].ContextMap()["source"] != "127.0.0.9" || told[0].ContextMap()["transport"] != "udp" {
		t.Errorf("the operator is told %v", told)
	}
}

// TestStrangersAreToldSeldom has a flood of them leave a line now and then.
func TestStrangersAreToldSeldom(t *testing.T) {
	core, log := observer.New(zapcore.InfoLevel)
	now := simStart
	s := &strangers{log: zap.New(core), now: func() time.Time { return now }}
	for range 1000 {
		s.refuse(netip.MustParseAddrPort("192.0.2.1:5060"), overTLS, byCertificate)
		now = now.Add(strangerEvery / 100)
	}
	all := log.All()
	if len(all) != 10 {
		t.Fatalf("%d lines", len(all))
	}
	for i, want := range []int64{1, 100, 100} {
		if got := all[i].ContextMap(); got["seen"] != want || got["by"] != byCertificate || got["transport"] != "tls" {
			t.Errorf("line %d: %v", i, got)
		}
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

func TestPanicEndsOneCallOnly(t *testing.T) {
	b := newBed(t, nil)
	b.caller.send(strings.ReplaceAll(b.caller.invite("boom"), simMaskA.Reveal(), "+441110000666"))
	eventually(t, "it is counted", func() bool { return b.count("panics_total") == 1 })
	eventually(t, "its channel is free", func() bool { return b.count("channels") == 0 })
	b.hangUp(b.caller, b.connect(b.caller, "healthy"))
	b.checkLog()
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
	own := b.edge.sockets[0].udp[0]
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, source := range []netip.AddrPort{b.caller.addr, b.callees[0].addr} {
			own.Datagram(data, source)
		}
		if b.log.FilterMessage("panic").Len() != 0 {
			t.Fatal("there was a panic")
		}
	})
}
