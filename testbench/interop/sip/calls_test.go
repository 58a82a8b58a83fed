//go:build peers

package sip

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"maskline/e164"
	"maskline/sip"
	"maskline/testbench/leak"
)

// TestCalls runs a caller and the carriers' called sides through the edge.
func TestCalls(t *testing.T) {
	const calls = 5
	cases := []struct {
		name        string
		caller      string
		alfa, bravo string // scenario; "silent" and "closed" have none, empty must not be asked
		why         string // how the edge names the end
		attempts    int    // by bravo
	}{
		{"the caller hangs up", "caller_hangs_up", "callee_answers", "", "caller", 0},
		{"the called side hangs up", "caller_waits", "callee_hangs_up", "", "callee", 0},
		{"early media", "caller_hangs_up", "callee_early_media", "", "caller", 0},
		{"first carrier answers 503", "caller_hangs_up", "callee_503", "callee_answers", "caller", calls},
		{"first carrier's port is closed", "caller_hangs_up", "closed", "callee_answers", "caller", calls},
		{"first carrier is silent", "caller_hangs_up", "silent", "callee_answers", "caller", calls},
		{"busy is not hunted", "caller_refused_486", "callee_486", "", "refused", 0},
		{"both carriers refuse", "caller_refused_503", "callee_503", "callee_503", "refused", calls},
		{"cancelled while ringing", "caller_cancels_ringing", "callee_cancelled", "", "cancelled", 0},
		{"cancelled while it answers", "caller_cancels_ringing", "callee_answers_cancel", "", "cancelled", 0},
		{"the caller changes the session", "caller_changes", "callee_follows", "", "caller", 0},
		{"the called side changes the session", "caller_follows", "callee_changes", "", "callee", 0},
		{"an INVITE without an offer", "caller_without_offer", "callee_offers", "", "caller", 0},
		{"without an offer, by the second carrier", "caller_without_offer", "callee_503", "callee_offers", "caller", calls},
		{"both sides change at once", "caller_meets_glare", "callee_makes_glare", "", "caller", 0},
		{"cancelled before any answer", "caller_cancels_early", "silent", "", "cancelled", 0},
		{"the caller changes the session", "caller_changes_behind_proxy", "callee_changed_behind_proxy", "", "caller", 0},
		{"the called side changes the session", "caller_changed_behind_proxy", "callee_changes_behind_proxy", "", "callee", 0},
		{"reliable provisional answers", "caller_pracks", "callee_reliable", "", "caller", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, func(cfg *sip.Config) {
				if c.attempts > 0 {
					cfg.Trunks[1].FirstResponse = 700 * time.Millisecond
				}
			})
			var callees []*sipp
			for _, side := range []struct {
				scenario string
				port     *port
			}{{c.alfa, b.alfa}, {c.bravo, b.bravo}} {
				switch side.scenario {
				case "", "closed":
					side.port.release()
				case "silent": // its socket is open, and nobody reads
				default:
					callees = append(callees, start(t, run{scenario: side.scenario, port: side.port, number: bob, calls: calls}, ""))
				}
			}
			caller := start(t, run{scenario: c.caller, port: b.caller, number: alice, dials: maskA, calls: calls, rate: 5}, b.addr.String())
			caller.wait()
			for _, callee := range callees {
				callee.wait()
			}
			eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 })
			if got := b.count("maskline_sip_calls_total", "why", c.why); got != calls {
				t.Errorf("%v calls ended with %q\n%s", got, c.why, b.log.bytes())
			}
			if got := b.count("maskline_sip_attempts_total", "trunk", "bravo"); got != float64(c.attempts) {
				t.Errorf("%v attempts by the second carrier, want %d", got, c.attempts)
			}
			if a, r := b.media.allocated.Load(), b.media.released.Load(); a != r {
				t.Errorf("media: %d allocated, %d released", a, r)
			}
			checkNothingLeaks(t, b, caller, callees)
		})
	}
}

// TestUnknownMask has the caller dial what nobody has.
func TestUnknownMask(t *testing.T) {
	b := newBed(t, nil)
	nobody := e164.MustParse("441119999999")
	caller := start(t, run{scenario: "caller_refused_404", port: b.caller, number: alice, dials: nobody, calls: 3, rate: 10}, b.addr.String())
	caller.wait()
	checkNothingLeaks(t, b, caller, nil)
	if got := b.count("maskline_sip_calls_total", "why", "unknown_mask"); got != 3 {
		t.Errorf("%v", got)
	}
}

// manyDecimals are those of a sum of seconds. Its last digits are chance, and those of
// our masks are likely ones: 1.0000000110000001.
var manyDecimals = regexp.MustCompile(`(\.\d{6})\d+`)

// checkNothingLeaks searches what each side was sent, the log and the metrics.
func checkNothingLeaks(t *testing.T, b *bed, caller *sipp, callees []*sipp) {
	t.Helper()
	caller.hides(bob)
	for _, callee := range callees {
		got := callee.hides(alice)
		if !leak.Contains(got, maskB) {
			t.Errorf("the called side was not shown the mask")
		}
		for _, header := range []string{"Diversion", "Remote-Party-ID", "History-Info", "User-to-User", "Identity:", "X-Real", "Subject", "Referred-By"} {
			if bytes.Contains(got, []byte("\n"+header)) {
				t.Errorf("the called side was sent the caller's %s", header)
			}
		}
	}
	for name, text := range map[string][]byte{"log": b.log.bytes(), "metrics": manyDecimals.ReplaceAll([]byte(b.metrics()), []byte("$1"))} {
		for _, f := range leak.NewScanner(alice, bob, maskA, maskB).Find(text) {
			t.Errorf("the %s shows %v: %q", name, f, text[max(f.Offset-200, 0):min(f.Offset+50, len(text))])
		}
	}
}

// TestScannerSees plants numbers, so that the silence of the tests above means
// something: each side's own number is in what it sent.
func TestScannerSees(t *testing.T) {
	b := newBed(t, nil)
	callee := start(t, run{scenario: "callee_answers", port: b.alfa, number: maskB}, "")
	caller := start(t, run{scenario: "caller_hangs_up", port: b.caller, number: alice, dials: maskA}, b.addr.String())
	caller.wait()
	callee.wait()
	if !caller.neglected() || !callee.neglected() {
		t.Error("nobody would have noticed that nothing was searched")
	}
	checkNothingLeaks(t, b, caller, []*sipp{callee})
	if !leak.Contains(caller.received(), alice) {
		t.Error("the caller gets its own From back, and it was not found")
	}
	if !leak.Contains(callee.received(), bob) {
		t.Error("the called side is addressed by its number, and it was not found")
	}
	for _, planted := range []string{"+447700900001", "07700900001", "%2B447700900001", "eyJvcmlnIjp7InRuIjoiNDQ3NzAwOTAwMDAxIn19", "+44 7700 900001"} {
		text := append(callee.received(), "X-Planted: "+planted+"\r\n"...)
		if !leak.Contains(text, alice) {
			t.Errorf("%s was planted and not found", planted)
		}
	}
}
