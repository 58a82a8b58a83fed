package sip

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"maskline/testbench/leak"
)

// overStreams runs a test over TCP and over TLS.
func overStreams(t *testing.T, test func(t *testing.T, over transport, names *authority)) {
	names := newAuthority(t)
	for _, over := range []transport{overTCP, overTLS} {
		t.Run(over.String(), func(t *testing.T) { test(t, over, names) })
	}
}

func TestCallOverStreams(t *testing.T) {
	overStreams(t, func(t *testing.T, over transport, names *authority) {
		b := newBedOver(t, over, names, nil)
		for i := range 3 {
			d := b.connect(b.caller, fmt.Sprint("call", i))
			b.hangUp(b.caller, d)
			if leak.Contains([]byte(d.invite), simAlice) || leak.Contains([]byte(d.answer), simBob) {
				t.Error("a number got through")
			}
			for _, want := range []string{
				"\r\nVia: SIP/2.0/" + over.via() + " " + b.addr.String() + ";",
				"\r\nContact: <sip:" + b.addr.String() + over.params() + ">\r\n",
				"\r\nFrom: <sip:" + simMaskB.Reveal() + "@" + b.addr.String() + ">;",
			} {
				if !strings.Contains(d.invite, want) {
					t.Errorf("no %q in\n%s", want, d.invite)
				}
			}
			if want := "<sip:" + b.addr.String() + over.params() + ">"; header(d.answer, "Contact") != want {
				t.Errorf("Contact %q, want %q", header(d.answer, "Contact"), want)
			}
		}
		// The caller's connection, and one to the trunk.
		if got := b.count("connections", "transport", over.String()); got != 2 {
			t.Errorf("%v connections", got)
		}
		b.checkLog()
		if b.count("panics_total") != 0 || b.count("dropped_total") != 0 {
			t.Error("panics or drops")
		}
		for _, direction := range []string{"in", "out"} {
			if b.count("octets_total", "transport", over.String(), "direction", direction) == 0 {
				t.Errorf("no octets %s", direction)
			}
		}
	})
}

// TestDialogSurvivesItsConnections breaks each side's connection in a call: what
// follows goes over new ones.
func TestDialogSurvivesItsConnections(t *testing.T) {
	overStreams(t, func(t *testing.T, over transport, names *authority) {
		b := newBedOver(t, over, names, nil)
		d := b.connect(b.caller, "one")
		b.callees[0].link.hangUp()
		b.caller.link.hangUp()
		eventually(t, "both are gone", func() bool { return b.count("connections") == 0 })
		b.hangUp(b.caller, d)

		d = b.connect(b.caller, "two")
		b.caller.link.hangUp()
		eventually(t, "it is gone", func() bool { return b.count("connections") == 1 })
		b.callees[0].send(b.callees[0].toDialog("BYE", d.invite, 5))
		b.callees[0].expect("SIP/2.0 200")
		b.caller.send(b.caller.reply(b.caller.expect("BYE "), 200, "")) // at its Contact
		eventually(t, "no call is left", func() bool { return b.edge.unsettled.Load() == 0 })
	})
}

// TestConnectionBreaksUnderARequest has the peer close at once what it is sent
// over. An INVITE goes on to the next candidate, a BYE is sent again.
func TestConnectionBreaksUnderARequest(t *testing.T) {
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.Trunks[1].FirstResponse = time.Minute })
	b.caller.send(b.caller.invite("one"))
	b.callees[0].expect("INVITE ")
	b.callees[0].link.hangUp()
	b.callees[1].expect("INVITE ")

	b = newBedOver(t, overTCP, nil, nil)
	d := b.connect(b.caller, "two")
	b.caller.send(b.caller.inDialog("BYE", d.answer, 2))
	b.callees[0].expect("BYE ")
	b.callees[0].link.hangUp()
	b.callees[0].send(b.callees[0].reply(b.callees[0].expect("BYE "), 200, ""))
	eventually(t, "no call is left", func() bool { return b.edge.unsettled.Load() == 0 })
}

func TestRefusedConnection(t *testing.T) {
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.Trunks[1].FirstResponse = time.Minute })
	b.callees[0].close()
	for i := range 3 { // the first one dials, others meet the pause after it
		b.caller.send(b.caller.invite(fmt.Sprint("call", i)))
		b.callees[1].expect("INVITE ")
	}
	if got := b.count("attempts_total", "trunk", "out0", "outcome", "unreachable"); got != 3 {
		t.Errorf("%v attempts", got)
	}
	if got := b.count("connect_failures_total", "trunk", "out0"); got < 1 || got > 2 {
		t.Errorf("%v connections were tried", got)
	}
}

// TestLongRequest goes over TCP, and over UDP where that is refused.
func TestLongRequest(t *testing.T) {
	long := func(c *Config) { c.Trunks[1].TCPAbove = 300 }
	t.Run("TCP", func(t *testing.T) {
		b := newBed(t, long)
		listener, err := net.Listen("tcp", b.callees[0].addr.String())
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{t: t, over: overTCP, addr: b.callees[0].addr, link: &link{listener: listener}}
		p.link.framer.Most = 64 << 10
		t.Cleanup(p.close)
		b.caller.send(b.caller.invite("one"))
		invite := p.expect("INVITE ")
		if !strings.HasPrefix(header(invite, "Via"), "SIP/2.0/TCP ") {
			t.Errorf("Via: %s", header(invite, "Via"))
		}
		p.send(p.reply(invite, 180, ""))
		b.caller.expect("SIP/2.0 180")
		p.send(p.reply(invite, 486, ""))
		p.expect("ACK ")
		b.caller.expect("SIP/2.0 486")
	})
	t.Run("UDP after all", func(t *testing.T) {
		b := newBed(t, long)
		b.caller.send(b.caller.invite("one"))
		if via := header(b.callees[0].expect("INVITE "), "Via"); !strings.HasPrefix(via, "SIP/2.0/UDP ") {
			t.Errorf("Via: %s", via)
		}
		if got := b.count("failovers_total"); got != 0 {
			t.Errorf("%v failovers", got)
		}
	})
}

func TestIdleConnection(t *testing.T) {
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.IdleTimeout = 300 * time.Millisecond })
	b.caller.send(b.caller.other("OPTIONS"))
	b.caller.expect("SIP/2.0 200")
	eventually(t, "it is closed", func() bool { return b.count("connections_ended_total", "reason", endIdle) == 1 })
}

func TestPings(t *testing.T) {
	b := newBedOver(t, overTCP, nil, nil)
	conn := b.caller.link.connect(b.caller)
	if _, err := conn.Write([]byte("\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "\r\n" {
		t.Errorf("%q, %v", answer, err)
	}
	b.hangUp(b.caller, b.connect(b.caller, "one"))
}

// TestHostileStreams sends what no peer should. The connection gets its answer and
// ends, and another one is served.
func TestHostileStreams(t *testing.T) {
	fast := func(c *Config) {
		c.MessageTimeout, c.MaxMessage = 300*time.Millisecond, 8<<10
	}
	b := newBedOver(t, overTCP, nil, fast)
	good := b.caller.other("OPTIONS")
	length := func(lines string) string { return strings.Replace(good, "Content-Length: 0\r\n", lines, 1) }
	drip := func(conn net.Conn) {
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for _, c := range []byte(good[:len(good)-1]) {
			if _, err := conn.Write([]byte{c}); err != nil {
				return
			}
			<-pace.C
		}
	}
	text := func(text string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = conn.Write([]byte(text)) }
	}
	cases := []struct {
		name   string
		send   func(net.Conn)
		want   string // start of what comes back before the end
		reason string // of connections_ended_total
	}{
		{"nothing", text(""), "", endSlow},
		{"half a message", text(good[:100]), "", endSlow},
		{"a drip", drip, "", endSlow},
		{"a message and half of another", text(good + good[:100]), "SIP/2.0 200", endSlow},
		{"Content-Length of a gigabyte", text(length("Content-Length: 999999999\r\n")), "SIP/2.0 400", endMalformed},
		{"Content-Length beyond the limit", text(length("Content-Length: 9000\r\n")), "SIP/2.0 513", endMalformed},
		{"two Content-Lengths", text(length("Content-Length: 0\r\nContent-Length: 10\r\n")), "SIP/2.0 400", endMalformed},
		{"no Content-Length", text(length("")), "SIP/2.0 400", endMalformed},
		{"headers without end", text("OPTIONS sip:edge SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 2000)), "", endMalformed},
		{"a bomb of parameters", text(strings.Replace(good, ";rport", strings.Repeat(`;p="1"`, 200), 1)), "", endMalformed},
		{"binary", text("\x16\x03\x01\x00\xff"), "", endMalformed},
		{"HTTP", text("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), "", endMalformed},
		{"NUL", text(strings.Replace(good, "x@home", "\x00@home", 1)), "", endMalformed},
		{"a good one behind a bad one", text("GARBAGE\r\nContent-Length: 0\r\n\r\n" + good), "", endMalformed},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := b.count("connections_ended_total", "reason", c.reason)
			conn, err := net.Dial("tcp", b.addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			c.send(conn)
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			got, err := io.ReadAll(conn)
			if errors.Is(err, net.ErrClosed) || !strings.HasPrefix(string(got), c.want) || c.want == "" && len(got) > 0 {
				t.Errorf("got %q, %v", got, err)
			}
			if n := strings.Count(string(got), "SIP/2.0 200"); n > 1 {
				t.Errorf("%d answers", n)
			}
			eventually(t, "its end is counted", func() bool {
				return b.count("connections_ended_total", "reason", c.reason) == before+1
			})
			b.hangUp(b.caller, b.connect(b.caller, fmt.Sprint("healthy", i)))
		})
	}
	b.checkLog()
	if b.count("panics_total") != 0 {
		t.Error("there were panics")
	}
}

// TestStreamLimits has strangers, too many connections, and a peer that reads
// nothing. A call that stands is not touched.
func TestStreamLimits(t *testing.T) {
	const perSource, inAll = 20, 40
	b := newBedOver(t, overTCP, nil, func(c *Config) {
		c.MaxStreamsPerSource, c.MaxStreams = perSource, inAll
		c.Trunks = append(c.Trunks, TrunkConfig{Name: "crowd", Carrier: "alfa", Allow: prefixes("127.0.1.0/24"), Probe: Probe{Every: -1}})
	})
	d := b.connect(b.caller, "one")
	dial := func(from string) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := dialer.Dial("tcp", b.addr.String())
		if err != nil {
			return // it was refused before it knew of its luck
		}
		t.Cleanup(func() { conn.Close() })
	}
	dial("127.0.0.9")
	eventually(t, "the stranger is refused", func() bool { return b.count("connections_refused_total", "reason", refusedStranger) == 1 })
	for range perSource + 5 {
		dial("127.0.1.1")
	}
	eventually(t, "the rest of the source is refused", func() bool { return b.count("connections_refused_total", "reason", refusedSource) == 5 })
	for i := range inAll {
		dial(fmt.Sprintf("127.0.1.%d", 2+i))
	}
	const refused = perSource + 1 // of the source, and the caller's
	eventually(t, "the rest is refused", func() bool { return b.count("connections_refused_total", "reason", refusedMany) == refused })
	if got := b.count("connections"); got != inAll+1 { // and ours to the callee
		t.Errorf("%v connections", got)
	}
	b.hangUp(b.caller, d)
}

// TestDeafPeer floods the edge with requests and reads no answer.
func TestDeafPeer(t *testing.T) {
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.MessageTimeout = 500 * time.Millisecond })
	conn, err := net.Dial("tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	batch := []byte(strings.Repeat(b.caller.other("OPTIONS"), 100))
	_ = conn.SetWriteDeadline(time.Now().Add(time.Minute))
	for err == nil {
		_, err = conn.Write(batch)
	}
	eventually(t, "it is cut off", func() bool { // slow, where the machine is too slow to read all in time
		return b.count("connections_ended_total", "reason", endStuck)+b.count("connections_ended_total", "reason", endSlow) == 1
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection still stands")
	}
	b.hangUp(b.caller, b.connect(b.caller, "one"))
}

// TestHalfOpen opens a thousand connections that say half a thing.
func TestHalfOpen(t *testing.T) {
	const many = 1000
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.MessageTimeout, c.MaxStreamsPerSource = time.Second, 2*many })
	d := b.connect(b.caller, "one")
	for range many {
		conn, err := net.Dial("tcp", b.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("INVITE sip:x"))
	}
	b.hangUp(b.caller, d)
	b.hangUp(b.caller, b.connect(b.caller, "two"))
	eventually(t, "they are gone", func() bool { return b.count("connections") == 2 })
}

// TestGuestsLeaveRoom has strangers of a network of everybody take all connections
// that they can: a trunk that is named, and one that shows its password, still find
// room.
func TestGuestsLeaveRoom(t *testing.T) {
	const inAll = 20
	b := newBedOver(t, overTCP, nil, func(c *Config) {
		c.MaxStreams = inAll
		c.Trunks[0].AuthIn, c.Trunks[0].Allow, c.Trunks[0].Addr = AuthIn{Username: inUser, Password: inPassword}, prefixes("0.0.0.0/0"), ""
	})
	for i := range inAll {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i))}}
		if conn, err := dialer.DialContext(t.Context(), "tcp", b.addr.String()); err == nil {
			defer conn.Close()
		}
	}
	eventually(t, "the rest is refused", func() bool { return b.count("connections_refused_total", "reason", refusedMany) == inAll/2 })
	b.tenant.send(b.tenant.other("OPTIONS"))
	b.tenant.expect("SIP/2.0 200")
}

// TestSourceOfIPv6 is a /64: who has one has more addresses than there are
// connections.
func TestSourceOfIPv6(t *testing.T) {
	streams := newStreams(&Edge{cfg: Config{MaxStreams: 10, MaxStreamsPerSource: 1}})
	enter := func(addr string) string {
		return streams.enter(&stream{remote: netip.MustParseAddrPort(addr)})
	}
	for _, c := range []struct{ addr, want string }{
		{"[2001:db8::1]:1", ""}, {"[2001:db8::2]:1", refusedSource}, {"[2001:db8:0:1::1]:1", ""}, {"192.0.2.1:1", ""}, {"192.0.2.2:1", ""},
	} {
		if got := enter(c.addr); got != c.want {
			t.Errorf("%s: %q, want %q", c.addr, got, c.want)
		}
	}
}

// TestBusyConnectionBreaks has more BYEs wait for answers than a moment's traffic
// when their connection breaks: each is sent again.
func TestBusyConnectionBreaks(t *testing.T) {
	const calls = 100
	b := newBedOver(t, overTCP, nil, nil)
	var all []dialog
	for i := range calls {
		all = append(all, b.connect(b.caller, fmt.Sprint("call", i)))
	}
	for i, d := range all {
		b.caller.send(b.caller.inDialog("BYE", d.answer, 2+i))
		b.callees[0].expect("BYE ")
	}
	b.callees[0].link.hangUp()
	for range calls {
		b.callees[0].send(b.callees[0].reply(b.callees[0].expect("BYE "), 200, ""))
	}
	eventually(t, "no call is left", func() bool { return b.edge.unsettled.Load() == 0 })
}

// TestFloodOfPings has a peer ask for life all the time: it is answered as often as
// it is read, and as slowly as its trunk's messages are.
func TestFloodOfPings(t *testing.T) {
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.Trunks[0].CPS = 1 })
	conn, err := net.Dial("tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const pings = 50_000
	go func() { _, _ = conn.Write([]byte(strings.Repeat("\r\n\r\n", pings))) }()
	eventually(t, "all are read", func() bool { return b.count("octets_total", "transport", "tcp", "direction", "in") == 4*pings })
	eventually(t, "it is answered", func() bool { return b.count("octets_total", "transport", "tcp", "direction", "out") > 0 })
	if got := b.count("octets_total", "transport", "tcp", "direction", "out"); got > pings/10 {
		t.Errorf("%v octets of answers", got)
	}
	b.hangUp(b.caller, b.connect(b.caller, "one"))
}

// TestFaultInAMessage panics outside of any call: the connection is read on.
func TestFaultInAMessage(t *testing.T) {
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.MaxCPS = 1 })
	b.caller.send(b.caller.invite("one"))
	b.caller.expect("SIP/2.0 100")
	b.caller.send(strings.Replace(b.caller.invite("two"), "INVITE sip:"+simMaskA.Reveal(), "INVITE sip:+441110000666", 1))
	eventually(t, "it is counted", func() bool { return b.count("panics_total") == 1 })
	b.caller.send(b.caller.other("OPTIONS"))
	b.caller.expect("SIP/2.0 200")
}
