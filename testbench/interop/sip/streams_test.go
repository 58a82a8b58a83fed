//go:build peers

package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"maskline/sip"
	"maskline/testbench/authority"
)

// overTCP has the edge and all trunks speak TCP.
func overTCP(c *sip.Config) {
	c.Listen[0].Addr = "tcp://127.0.0.1:0"
	for i := range c.Trunks {
		c.Trunks[i].Addr = strings.Replace(c.Trunks[i].Addr, "udp:", "tcp:", 1)
	}
}

// TestCallsOverTCP has SIPp on both sides, with one connection for all calls and
// with one for each.
func TestCallsOverTCP(t *testing.T) {
	const calls = 20
	for _, c := range []struct{ name, over, caller, callee, why string }{
		{"the caller hangs up", "t1", "caller_hangs_up", "callee_answers", "caller"},
		{"a connection for each call", "tn", "caller_hangs_up", "callee_answers", "caller"},
		{"the called side hangs up", "t1", "caller_waits", "callee_hangs_up", "callee"},
		{"early media", "t1", "caller_hangs_up", "callee_early_media", "caller"},
		{"busy", "t1", "caller_refused_486", "callee_486", "refused"},
		{"cancelled while ringing", "t1", "caller_cancels_ringing", "callee_cancelled", "cancelled"},
		{"cancelled while it answers", "t1", "caller_cancels_ringing", "callee_answers_cancel", "cancelled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, overTCP)
			callee := start(t, run{scenario: c.callee, port: b.alfa, number: bob, calls: calls, over: "t1"}, "")
			caller := start(t, run{scenario: c.caller, port: b.caller, number: alice, dials: maskA, calls: calls, rate: 20, over: c.over}, b.addr.String())
			caller.wait()
			callee.wait()
			eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 })
			if got := b.count("maskline_sip_calls_total", "why", c.why); got != calls {
				t.Errorf("%v calls ended with %q\n%s", got, c.why, b.log.bytes())
			}
			if got := b.count("maskline_sip_attempts_total", "trunk", "bravo"); got != 0 {
				t.Errorf("%v attempts by the second carrier", got)
			}
			checkNothingLeaks(t, b, caller, []*sipp{callee})
		})
	}
}

// TestFailoverOverTCP has the first carrier refuse connections.
func TestFailoverOverTCP(t *testing.T) {
	const calls = 5
	b := newBed(t, overTCP)
	b.alfa.release()
	callee := start(t, run{scenario: "callee_answers", port: b.bravo, number: bob, calls: calls, over: "t1"}, "")
	caller := start(t, run{scenario: "caller_hangs_up", port: b.caller, number: alice, dials: maskA, calls: calls, rate: 5, over: "t1"}, b.addr.String())
	caller.wait()
	callee.wait()
	checkNothingLeaks(t, b, caller, []*sipp{callee})
	if got := b.count("maskline_sip_attempts_total", "trunk", "alfa", "outcome", "unreachable"); got != calls {
		t.Errorf("%v attempts", got)
	}
}

// TestIPv4ToIPv6 has the called side on IPv6. The media that both speak of is on
// IPv4.
func TestIPv4ToIPv6(t *testing.T) {
	const calls = 5
	for _, c := range []struct{ over, scheme string }{{"", "udp"}, {"t1", "tcp"}} {
		t.Run(c.scheme, func(t *testing.T) {
			b := newBed(t, func(cfg *sip.Config) {
				if c.scheme == "tcp" {
					overTCP(cfg)
				}
				cfg.Listen = append(cfg.Listen, sip.Listen{Addr: c.scheme + "://[::1]:0"})
				_, port, _ := strings.Cut(cfg.Trunks[1].Addr, "127.0.0.1:")
				cfg.Trunks[1].Addr = c.scheme + "://[::1]:" + port
				cfg.Trunks[1].Allow = []netip.Prefix{netip.MustParsePrefix("::1/128")}
			})
			callee := start(t, run{scenario: "callee_answers_ipv4_media", port: b.alfa, number: bob, calls: calls, over: c.over, ip: "::1"}, "")
			caller := start(t, run{scenario: "caller_hangs_up", port: b.caller, number: alice, dials: maskA, calls: calls, rate: 5, over: c.over}, b.addr.String())
			caller.wait()
			callee.wait()
			if got := b.count("maskline_sip_attempts_total", "trunk", "alfa", "outcome", "answered"); got != calls {
				t.Errorf("%v calls", got)
			}
			checkNothingLeaks(t, b, caller, []*sipp{callee})
		})
	}
}

// TestKamailioOverTLS has Kamailio between the edge and either side, as a carrier's
// border that asks for a certificate, shows one, and holds every message against
// its sanity checks.
func TestKamailioOverTLS(t *testing.T) {
	const calls = 10
	names := authority.New(t)
	names.Issue(t, "edge", "edge.example")
	names.Issue(t, "sbc", "sbc.example")
	secure, plain := reserve(t), reserve(t)
	b := newBed(t, func(c *sip.Config) {
		c.Listen = []sip.Listen{{Addr: "tls://127.0.0.1:0", TLS: sip.ServerTLS{
			Cert: names.File("edge.pem"), Key: names.File("edge.key"), ClientCA: names.File("ca.pem"),
		}}}
		for i := range c.Trunks {
			c.Trunks[i].Addr = fmt.Sprintf("tls://127.0.0.1:%d", secure.number)
			c.Trunks[i].TLS = sip.ClientTLS{CA: names.File("ca.pem"), Cert: names.File("edge.pem"), Key: names.File("edge.key"), Name: "sbc.example"}
		}
		c.Trunks[0].TLS.Peer = []string{"sbc.example"}
		c.Trunks[0].Allow = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	})
	secure.release()
	plain.release()
	startKamailioTLS(t, names, secure.number, plain.number, b.alfa.number, int(b.addr.Port()))
	callee := start(t, run{scenario: "callee_answers", port: b.alfa, number: bob, calls: calls}, "")
	caller := start(t, run{scenario: "caller_hangs_up", port: b.caller, number: alice, dials: maskA, calls: calls, rate: 10}, fmt.Sprintf("127.0.0.1:%d", plain.number))
	caller.wait()
	callee.wait()
	eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 })
	if got := b.count("maskline_sip_calls_total", "trunk", "origin", "why", "caller"); got != calls {
		t.Errorf("%v calls\n%s", got, b.log.bytes())
	}
	if got := b.count("maskline_sip_tls_failures_total"); got != 0 {
		t.Errorf("%v handshakes failed", got)
	}
	if got := b.count("maskline_sip_connections", "transport", "tls"); got < 1 || got > 2 {
		t.Errorf("%v connections", got)
	}
	checkNothingLeaks(t, b, caller, []*sipp{callee})
}
