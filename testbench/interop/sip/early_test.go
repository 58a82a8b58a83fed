//go:build peers

package sip

import (
	"strings"
	"testing"
)

// TestOffersBeforeTheAnswer has SIPp on both sides offer in a reliable provisional
// answer, in PRACK and by UPDATE, before the call is answered.
func TestOffersBeforeTheAnswer(t *testing.T) {
	const withUpdate = "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"
	prack := func(body string) string {
		return asks(`retrans="500"`, "PRACK", 2, body, "RAck: [$rseq] 1 INVITE")
	}
	early := []string{dials(supported, withUpdate), gets("100", "optional"), gets("183", "Content-Type: sdp", "RSeq=$rseq")}
	agreed := steps(early, []string{prack(noBody), gets("200", "CSeq: PRACK")})
	isPracked := []string{
		isCalled("Supported: 100rel"), answers(`retrans="500"`, 183, "x", described(ours), reliable, "RSeq: 17", withUpdate),
		gets("PRACK", "RAck: 17 1 INVITE"), replies(200, noBody),
	}
	isUpdated := []string{gets("UPDATE", "Content-Type: sdp", "To: tag=.*x"), replies(200, described(ours), withUpdate), waits(200)}
	hungUp := func(cseq int) []string { return hangsUp(gets("200", "CSeq: INVITE"), cseq) }
	ends := isHungUp(answers(`retrans="500"`, 200, "x", noBody))
	offerless := strings.Replace(dials(supported, withUpdate), described(ours), noBody, 1)
	cases := []exchange{
		{
			name: "UPDATE by the caller",
			caller: steps(agreed, []string{
				asks(`retrans="500"`, "UPDATE", 3, described(elsewhere)), gets("200", "CSeq: UPDATE", "Content-Type: sdp"),
			}, hungUp(4)),
			callee: steps(isPracked, isUpdated, ends),
		},
		{
			name:   "UPDATE by the called side",
			caller: steps(agreed, []string{gets("UPDATE", "Content-Type: sdp"), replies(200, described(ours), withUpdate)}, hungUp(3)),
			callee: steps(isPracked, []string{
				waits(1500), requests(`retrans="500"`, "UPDATE", 1, "x", described(elsewhere), withUpdate), gets("200", "CSeq: 1 UPDATE", "Content-Type: sdp"), waits(100),
			}, isHungUp(strings.Replace(answers(`retrans="500"`, 200, "x", noBody), "[last_From:]", "From: [$from]", 1))), // the last one was its own
		},
		{
			name:   "an offer in the PRACK",
			caller: steps(early, []string{prack(described(elsewhere)), gets("200", "CSeq: PRACK", "Content-Type: sdp")}, hungUp(3)),
			callee: steps(isPracked, isUpdated, ends),
		},
		{
			name: "an INVITE without an offer",
			caller: steps([]string{
				offerless, gets("100", "optional"), gets("183", "Content-Type: sdp", "RSeq=$rseq"), prack(described(ours)), gets("200", "CSeq: PRACK"),
			}, hungUp(3)),
			callee: steps([]string{
				isCalled("Supported: 100rel"), answers(`retrans="500"`, 183, "x", described(ours), reliable, "RSeq: 17"),
				gets("PRACK", "RAck: 17 1 INVITE", "Content-Type: sdp"), replies(200, noBody),
			}, ends),
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.why = "caller"
			c.run(t)
		})
	}
}
