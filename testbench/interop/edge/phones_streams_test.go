//go:build peers

package edge

import (
	"strings"
	"testing"

	"maskline/testbench/authority"
)

// TestPhonesOverStreams is TestPhonesThroughHold with TCP and TLS, certificates on
// both sides of the latter.
func TestPhonesOverStreams(t *testing.T) {
	names := authority.New(t)
	names.Issue(t, "edge", "edge.example")
	names.Issue(t, "phone", "phone.example")
	tcp, tls := line{over: "tcp"}, line{over: "tls", names: names}
	tlsOut := tls
	tlsOut.callsOnly = true
	for _, c := range []struct {
		name          string
		rider, driver makes
	}{
		{"baresip over TCP, baresip over TLS", makes{"baresip", tcp}, makes{"baresip", tls}},
		{"baresip over TLS, linphone over TCP", makes{"baresip", tls}, makes{"linphone", tcp}},
		{"linphone over TCP, baresip over UDP", makes{"linphone", tcp}, makes{kind: "baresip"}},
		{"linphone over TLS, linphone over TCP", makes{"linphone", tlsOut}, makes{"linphone", tcp}},
		{"linphone over TLS, baresip over TLS", makes{"linphone", tlsOut}, makes{"baresip", tls}},
	} {
		t.Run(c.name, func(t *testing.T) {
			newBed(t).phonesThroughHold(c.rider, c.driver, nil)
		})
	}
}

// TestPhonesAnswerReliably has linphone acknowledge provisional answers, send them, or
// both; who does not know of them is not asked to.
func TestPhonesAnswerReliably(t *testing.T) {
	plain := line{}
	supports, requires := line{options: "100rel_support_level=1\n"}, line{options: "100rel_support_level=2\n"}
	for _, c := range []struct {
		name            string
		rider, driver   makes
		pracks, pracked bool
	}{
		{"the caller supports it", makes{"linphone", supports}, makes{"linphone", plain}, true, false},
		{"the caller requires it", makes{"linphone", requires}, makes{"baresip", plain}, true, false},
		{"the called side requires it", makes{"baresip", plain}, makes{"linphone", requires}, false, true},
		{"both", makes{"linphone", supports}, makes{"linphone", requires}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			newBed(t).phonesThroughHold(c.rider, c.driver, func(caller, callee *person) {
				if got := strings.Contains(caller.said(), "\nPRACK "); got != c.pracks {
					t.Errorf("the caller's PRACK: %v", got)
				}
				if got := strings.Contains(callee.said(), "\nPRACK "); got != c.pracked {
					t.Errorf("our PRACK: %v", got)
				}
			})
		})
	}
}
