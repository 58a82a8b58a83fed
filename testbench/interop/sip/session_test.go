//go:build peers

package sip

import (
	"testing"
	"time"

	"maskline/sip"
)

const (
	timer    = "Supported: timer"
	updates  = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"
	byCaller = "Session-Expires: 90;refresher=uac"
	byOther  = "Session-Expires: 90;refresher=uas"
)

// TestSessionTimers has refreshes come from the peers, and intervals refused.
func TestSessionTimers(t *testing.T) {
	opens := func(headers ...string) []string { return []string{dials(headers...), gets("100", "optional")} }
	called := func(headers ...string) []string {
		return []string{isCalled("Session-Expires: 1800"), answers(`retrans="500"`, 200, "x", described(ours), headers...), gets("ACK")}
	}
	ended := []string{gets("BYE"), replies(200, noBody)}
	hungUp := func(cseq int) []string {
		return []string{asks(`retrans="500"`, "BYE", cseq, noBody), gets("200", "CSeq: BYE")}
	}
	cases := []exchange{
		{
			name: "the caller refreshes by re-INVITE",
			caller: steps(opens(timer, byCaller), []string{
				gets("200", "Require: timer", "Session-Expires: 90;refresher=uac"), asks("", "ACK", 1, noBody), waits(100),
				asks(`retrans="500"`, "INVITE", 2, described(ours), timer, byCaller),
				gets("200", "CSeq: 2 INVITE", "Session-Expires: 90;refresher=uac"), asks("", "ACK", 2, noBody), waits(100),
			}, hungUp(3)),
			callee: steps(called(), ended),
		},
		{
			name: "the caller refreshes by UPDATE",
			caller: steps(opens(timer, byCaller), []string{
				gets("200"), asks("", "ACK", 1, noBody), waits(100),
				asks(`retrans="500"`, "UPDATE", 2, noBody, timer, byCaller), gets("200", "CSeq: 2 UPDATE", "Session-Expires: 90;refresher=uac"),
			}, hungUp(3)),
			callee: steps(called(), ended),
		},
		{
			name:   "the called side refreshes by re-INVITE",
			caller: steps(opens(), []string{gets("200"), asks("", "ACK", 1, noBody), waits(500)}, hungUp(2)),
			callee: steps(called("Require: timer", byOther), []string{
				waits(50), requests(`retrans="500"`, "INVITE", 1, "x", described(ours), timer, byCaller),
				gets("200", "CSeq: 1 INVITE", "Session-Expires: 90;refresher=uac"), requests("", "ACK", 1, "x", noBody),
			}, ended),
		},
		{
			name:   "the called side refreshes by UPDATE",
			caller: steps(opens(), []string{gets("200"), asks("", "ACK", 1, noBody), waits(500)}, hungUp(2)),
			callee: steps(called("Require: timer", byOther), []string{
				waits(50), requests(`retrans="500"`, "UPDATE", 1, "x", noBody, timer, byCaller),
				gets("200", "CSeq: 1 UPDATE", "Session-Expires: 90;refresher=uac"),
			}, ended),
		},
		{
			name:   "the called side wants longer: 422",
			caller: steps(opens(), []string{gets("200"), asks("", "ACK", 1, noBody), waits(50)}, hungUp(2)),
			callee: steps([]string{
				isCalled(), answers("", 422, "x", noBody, "Min-SE: 3600"), gets("ACK"),
				isCalled("CSeq: 2 INVITE", "Session-Expires: 3600", "Min-SE: 3600"),
				answers(`retrans="500"`, 200, "z", described(ours), "Session-Expires: 3600;refresher=uac"), gets("ACK"),
			}, ended),
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.why = "caller"
			c.run(t)
		})
	}
}

// TestSessionTooShort has a caller ask for less than RFC 4028 lets it.
func TestSessionTooShort(t *testing.T) {
	b := newBed(t, nil)
	caller := start(t, run{
		scenario: inline(t, "too short", dials(timer, "Session-Expires: 30"), gets("100", "optional"), gets("422", "Min-SE: 90"), asks("", "ACK", 1, noBody)),
		port:     b.caller, number: alice, dials: maskA, calls: 2,
	}, b.addr.String())
	caller.wait()
	checkNothingLeaks(t, b, caller, nil)
}

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
