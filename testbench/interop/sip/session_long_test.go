//go:build peers && long

package sip

import (
	"testing"
	"time"

	"maskline/sip"
)

// TestSessionTimersRunOut waits for half of the shortest interval, 45 s, and for its
// end. All cases wait at once.
func TestSessionTimersRunOut(t *testing.T) {
	shortest := func(cfg *sip.Config) {
		for i := range cfg.Trunks {
			cfg.Trunks[i].SessionExpires = 90 * time.Second
		}
	}
	plainCaller := []string{dials(), gets("100", "optional"), gets("200"), asks("", "ACK", 1, noBody)}
	plainCallee := []string{isCalled(), answers(`retrans="500"`, 200, "x", described(ours)), gets("ACK")}
	caller := func(headers ...string) []string {
		return []string{
			dials(append(headers, timer)...), gets("100", "optional"), gets("200", "To=$to", "From=$from"), asks("", "ACK", 1, noBody),
		}
	}
	callee := func(headers ...string) []string {
		return []string{isCalled("Session-Expires: 90"), answers(`retrans="500"`, 200, "x", described(ours), headers...), gets("ACK")}
	}
	isEnded := []string{gets("BYE"), replies(200, noBody)}
	// The caller's own BYE: the last message was a request of ours.
	ends := []string{
		message(`retrans="500"`, `BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: [$from]
To: [$to]
Call-ID: [real]///[call_id]
CSeq: 2 BYE
Content-Length: 0

`), gets("200", "CSeq: BYE"),
	}
	later := []string{waits(47_000)}
	cases := []exchange{
		{
			name: "we refresh the caller by re-INVITE", why: "caller",
			caller: steps(caller(), []string{
				gets("INVITE", "Session-Expires: 90;refresher=uac", "Content-Type: sdp"), replies(200, described(ours), byCaller), gets("ACK"),
			}, ends),
			callee: steps(plainCallee, isEnded),
		},
		{
			name: "we refresh the caller by UPDATE", why: "caller",
			caller: steps(caller(updates), []string{gets("UPDATE", "Session-Expires: 90;refresher=uac"), replies(200, noBody, byCaller), waits(100)}, ends),
			callee: steps(plainCallee, isEnded),
		},
		{
			name: "we refresh the called side by re-INVITE", why: "caller",
			caller: steps(plainCaller, later, []string{asks(`retrans="500"`, "BYE", 2, noBody), gets("200")}),
			callee: steps(callee(byCaller), []string{gets("INVITE", "Session-Expires: 90;refresher=uac"), replies(200, described(ours), byCaller), gets("ACK")}, isEnded),
		},
		{
			name: "we refresh the called side by UPDATE", why: "caller",
			caller: steps(plainCaller, later, []string{asks(`retrans="500"`, "BYE", 2, noBody), gets("200")}),
			callee: steps(callee(byCaller, updates), []string{gets("UPDATE", "Session-Expires: 90;refresher=uac"), replies(200, noBody, byCaller)}, isEnded),
		},
		{
			name: "the caller does not refresh", why: "session_expired",
			caller: steps(caller(byCaller), isEnded), callee: steps(plainCallee, isEnded),
		},
		{
			name: "the called side does not refresh", why: "session_expired",
			caller: steps(plainCaller, isEnded), callee: steps(callee("Require: timer", byOther), isEnded),
		},
		{
			name: "our refresh finds no dialog", why: "dialog_lost",
			caller: steps(caller(updates), []string{gets("UPDATE"), replies(481, noBody)}, isEnded), callee: steps(plainCallee, isEnded),
		},
	}
	begun := make([]*played, 0, len(cases))
	for i := range cases {
		c := &cases[i]
		c.change, c.patience, c.calls = shortest, 80, 1
		begun = append(begun, c.begin(t))
	}
	for _, p := range begun {
		t.Run(p.name, p.finish)
	}
}
