//go:build peers && long

package sip

import (
	"testing"
)

// TestLongSessions has calls live by the shortest session timers of RFC 4028,
// 90 s on each leg: each side refreshes and is refreshed, by either method, and a
// side that should refresh and does not loses its call. Without its refresh a call
// would end after 60 s.
func TestLongSessions(t *testing.T) {
	var ends []func()
	for _, c := range []struct{ name, caller, callee, why string }{
		{"re-INVITE by the caller, UPDATE to the called side", "caller_refreshes_invite", "callee_is_refreshed_update", "caller"},
		{"UPDATE by the caller, re-INVITE to the called side", "caller_refreshes_update", "callee_is_refreshed_invite", "caller"},
		{"re-INVITE by the called side, UPDATE to the caller", "caller_is_refreshed_update", "callee_refreshes_invite", "caller"},
		{"UPDATE by the called side, re-INVITE to the caller", "caller_is_refreshed_invite", "callee_refreshes_update", "caller"},
		{"both sides refresh at once", "caller_refreshes_invite", "callee_refreshes_invite", "caller"},
		{"both sides are refreshed at once", "caller_is_refreshed_invite", "callee_is_refreshed_invite", "caller"},
		{"the caller forgets", "caller_forgets", "callee_answers", "session_expired"},
		{"the called side forgets", "caller_waits", "callee_forgets", "session_expired"},
	} {
		b := newBed(t, nil)
		b.bravo.release()
		callee := start(t, run{scenario: c.callee, port: b.alfa, number: bob, patience: 90}, "")
		caller := start(t, run{scenario: c.caller, port: b.caller, number: alice, dials: maskA, patience: 90}, b.addr.String())
		ends = append(ends, func() {
			t.Run(c.name, func(t *testing.T) {
				b.t, caller.t, callee.t = t, t, t
				caller.wait()
				callee.wait()
				eventually(t, "the call is over", func() bool { return len(b.edge.Calls()) == 0 })
				if got := b.count("maskline_sip_calls_total", "why", c.why); got != 1 {
					t.Errorf("%v calls ended with %q\n%s", got, c.why, b.log.bytes())
				}
				checkNothingLeaks(t, b, caller, []*sipp{callee})
			})
		})
	}
	for _, end := range ends { // all calls at once
		end()
	}
}
