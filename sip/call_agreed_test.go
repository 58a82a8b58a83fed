package sip

import (
	"strings"
	"testing"
)

// agreeing are a caller and a called side with 100rel and UPDATE, and more codecs.
func agreeing(b *bench) {
	b.headers, b.allow = "Supported: 100rel\r\n", "Allow: INVITE, PRACK, UPDATE\r\n"
	b.offer = strings.Replace(b.offer, "RTP/AVP 8 101", "RTP/AVP 8 0 101", 1)
}

// TestChangesBeforeTheAnswer has either side change what both have agreed on reliably,
// in an early dialog. RFC 3262 §5, RFC 3311 §5.
func TestChangesBeforeTheAnswer(t *testing.T) {
	const (
		early    = "B0 PRACK, report B0 ok, remote B, ring, A 183+sdp"
		answered = "B0 ACK, answered, A 200"
		byA      = "remote B, remote A, A 200+sdp"
		byB      = "remote A, remote B, B0 200+sdp"
	)
	type steps = [][2]string
	begun := steps{{"A INVITE", dialled}, {"B0 183+sdp rseq-1", early}}
	agreed := append(append(steps{}, begun...), steps{{"B0 200 PRACK", ""}, {"A PRACK rack", "A 200"}}...)
	after := func(before steps, more ...[2]string) steps { return append(append(steps{}, before...), more...) }
	without := func(allow string) func(*bench) { return func(b *bench) { agreeing(b); b.allow = allow } }
	cases := []struct {
		name  string
		setUp func(*bench)
		steps steps
	}{
		{"UPDATE by the caller", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"}, [2]string{"A UPDATE #60 +hold", ""},
			[2]string{"B0 200+held re", byA}, [2]string{"A UPDATE #60 +hold", "A 200+sdp"},
			[2]string{"B0 200", answered}, [2]string{"A ACK", ""},
			[2]string{"A BYE #61", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"})},
		{"UPDATE by the called side", agreeing, after(agreed,
			[2]string{"B0 UPDATE #20 +moved", "A UPDATE+sdp"}, [2]string{"B0 UPDATE #20 +moved", ""},
			[2]string{"A 200+sdp re", byB}, [2]string{"B0 UPDATE #20 +moved", "B0 200+sdp"},
			[2]string{"B0 200", answered}, [2]string{"A ACK", ""})},
		{"both in turn", agreeing, after(agreed,
			[2]string{"B0 UPDATE #20 +hold", "A UPDATE+sdp"}, [2]string{"A 200+held re", byB},
			[2]string{"A UPDATE #60 +sdp", "B0 UPDATE+sdp"}, [2]string{"B0 200+sdp re", byA},
			[2]string{"B0 180", "A 180"}, [2]string{"A PRACK #62 rack", "A 200"}, [2]string{"B0 200", answered})},
		{"an offer in the PRACK", agreeing, after(begun,
			[2]string{"B0 200 PRACK", ""}, [2]string{"A PRACK rack with-new-offer", "B0 UPDATE+sdp"}, [2]string{"A PRACK rack with-new-offer", ""},
			[2]string{"B0 200+sdp re", byA}, [2]string{"A PRACK rack with-new-offer", "A 200+sdp"}, [2]string{"B0 200", answered})},
		{"an offer in a later PRACK", agreeing, after(agreed,
			[2]string{"B0 180", "A 180"}, [2]string{"A PRACK rack next +hold", "B0 UPDATE+sdp"}, [2]string{"B0 200+held re", byA})},
		{"an offer in the PRACK waits for the end of ours", agreeing, after(begun,
			[2]string{"A PRACK rack with-new-offer", ""}, [2]string{"B0 200 PRACK", "B0 UPDATE+sdp"}, [2]string{"B0 200+sdp re", byA})},
		{"or for the answer", agreeing, after(begun,
			[2]string{"A PRACK rack with-new-offer", ""}, [2]string{"B0 200", "B0 ACK, B0 UPDATE+sdp"}, [2]string{"B0 200+sdp re", byA + ", answered, A 200"})},
		{"an offer in the PRACK is refused", agreeing, after(begun,
			[2]string{"B0 200 PRACK", ""}, [2]string{"A PRACK rack with-new-offer", "B0 UPDATE+sdp"}, [2]string{"B0 488 re", "A 488"},
			[2]string{"30s", ""}, [2]string{"B0 200", answered})},
		{"an offer in the PRACK to a side without UPDATE", without("Allow: INVITE, PRACK\r\n"), after(begun,
			[2]string{"B0 200 PRACK", ""}, [2]string{"A PRACK rack with-new-offer", "A 488"}, [2]string{"B0 200", answered})},
		{"a forbidden offer in the PRACK", agreeing, after(begun, [2]string{"A PRACK rack +bad", "A 488"})},
		{"UPDATE to a side without it", without("Allow: INVITE, PRACK\r\n"), after(agreed,
			[2]string{"A UPDATE #60 +hold", "A 491"}, [2]string{"B0 UPDATE #20 +hold", "B0 491"})},
		{"before the PRACK of the answer", agreeing, after(begun,
			[2]string{"A UPDATE #60 +hold", "A 500"}, [2]string{"B0 UPDATE #20 +hold", "B0 491"})},
		{"the called side's answer was not reliable", agreeing, steps{
			{"A INVITE", dialled},
			{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"},
			{"A PRACK rack", "A 200"},
			{"A UPDATE #60 +hold", "A 491"},
			{"B0 UPDATE #20 +hold", "B0 491"},
		}},
		{"the caller's answer was not reliable", func(b *bench) { agreeing(b); b.headers = "" }, after(begun,
			[2]string{"B0 200 PRACK", ""}, [2]string{"A UPDATE #60 +hold", "A 500"}, [2]string{"B0 UPDATE #20 +hold", "B0 491"}, [2]string{"B0 200", answered + "+sdp"})},
		{"glare", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"}, [2]string{"B0 UPDATE #20 +hold", "B0 491"}, [2]string{"B0 491 re", "A 491"})},
		{"one while one is open", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"}, [2]string{"A UPDATE #61 +sdp", "A 500"})},
		{"UPDATE while a PRACK is answered", agreeing, after(begun,
			[2]string{"B0 200 PRACK", ""}, [2]string{"A PRACK rack with-new-offer", "B0 UPDATE+sdp"}, [2]string{"A UPDATE #61 +sdp", "A 500"})},
		{"re-INVITE", agreeing, after(agreed, [2]string{"A INVITE #60 +hold", "A 500"}, [2]string{"B0 INVITE #20 +hold", "B0 491"})},
		{"the same again is answered by us", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +newer", "A 200+sdp"}, [2]string{"B0 UPDATE #20 +newer", "B0 200+sdp"})},
		{"a forbidden one", agreeing, after(agreed, [2]string{"A UPDATE #60 +bad", "A 488"}, [2]string{"B0 UPDATE #20 +junk", "B0 400"})},
		{"the other side refuses", agreeing, after(agreed,
			[2]string{"B0 UPDATE #20 +hold", "A UPDATE+sdp"}, [2]string{"A 488 re", "B0 488"}, [2]string{"B0 200", answered})},
		{"its dialog is gone: the INVITE decides", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"}, [2]string{"B0 481 re", "A 500"},
			[2]string{"B0 480", "B0 ACK, attempt B0 refused 480, A 480, over refused 480"})},
		{"it answers what we don't relay", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"},
			[2]string{"B0 200+bad re", "A 488, A 488, attempt B0 cancelled 0, B0 CANCEL, over bad_answer 488"})},
		{"the answer waits for the change", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"}, [2]string{"B0 200", "B0 ACK"}, [2]string{"B0 200+held re", byA + ", answered, A 200"}, [2]string{"A ACK", ""})},
		{"the answer waits for the caller", agreeing, after(agreed,
			[2]string{"B0 UPDATE #20 +hold", "A UPDATE+sdp"}, [2]string{"B0 200", "B0 ACK"}, [2]string{"A 488 re", "B0 488, answered, A 200"})},
		{"refused with a change under way", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"},
			[2]string{"B0 486", "B0 ACK, attempt B0 refused 486, A 486, A 487, over refused 486"}, [2]string{"A ACK", ""}, [2]string{"5s", ""})},
		{"cancelled with a change under way", agreeing, after(agreed,
			[2]string{"B0 UPDATE #20 +hold", "A UPDATE+sdp"},
			[2]string{"A CANCEL", "A 200, A 487, B0 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"}, [2]string{"A ACK", ""}, [2]string{"B0 487", "B0 ACK"})},
		{"another device answers", agreeing, after(agreed,
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"},
			[2]string{"B0 200+codec tag-2", "A 500, B0 ACK, remote B, answered, A 200"}, [2]string{"A ACK", "A UPDATE+sdp"}, [2]string{"A 200+sdp re", ""})},
		{"another device asks", agreeing, after(agreed,
			[2]string{"B0 UPDATE #900 +hold wrong-from-tag", "B0 491"}, [2]string{"B0 UPDATE #900 wrong-from-tag", "B0 200"},
			[2]string{"B0 UPDATE #20 +hold", "A UPDATE+sdp"})},
		{"nobody decides in time", agreeing, after(agreed,
			[2]string{"B0 UPDATE #20 +moved", "A UPDATE+sdp"}, [2]string{"B0 100", ""}, [2]string{"20s", "B0 504"},
			[2]string{"A 200+sdp re", "A UPDATE+sdp"}, [2]string{"A 200+sdp re", ""}, [2]string{"B0 200", answered})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { script(t, c.setUp, c.steps...) })
	}
}

// TestChangeBeforeTheAnswerInOurWords looks at what goes out, in the early dialog.
func TestChangeBeforeTheAnswerInOurWords(t *testing.T) {
	b := script(t, agreeing, [][2]string{
		{"A INVITE", dialled},
		{"B0 183+sdp rseq-1", "B0 PRACK, report B0 ok, remote B, ring, A 183+sdp"},
		{"B0 200 PRACK", ""},
		{"A PRACK rack", "A 200"},
		{"A UPDATE #60 +hold", "B0 UPDATE+sdp"},
	}...)
	update := b.last["B0"]
	for _, want := range []string{
		"UPDATE sip:198.51.100.1:5070 SIP/2.0\r\n", ";tag=bB0\r\n", "\r\nCSeq: 3 UPDATE\r\n", "\r\nContact: <sip:203.0.113.1:5060>\r\n",
		"c=IN IP4 203.0.113.1\r\n", "m=audio 20002 RTP/AVP 8 0 101\r\n", "a=sendonly\r\n",
	} {
		if !strings.Contains(update, want) {
			t.Errorf("no %q in\n%s", want, update)
		}
	}
	if version(update) != "2" || strings.Contains(update, "Session-Expires") {
		t.Errorf("version %s:\n%s", version(update), update)
	}
	b.step("B0 200+sdp re") // though the caller only sends
	answer := b.last["A"]
	for _, want := range []string{"c=IN IP4 203.0.113.1\r\n", "m=audio 20000 RTP/AVP 8 101\r\n", "a=recvonly\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
}

// TestOfferBeforeTheAnswer has an INVITE without an offer get it in a reliable
// provisional answer; the caller's answer is in its PRACK. RFC 3262 §5.
func TestOfferBeforeTheAnswer(t *testing.T) {
	const offered = "report B0 ok, remote B, ring, A 183+sdp"
	type steps = [][2]string
	offerless := func(b *bench) { agreeing(b); b.delayed = true }
	dial := [2]string{"A INVITE", "A 100, route, allocate, begin, B0 INVITE"}
	passed := steps{dial, {"B0 183+sdp rseq-1", offered}}
	agreed := append(append(steps{}, passed...), [2]string{"A PRACK rack +sdp", "A 200, remote A, B0 PRACK+sdp"})
	after := func(before steps, more ...[2]string) steps { return append(append(steps{}, before...), more...) }
	cases := []struct {
		name  string
		setUp func(*bench)
		steps steps
	}{
		{"end to end", offerless, after(agreed,
			[2]string{"500ms", "B0 PRACK+sdp"}, [2]string{"B0 200 PRACK", ""},
			[2]string{"B0 180", "A 180"}, [2]string{"A PRACK rack next", "A 200"},
			[2]string{"B0 200", "B0 ACK, answered, A 200"}, [2]string{"B0 200", "B0 ACK"}, [2]string{"A ACK", ""},
			[2]string{"A INVITE #60 +hold", "A 100, B0 INVITE+sdp"}, [2]string{"B0 200+held re", "B0 ACK, remote B, remote A, A 200+sdp"})},
		{"what the 2xx adds does not count", offerless, after(agreed,
			[2]string{"B0 200 PRACK", ""}, [2]string{"B0 200+moved", "B0 ACK, answered, A 200"}, [2]string{"A ACK +sdp", ""})},
		{"the offer repeated goes on once", offerless, after(passed,
			[2]string{"B0 183+sdp rseq-1", ""}, [2]string{"500ms", "A 183+sdp"}, [2]string{"A PRACK rack +sdp", "A 200, remote A, B0 PRACK+sdp"}, [2]string{"B0 183+sdp rseq-1", ""})},
		{"ringing before it", offerless, steps{
			dial, {"B0 180", "report B0 ok, ring, A 180"}, {"B0 183+sdp rseq-1", "remote B, A 183+sdp"}, {"A PRACK rack +sdp", "A 200, remote A, B0 PRACK+sdp"},
		}},
		{"reliable ringing before it", offerless, steps{
			dial, {"B0 180 rseq-1", "B0 PRACK, report B0 ok, ring, A 180"}, {"B0 200 PRACK", ""}, {"20s", ""}, {"B0 183+sdp rseq-2", "remote B, A 183+sdp"},
		}},
		{"what comes meanwhile waits", offerless, after(passed,
			[2]string{"B0 180", ""}, [2]string{"A PRACK rack +sdp", "A 200, remote A, B0 PRACK+sdp, A 180"})},
		{"then changed by UPDATE", offerless, after(agreed,
			[2]string{"B0 200 PRACK", ""},
			[2]string{"A UPDATE #60 +hold", "B0 UPDATE+sdp"}, [2]string{"B0 200+held re", "remote B, remote A, A 200+sdp"},
			[2]string{"B0 UPDATE #20 +moved", "A UPDATE+sdp"}, [2]string{"A 200+sdp re", "remote A, remote B, B0 200+sdp"},
			[2]string{"B0 200", "B0 ACK, answered, A 200"})},
		{"changed before the PRACK", offerless, after(passed, [2]string{"A UPDATE #60 +hold", "A 491"}, [2]string{"B0 UPDATE #20 +hold", "B0 491"})},
		{"no answer in the PRACK", offerless, after(passed,
			[2]string{"A PRACK rack", "A 488, B0 PRACK+sdp, A 488, attempt B0 cancelled 0, B0 CANCEL, over bad_answer 488"})},
		{"a forbidden answer in the PRACK", offerless, after(passed,
			[2]string{"A PRACK rack +bad", "A 488, B0 PRACK+sdp, A 488, attempt B0 cancelled 0, B0 CANCEL, over bad_answer 488"})},
		{"a forbidden offer", offerless, steps{
			dial, {"B0 183+bad rseq-1", "B0 PRACK, report B0 ok, attempt B0 bad_answer 183, B0 CANCEL, A 488, over bad_answer 488"},
		}},
		{"no PRACK", offerless, after(passed, [2]string{"32s", "A 504, attempt B0 cancelled 0, B0 CANCEL, over no_prack 504"})},
		{"cancelled with the offer passed", offerless, after(passed,
			[2]string{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"}, [2]string{"A PRACK rack +sdp", "A 200"}, [2]string{"A ACK", ""}, [2]string{"B0 487", "B0 ACK"})},
		{"refused with the offer passed: no other candidate", offerless, after(passed,
			[2]string{"B0 503", "B0 ACK, attempt B0 refused 503, A 503, over refused 503"}, [2]string{"A PRACK rack +sdp", "A 200"})},
		{"it answers before our PRACK", offerless, after(passed,
			[2]string{"B0 200", "B0 ACK, B0 BYE, attempt B0 bad_answer 200, A 488, over bad_answer 488"})},
		{"a second device offers: no media for it", offerless, after(agreed,
			[2]string{"B0 200 PRACK", ""}, [2]string{"B0 183+sdp rseq-9 tag-2", "B0 PRACK+sdp"}, [2]string{"B0 200 PRACK", ""}, [2]string{"B0 200", "B0 ACK, answered, A 200"})},
		{"a second device answers", offerless, after(agreed,
			[2]string{"B0 200+sdp tag-2", "B0 ACK+sdp, B0 BYE, attempt B0 bad_answer 200, A 488, over bad_answer 488"})},
		{"a trunk that only rings", func(b *bench) { offerless(b); b.trunks[0].EarlyMedia = EarlyMediaRing }, steps{
			dial, {"B0 183+sdp rseq-1", "report B0 ok, ring, A 183"}, {"B0 200+sdp", "remote B, answered, A 200+sdp"},
		}},
		{"a caller without 100rel", func(b *bench) { offerless(b); b.headers = "" }, steps{
			dial, {"B0 183+sdp rseq-1", "report B0 ok, ring, A 183"}, {"B0 200+sdp", "remote B, answered, A 200+sdp"}, {"A ACK +sdp", "remote A, B0 ACK+sdp"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { script(t, c.setUp, c.steps...) })
	}
}

// TestOfferBeforeTheAnswerIsAskedFor has the caller's side decide whether the called
// side may offer reliably.
func TestOfferBeforeTheAnswerIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		name, headers, early string
		asked                bool
	}{
		{"both sides can", "Supported: 100rel\r\n", EarlyMediaPass, true},
		{"the caller requires it", "Require: 100rel\r\n", EarlyMediaPass, true},
		{"the caller cannot", "", EarlyMediaPass, false},
		{"the trunk only rings", "Supported: 100rel\r\n", EarlyMediaRing, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.delayed, b.headers, b.trunks[0].EarlyMedia = true, c.headers, c.early
			b.step("A INVITE")
			if asked := strings.Contains(b.opened["B0"], "100rel"); asked != c.asked {
				t.Error(b.opened["B0"])
			}
		})
	}
}
