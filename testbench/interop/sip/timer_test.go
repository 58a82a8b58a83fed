//go:build peers && long

package sip

import (
	"fmt"
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

// TestQuarterOfAnHour is a call in which each side refreshes 20 times by the timers of
// 90 s, as it would in 15 minutes, once a second.
func TestQuarterOfAnHour(t *testing.T) {
	const rounds = 20
	refreshes := func(cseq int, method string, ask func(cseq int, method, body string) string) []string {
		answer := gets("200", fmt.Sprintf("CSeq: %d %s", cseq, method), "Session-Expires: 90;refresher=uac")
		if method == "UPDATE" {
			return []string{ask(cseq, method, noBody), answer, waits(1000)}
		}
		return []string{ask(cseq, method, described(ours)), answer, ask(cseq, "ACK", noBody), waits(1000)}
	}
	attributes := func(method string) (string, []string) {
		if method == "ACK" {
			return "", nil
		}
		return `retrans="500"`, []string{timer, byCaller}
	}
	caller := func(method string) []string {
		all := []string{dials(timer, byCaller), gets("100", "optional"), gets("200", "Session-Expires: 90;refresher=uac"), asks("", "ACK", 1, noBody)}
		for i := range rounds {
			all = append(all, refreshes(2+i, method, func(cseq int, method, body string) string {
				how, headers := attributes(method)
				return asks(how, method, cseq, body, headers...)
			})...)
		}
		return append(all, waits(5000), asks(`retrans="500"`, "BYE", 2+rounds, noBody), gets("200", "CSeq: BYE"))
	}
	callee := func(method string) []string {
		all := []string{isCalled(), answers(`retrans="500"`, 200, "x", described(ours), "Require: timer", byOther), gets("ACK"), waits(300)}
		for i := range rounds {
			all = append(all, refreshes(1+i, method, func(cseq int, method, body string) string {
				how, headers := attributes(method)
				return requests(how, method, cseq, "x", body, headers...)
			})...)
		}
		return append(all, gets("BYE"), replies(200, noBody))
	}
	var begun []*played
	for _, c := range []struct{ name, caller, callee string }{
		{"re-INVITE by the caller, UPDATE by the called side", "INVITE", "UPDATE"},
		{"UPDATE by the caller, re-INVITE by the called side", "UPDATE", "INVITE"},
		{"re-INVITE by both", "INVITE", "INVITE"},
	} {
		x := exchange{name: c.name, caller: caller(c.caller), callee: callee(c.callee), why: "caller", calls: 1}
		begun = append(begun, x.begin(t))
	}
	for _, p := range begun { // all calls at once
		t.Run(p.name, p.finish)
	}
}
