//go:build peers

package sip

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"maskline/sip"
	"maskline/testbench/authority"
	"maskline/testbench/leak"
)

// TestKamailioBetween has Kamailio between the edge and either side, in every
// dialog by Record-Route. Its sanity module holds each request of the edge against
// all that it knows, and all that the edge sends it is searched.
func TestKamailioBetween(t *testing.T) {
	const calls = 5
	for _, c := range []struct {
		name           string
		caller, callee string
		why            string // how the edge names the end
		over           string
		busy           bool // the proxy refuses the first carrier's calls
	}{
		{"the caller hangs up", "caller_behind_proxy", "callee_behind_proxy", "caller", "udp", false},
		{"the called side hangs up", "caller_waits_behind_proxy", "callee_hangs_up_behind_proxy", "callee", "udp", false},
		{"early media", "caller_behind_proxy", "callee_early_media_behind_proxy", "caller", "udp", false},
		{"cancelled while ringing", "caller_cancels_ringing", "callee_cancelled_behind_proxy", "cancelled", "udp", false},
		{"the first carrier's proxy answers 503", "caller_behind_proxy", "callee_behind_proxy", "caller", "udp", true},
		{"the caller changes the session", "caller_changes_behind_proxy", "callee_changed_behind_proxy", "caller", "udp", false},
		{"the called side changes the session", "caller_changed_behind_proxy", "callee_changes_behind_proxy", "callee", "udp", false},
		{"reliable provisional answers", "caller_pracks", "callee_reliable", "caller", "udp", false},
		{"over TCP", "caller_behind_proxy", "callee_behind_proxy", "caller", "tcp", false},
		{"changes over TCP", "caller_changed_behind_proxy", "callee_changes_behind_proxy", "callee", "tcp", false},
		{"reliable over TCP", "caller_pracks", "callee_reliable", "caller", "tcp", false},
		{"over TLS", "caller_behind_proxy", "callee_behind_proxy", "caller", "tls", false},
		{"the caller changes over TLS", "caller_changes_behind_proxy", "callee_changed_behind_proxy", "caller", "tls", false},
		{"the called side changes over TLS", "caller_changed_behind_proxy", "callee_changes_behind_proxy", "callee", "tls", false},
		{"reliable over TLS", "caller_pracks", "callee_reliable", "caller", "tls", false},
		{"cancelled over TLS", "caller_cancels_ringing", "callee_cancelled_behind_proxy", "cancelled", "tls", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far, busy, callee := reserve(t), reserve(t), reserve(t), reserve(t)
			names := authority.New(t)
			b := newBed(t, func(cfg *sip.Config) {
				cfg.Listen[0].Addr = c.over + "://127.0.0.1:0"
				for i, p := range []*port{near, far, far} {
					cfg.Trunks[i].Addr = fmt.Sprintf("%s://127.0.0.1:%d", c.over, p.number)
				}
				if c.over == "tls" {
					mutual(t, cfg, names)
				}
				if c.busy {
					cfg.Trunks[1].Addr = fmt.Sprintf("%s://127.0.0.1:%d", c.over, busy.number)
				}
			})
			k := startProxy(t, b, near, far, busy, callee, c.over, names)
			callees := start(t, run{scenario: c.callee, port: callee, number: bob, calls: calls}, "")
			caller := start(t, run{scenario: c.caller, port: b.caller, number: alice, dials: maskA, calls: calls, rate: 5}, fmt.Sprintf("127.0.0.1:%d", near.number))
			caller.wait()
			callees.wait()
			eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 })
			if got := b.count("maskline_sip_calls_total", "trunk", "origin", "why", c.why); got != calls {
				t.Errorf("%v calls ended with %q\n%s", got, c.why, b.log.bytes())
			}
			second := 0
			if c.busy {
				second = calls
			}
			if got := b.count("maskline_sip_attempts_total", "trunk", "bravo"); got != float64(second) {
				t.Errorf("%v attempts by the second carrier, want %d", got, second)
			}
			checkNothingLeaks(t, b, caller, []*sipp{callees})
			k.judge(7 * calls)
		})
	}
}

// mutual has the edge and the proxy show each other certificates.
func mutual(t *testing.T, cfg *sip.Config, names *authority.Authority) {
	t.Helper()
	names.Issue(t, "edge", "edge.example")
	names.Issue(t, "sbc", "sbc.example")
	cfg.Listen[0].TLS = sip.ServerTLS{Cert: names.File("edge.pem"), Key: names.File("edge.key"), ClientCA: names.File("ca.pem")}
	for i := range cfg.Trunks {
		cfg.Trunks[i].TLS = sip.ClientTLS{CA: names.File("ca.pem"), Cert: names.File("edge.pem"), Key: names.File("edge.key"), Name: "sbc.example"}
	}
	cfg.Trunks[0].TLS.Peer = []string{"sbc.example"}
	if err := os.WriteFile(names.File("tls.cfg"), fmt.Appendf(nil, kamailioTLS, names.Dir), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startProxy runs Kamailio on near, far and busy, before an edge that speaks over.
func startProxy(t *testing.T, b *bed, near, far, busy, callee *port, over string, names *authority.Authority) *kamailio {
	t.Helper()
	text, err := os.ReadFile("testdata/proxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	number := func(p *port) string { return strconv.Itoa(p.number) }
	near.release()
	far.release()
	busy.release()
	return startKamailio(t, near, strings.NewReplacer(
		"NEARPORT", number(near), "FARPORT", number(far), "BUSYPORT", number(busy), "CALLEEPORT", number(callee),
		"CALLERPORT", number(b.caller), "EDGEPORT", strconv.Itoa(int(b.addr.Port())), "TRANSPORT_UPPER", strings.ToUpper(over), "TRANSPORT", over, "NAMES", names.Dir,
	).Replace(string(text)))
}

// judge wants at least so many messages of the edge's to have come, all of them
// sane, and none with a number that its addressee must not see.
func (k *kamailio) judge(least int) {
	k.t.Helper()
	output := k.output.bytes()
	if bytes.Contains(output, []byte("INSANE")) {
		k.t.Errorf("kamailio refuses what we sent:\n%s", tail(output))
	}
	watch, seen := leak.NewWatch(alice, bob), 0
	for line := range strings.Lines(string(output)) {
		_, text, found := strings.Cut(line, "WITNESS ")
		if !found {
			continue
		}
		message, err := hex.DecodeString(strings.TrimSpace(text))
		if err != nil {
			k.t.Fatal(err)
		}
		seen++
		start, _, _ := strings.Cut(string(message), " ")
		for _, f := range watch.SIP(message) {
			k.t.Errorf("the edge's %s shows %v", start, f)
		}
	}
	if seen < least {
		k.t.Errorf("only %d messages of the edge's came", seen)
	}
}
