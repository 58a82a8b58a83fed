//go:build peers

package sip

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/sip"
)

// startRegistrar runs Kamailio as a carrier with a registrar; its calls go to callee.
func startRegistrar(t *testing.T, own *port, edge, callee int, algorithm string) {
	t.Helper()
	text, err := os.ReadFile("testdata/registrar.cfg")
	if err != nil {
		t.Fatal(err)
	}
	own.release()
	startKamailio(t, own, strings.NewReplacer(
		"OWNPORT", strconv.Itoa(own.number), "EDGEPORT", strconv.Itoa(edge), "CALLEEPORT", strconv.Itoa(callee), "ALGORITHM", algorithm,
	).Replace(string(text)))
}

// TestRegisteredAtKamailio registers there, takes its calls by the contact, and
// sends it calls of which it challenges INVITE and BYE. Its nonces live for 2 s, so
// that stale ones occur.
func TestRegisteredAtKamailio(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			const calls = 8
			alfa := reserve(t)
			edgePort := reserve(t)
			edgePort.release()
			b := newBed(t, func(c *sip.Config) {
				c.Listen[0].Addr = "udp://127.0.0.1:" + strconv.Itoa(edgePort.number)
				c.Trunks[1].Addr = "udp://127.0.0.1:" + strconv.Itoa(alfa.number)
				c.Trunks[1].AuthOut = sip.AuthOut{Username: "maskline", Password: "secret word", Realm: "carrier.example"}
				c.Trunks[1].Register = sip.Register{Enabled: true, Expires: time.Minute}
			})
			b.bravo.release()
			callee := reserve(t)
			startRegistrar(t, alfa, edgePort.number, callee.number, algorithm)
			eventually(t, "registered", func() bool { return b.edge.Trunks()[1].Up })

			bobs := start(t, run{scenario: "callee_behind_proxy", port: callee, number: bob, calls: calls}, "")
			caller := start(t, run{scenario: "caller_hangs_up", port: b.caller, number: alice, dials: maskA, calls: calls, rate: 2}, b.addr.String())
			caller.wait()
			bobs.wait()
			eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 })
			if got := b.count("maskline_sip_attempts_total", "trunk", "alfa", "outcome", "answered"); got != calls {
				t.Errorf("%v attempts\n%s", got, b.log.bytes())
			}
			if got := b.count("maskline_sip_responses_total", "trunk", "alfa", "direction", "in", "method", "BYE", "code", "200"); got != calls {
				t.Errorf("%v BYEs were taken", got)
			}
			checkNothingLeaks(t, b, caller, []*sipp{bobs})

			// And the other way: a call through Kamailio to our contact.
			alices := start(t, run{scenario: "callee_behind_proxy", port: callee, number: alice, calls: 1}, "")
			inward := start(t, run{scenario: "caller_behind_proxy", port: reserve(t), number: bob, dials: maskB, calls: 1, rate: 1},
				"127.0.0.1:"+strconv.Itoa(alfa.number))
			inward.wait()
			alices.wait()
			inward.hides(alice)
			alices.hides(bob)

			b.stop()
			if got := b.count("maskline_sip_registrations_total", "trunk", "alfa", "outcome", "removed"); got != 1 {
				t.Errorf("the binding was not taken away")
			}
		})
	}
}
