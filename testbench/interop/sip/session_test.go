//go:build peers

package sip

import "testing"

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
			caller: steps(opens(), []string{gets("200"), asks("", "ACK", 1, noBody), waits(2000)}, hungUp(2)),
			callee: steps(called("Require: timer", byOther), []string{
				waits(50), requests(`retrans="500"`, "INVITE", 1, "x", described(ours), timer, byCaller),
				gets("200", "CSeq: 1 INVITE", "Session-Expires: 90;refresher=uac"), requests("", "ACK", 1, "x", noBody),
			}, ended),
		},
		{
			name:   "the called side refreshes by UPDATE",
			caller: steps(opens(), []string{gets("200"), asks("", "ACK", 1, noBody), waits(2000)}, hungUp(2)),
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
