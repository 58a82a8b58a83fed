//go:build peers

package sip

import (
	"testing"

	"maskline/sip"
)

const user, password = "pbx", "hunter2"

// withDigest has us ask origin for a digest, and alfa ask us.
func withDigest(c *sip.Config) {
	c.Auth.Algorithms = []string{"md5"} // SIPp 3.6 takes the first challenge, whatever it is
	c.Trunks[0].AuthIn = sip.AuthIn{Username: user, Password: password}
	c.Trunks[1].AuthOut = sip.AuthOut{Username: "maskline", Password: "secret word", Realm: "carrier.example"}
}

// TestDigestBothWays has SIPp answer our challenge, and check our answer to its
// own.
func TestDigestBothWays(t *testing.T) {
	const calls = 5
	b := newBed(t, withDigest)
	b.bravo.release()
	callee := start(t, run{scenario: "callee_challenges", port: b.alfa, number: bob, calls: calls}, "")
	caller := start(t, run{
		scenario: "caller_authenticates", port: b.caller, number: alice, dials: maskA, calls: calls, rate: 5, args: digestArgs(password),
	}, b.addr.String())
	caller.wait()
	callee.wait()
	eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 })
	if got := b.count("maskline_sip_attempts_total", "trunk", "alfa", "outcome", "answered"); got != calls {
		t.Errorf("%v attempts\n%s", got, b.log.bytes())
	}
	checkNothingLeaks(t, b, caller, []*sipp{callee})
}

func TestWrongPassword(t *testing.T) {
	b := newBed(t, withDigest)
	b.alfa.release()
	b.bravo.release()
	caller := start(t, run{
		scenario: "caller_wrong_password", port: b.caller, number: alice, dials: maskA, calls: 3, rate: 5, args: digestArgs("guess"),
	}, b.addr.String())
	caller.wait()
	checkNothingLeaks(t, b, caller, nil)
	if got := b.count("maskline_sip_auth_total", "trunk", "origin", "verdict", "wrong"); got != 3 {
		t.Errorf("%v", got)
	}
}

func digestArgs(password string) []string {
	return []string{"-au", user, "-ap", password, "-auth_uri", maskA.Reveal() + "@edge.example"}
}
