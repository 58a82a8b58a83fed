package sip

import (
	"strings"
	"testing"
)

// TestOffers is what a call does with offers in an established dialog. "A INVITE
// #20 +hold" is a re-INVITE with CSeq 20 and a description by that name, "B0
// 200+held re" an answer to the last request inside the dialog.
func TestOffers(t *testing.T) {
	const (
		relayed = "B0 ACK, remote B, remote A, A 200+sdp"
		back    = "A ACK, remote A, remote B, B0 200+sdp"
		end     = "attempt B0 answered 200, over "
	)
	type step struct{ in, out string }
	up := []step{
		{"A INVITE", "A 100, route, allocate, remote A, begin, B0 INVITE"},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
	}
	asked := append(append([]step{}, up...), step{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"})
	after := func(before []step, more ...step) []step { return append(append([]step{}, before...), more...) }
	cases := []struct {
		name  string
		allow string
		steps []step
	}{
		{"hold and resume by the caller", "", after(asked,
			step{"B0 200+held re", relayed}, step{"A ACK #20", ""},
			step{"A INVITE #21 +sdp", "A 100, B0 INVITE+sdp"}, step{"B0 200+sdp re", relayed}, step{"A ACK #21", ""}, step{"10s", ""})},
		{"hold by the called side", "", after(up,
			step{"B0 INVITE #20 +hold", "B0 100, A INVITE+sdp"}, step{"A 100 re", ""}, step{"A 200+held re", back}, step{"B0 ACK #20", ""}, step{"10s", ""})},
		{"hold in the old form", "", after(up, step{"A INVITE #20 +zero", "A 100, B0 INVITE+sdp"}, step{"B0 200+held re", relayed})},
		{"the same hold again is a refresh", "", after(asked,
			step{"B0 200+held re", relayed}, step{"A ACK #20", ""}, step{"A INVITE #21 +hold", "A 200+sdp"})},
		{"another codec", "", after(up, step{"A INVITE #20 +codec", "A 100, B0 INVITE+sdp"}, step{"B0 200+codec re", strings.Replace(relayed, "remote A, ", "remote A, answered, ", 1)})},
		{"another address", "", after(up, step{"A INVITE #20 +moved", "A 100, B0 INVITE+sdp"}, step{"B0 200+sdp re", relayed})},
		{"an address of another IP version", "", after(up, step{"A INVITE #20 +ipv6", "A 488"})},
		{"repeated while it is passed on", "", after(asked, step{"A INVITE #20 +hold", "A 100"})},
		{"repeated requests and answers", "", after(asked,
			step{"500ms", "B0 INVITE+sdp"}, step{"B0 100 re", ""}, step{"10s", ""},
			step{"B0 200+held re", relayed}, step{"B0 200+held re", "B0 ACK"},
			step{"500ms", "A 200+sdp"}, step{"A ACK #20", ""}, step{"A ACK #20", ""})},
		{"no ACK", "", after(asked, step{"B0 200+held re", relayed}, step{"32s", "B0 BYE, A BYE, " + end + "no_ack 200"})},

		{"refused", "", after(asked, step{"B0 488 re", "B0 ACK, A 488"}, step{"B0 488 re", "B0 ACK"}, step{"A ACK #20", ""},
			step{"A INVITE #21 +sdp", "A 200+sdp"})},
		{"refused by a code about our request", "", after(asked, step{"B0 400 re", "B0 ACK, A 500"})},
		{"refused by a code that would end the dialog", "", after(asked, step{"B0 404 re", "B0 ACK, A 500"})},
		{"redirected", "", after(asked, step{"B0 302 re", "B0 ACK, A 500"})},
		{"declined", "", after(asked, step{"B0 603 re", "B0 ACK, A 603"})},
		{"408 does not end the asker's dialog", "", after(asked, step{"B0 408 re", "B0 ACK, A 504"})},
		{"481 ends the call", "", after(asked, step{"B0 481 re", "B0 ACK, A 481, B0 BYE, A BYE, " + end + "dialog_lost 200"})},
		{"answer with a forbidden address", "", after(asked, step{"B0 200+bad re", "B0 ACK, A 488, B0 BYE, A BYE, " + end + "bad_answer 200"})},
		{"answer without a description", "", after(asked, step{"B0 200 re", "B0 ACK, A 488, B0 BYE, A BYE, " + end + "bad_answer 200"})},

		{"glare: the other side asks meanwhile", "", after(asked, step{"B0 INVITE #20 +hold", "B0 491"}, step{"B0 491 re", "B0 ACK, A 491"})},
		{"a second one while the first is open", "", after(asked, step{"A INVITE #21 +sdp", "A 500"}, step{"B0 200+held re", relayed})},
		{"the other side asks before the ACK", "", after(asked, step{"B0 200+held re", relayed}, step{"B0 INVITE #20 +hold", "B0 491"}, step{"B0 ACK #20", ""}, step{"A ACK #20", ""},
			step{"B0 INVITE #21 +hold", "B0 100, A INVITE+sdp"})},
		{"before the first ACK", "", after(up[:2], step{"B0 INVITE #20 +hold", "B0 491"})},
		{"refresh while the other side asks", "", after(asked, step{"B0 INVITE #20 +sdp", "B0 491"})},

		{"cancelled", "", after(asked, step{"B0 100 re", ""}, step{"A CANCEL #20", "A 200, B0 CANCEL"}, step{"B0 487 re", "B0 ACK, A 487"}, step{"A ACK #20", ""})},
		{"cancelled before a provisional answer", "", after(asked, step{"A CANCEL #20", "A 200"}, step{"B0 100 re", "B0 CANCEL"}, step{"B0 487 re", "B0 ACK, A 487"})},
		{"CANCEL crosses the answer", "", after(asked, step{"B0 100 re", ""}, step{"A CANCEL #20", "A 200, B0 CANCEL"}, step{"B0 200+held re", relayed}, step{"A ACK #20", ""})},
		{"CANCEL of nothing", "", after(up, step{"A CANCEL #20", "A 481"})},
		{"CANCEL of one that was answered", "", after(asked, step{"B0 200+held re", relayed}, step{"A CANCEL #20", "A 200"}, step{"A ACK #20", ""})},

		{"the asker hangs up meanwhile", "", after(asked,
			step{"A BYE", "A 200, A 487, B0 BYE, " + end + "caller 200"}, step{"B0 487 re", "B0 ACK"}, step{"A ACK #20", ""}, step{"32s", "gone"})},
		{"the other side hangs up meanwhile", "", after(asked,
			step{"B0 BYE #20", "B0 200, A 487, A BYE, " + end + "callee 200"}, step{"A ACK #20", ""}, step{"B0 487 re", "B0 ACK"})},
		{"the other side agrees after the end", "", after(asked,
			step{"A BYE", "A 200, A 487, B0 BYE, " + end + "caller 200"}, step{"B0 200+held re", "B0 ACK"})},

		{"without an offer", "", after(up, step{"A INVITE #20", "A 100, B0 INVITE"}, step{"B0 200+sdp re", "A 200+sdp"}, step{"B0 200+sdp re", ""},
			step{"A ACK #20 +moved", "remote A, remote B, B0 ACK+sdp"}, step{"B0 200+sdp re", "B0 ACK+sdp"}, step{"10s", ""})},
		{"without an offer, by the called side", "", after(up, step{"B0 INVITE #20", "B0 100, A INVITE"}, step{"A 200+sdp re", "B0 200+sdp"},
			step{"B0 ACK #20 +sdp", "remote B, remote A, A ACK+sdp"})},
		{"without an offer, refused", "", after(up, step{"A INVITE #20", "A 100, B0 INVITE"}, step{"B0 488 re", "B0 ACK, A 488"}, step{"A ACK #20", ""})},
		{"without an offer, none comes", "", after(up, step{"A INVITE #20", "A 100, B0 INVITE"}, step{"B0 200 re", "A 488, B0 ACK, B0 BYE, A BYE, " + end + "bad_answer 200"})},
		{"without an offer, no answer in the ACK", "", after(up, step{"A INVITE #20", "A 100, B0 INVITE"}, step{"B0 200+sdp re", "A 200+sdp"},
			step{"A ACK #20", "B0 ACK+sdp, B0 BYE, A BYE, " + end + "bad_answer 200"})},
		{"without an offer, no ACK", "", after(up, step{"A INVITE #20", "A 100, B0 INVITE"}, step{"B0 200+sdp re", "A 200+sdp"},
			step{"32s", "B0 ACK+sdp, B0 BYE, A BYE, " + end + "no_ack 200"})},
		{"without an offer, hung up before the ACK", "", after(up, step{"A INVITE #20", "A 100, B0 INVITE"}, step{"B0 200+sdp re", "A 200+sdp"},
			step{"B0 BYE #20", "B0 200, B0 ACK+sdp, A BYE, " + end + "callee 200"})},

		{"UPDATE without a description", "", after(up, step{"A UPDATE #20", "A 200"}, step{"A UPDATE #20", "A 200"}, step{"A UPDATE #19", "A 500"})},
		{"UPDATE that changes nothing", "", after(up, step{"A UPDATE #20 +newer", "A 200+sdp"}, step{"A UPDATE #20 +newer", "A 200+sdp"})},
		{"UPDATE to a side without it", "", after(up, step{"A UPDATE #20 +hold", "B0 INVITE+sdp"}, step{"A UPDATE #20 +hold", ""},
			step{"B0 200+held re", relayed}, step{"A UPDATE #20 +hold", "A 200+sdp"})},
		{"UPDATE to a side with it", "Allow: INVITE, UPDATE\r\n", after(up, step{"A UPDATE #20 +hold", "B0 UPDATE+sdp"}, step{"B0 200+held re", "remote B, remote A, A 200+sdp"},
			step{"B0 200+held re", ""})},
		{"UPDATE by the called side", "Allow: INVITE, UPDATE\r\n", after(up, step{"B0 UPDATE #20 +hold", "A UPDATE+sdp"}, step{"A 200+held re", "remote A, remote B, B0 200+sdp"})},
		{"UPDATE refused", "Allow: UPDATE\r\n", after(up, step{"A UPDATE #20 +hold", "B0 UPDATE+sdp"}, step{"B0 488 re", "A 488"})},
		{"UPDATE in glare", "Allow: UPDATE\r\n", after(up, step{"A UPDATE #20 +hold", "B0 UPDATE+sdp"}, step{"B0 UPDATE #20 +hold", "B0 491"}, step{"B0 491 re", "A 491"})},
		{"UPDATE while one is open", "Allow: UPDATE\r\n", after(up, step{"A UPDATE #20 +hold", "B0 UPDATE+sdp"}, step{"A UPDATE #21 +sdp", "A 500"}, step{"A INVITE #22 +sdp", "A 500"}, step{"A UPDATE #23", "A 500"})},
		{"UPDATE with a description that is none", "", after(up, step{"A UPDATE #20 +junk", "A 400"})},
		{"UPDATE after the end", "", after(up, step{"A BYE", "A 200, B0 BYE, " + end + "caller 200"}, step{"A UPDATE #60", "A 481"})},
		{"UPDATE before the answer", "", after(up[:1], step{"B0 180", "report B0 ok, ring, A 180"}, step{"A UPDATE #20", "A 200"}, step{"A UPDATE #21 +hold", "A 500"}, step{"B0 UPDATE #20 +hold", "B0 491"})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.allow = c.allow
			for i, s := range c.steps {
				if got := b.step(s.in); got != s.out {
					t.Fatalf("step %d, %s:\n got %s\nwant %s", i, s.in, got, s.out)
				}
			}
		})
	}
}

// TestOfferThatTimesOut has the other side silent, and agree when nobody waits for
// it any more: it is offered again what was agreed.
func TestOfferThatTimesOut(t *testing.T) {
	b := newBench(t)
	for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK", "A INVITE #20 +hold"} {
		b.step(in)
	}
	if got := b.step("32s"); !strings.HasSuffix(got, "A 504") {
		t.Fatal(got)
	}
	b.step("A ACK #20")
	if got := b.step("B0 200+held re"); got != "B0 ACK, remote B, B0 INVITE+sdp" {
		t.Fatal(got)
	}
	if offer := b.last["B0"]; strings.Contains(offer, "sendonly") || version(offer) != "3" {
		t.Fatalf("not what was agreed, as a new version:\n%s", offer)
	}
	if got := b.step("B0 491 re"); got != "B0 ACK" {
		t.Fatal(got)
	}
	if got := b.step("2099ms"); got != "" {
		t.Fatalf("too early after the glare: %s", got)
	}
	if got := b.step("1901ms"); !strings.HasPrefix(got, "B0 INVITE+sdp") {
		t.Fatalf("not again after the glare: %s", got)
	}
	if got := b.step("B0 200+sdp re"); got != "B0 ACK, remote B" {
		t.Fatal(got)
	}
}

func version(text string) string {
	_, rest, _ := strings.Cut(text, "\r\no=- ")
	return strings.Fields(rest)[1]
}

// TestOfferInOurWords has what goes to the other side hold the change and nothing
// of its sender, with our own address and port as before.
func TestOfferInOurWords(t *testing.T) {
	b := newBench(t)
	for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK", "A INVITE #20 +hold"} {
		b.step(in)
	}
	offer := b.last["B0"]
	for _, want := range []string{"a=sendonly\r\n", "c=IN IP4 203.0.113.1\r\n", "m=audio 20002 RTP/AVP 8 101\r\n", "\r\nCSeq: 2 INVITE\r\n", "\r\nContact: <sip:203.0.113.1:5060>\r\n"} {
		if !strings.Contains(offer, want) {
			t.Errorf("no %q in\n%s", want, offer)
		}
	}
	if version(offer) != "2" || version(b.opened["B0"]) != "1" {
		t.Errorf("version %s after %s", version(offer), version(b.opened["B0"]))
	}
	b.step("B0 200+held re")
	answer := b.last["A"]
	for _, want := range []string{"a=recvonly\r\n", "m=audio 20000 RTP/AVP 8 101\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
	if version(answer) != "2" {
		t.Errorf("the answer has version %s", version(answer))
	}
}

// TestLinesStay has a side that offered two streams be asked later: our offer has
// both lines. RFC 3264 §8.
func TestLinesStay(t *testing.T) {
	b := newBench(t)
	for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK", "B0 INVITE #20 +two"} {
		b.step(in)
	}
	if strings.Contains(b.last["A"], "m=video") {
		t.Errorf("the video went on:\n%s", b.last["A"])
	}
	for _, in := range []string{"A 200+codec re", "B0 ACK #20"} {
		b.step(in)
	}
	if got := b.step("A INVITE #20 +hold"); got != "A 500" && got != "A 100, B0 INVITE+sdp" {
		t.Fatal(got)
	}
	_, lines, _ := strings.Cut(b.last["B0"], "t=0 0\r\n")
	if !strings.HasPrefix(lines, "m=video 0 RTP/AVP 0\r\nm=audio 20002 ") {
		t.Errorf("the lines changed:\n%s", b.last["B0"])
	}
}

// TestGlareTimes has our own request wait as RFC 3261 §14.1 wants it.
func TestGlareTimes(t *testing.T) {
	b := newBench(t)
	for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK"} {
		b.step(in)
	}
	seen := map[int64]bool{}
	for range 500 {
		b.call.a.ask.seq = b.call.a.nextSeq()
		b.call.b[0].ask.seq = b.call.b[0].nextSeq()
		a, callee := b.call.glare(&b.call.a.leg).Milliseconds(), b.call.glare(&b.call.b[0].leg).Milliseconds()
		if a < 0 || a >= 2000 || a%10 != 0 || callee < 2100 || callee > 4000 || callee%10 != 0 {
			t.Fatalf("%d and %d ms", a, callee)
		}
		seen[a], seen[callee] = true, true
	}
	if len(seen) < 100 {
		t.Errorf("%d different ones", len(seen))
	}
}

// TestRestoredAfterAGlare has a side refuse to be told again what was agreed, since it
// wants a change of its own: what it gets then is what is agreed by then.
func TestRestoredAfterAGlare(t *testing.T) {
	b := script(t, nil, [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
		{"A INVITE #20 +moved", "A 100, B0 INVITE+sdp"},
		{"32s", "A 504"},
		{"A ACK #20", ""},
		{"B0 200+sdp re", "B0 ACK, B0 INVITE+sdp"},
		{"B0 491 re", "B0 ACK"},
		{"B0 INVITE #20 +hold", "B0 100, A INVITE+sdp"},
		{"A 200+held re", "A ACK, remote A, remote B, B0 200+sdp"},
	}...)
	agreed := b.last["B0"]
	b.step("B0 ACK #20")
	if got := b.step("4s"); !strings.HasPrefix(got, "B0 INVITE+sdp") {
		t.Fatal(got)
	}
	if !strings.Contains(b.last["B0"], "a=recvonly\r\n") || version(b.last["B0"]) != version(agreed) {
		t.Errorf("after\n%s\ncame\n%s", agreed, b.last["B0"])
	}
}

// TestRefreshAfterAGlare has the leg busy with a change when our refresh, which met a
// glare, is due again; the change comes to nothing.
func TestRefreshAfterAGlare(t *testing.T) {
	script(t, func(b *bench) { b.headers = "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n" }, [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
		{"45s", "A INVITE+sdp"},
		{"A 491 re", "A ACK"},
		{"B0 INVITE #20 +hold", "B0 100, A INVITE+sdp"},
		{"A 100 re", ""},
		{"5s", ""},
		{"A 488 re", "A ACK, B0 488"},
		{"B0 ACK #20", ""},
		{"500ms", "A INVITE+sdp"},
		{"A 200+sdp re", "A ACK"},
		{"44s", ""},
	}...)
}

// TestChangeThatIsNeverDecided has the other side work on a re-INVITE for ever.
func TestChangeThatIsNeverDecided(t *testing.T) {
	script(t, nil, [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
		{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"},
		{"B0 180 re", ""},
		{"32s", "B0 CANCEL, A 504"},
		{"A ACK #20", ""},
		{"B0 487 re", "B0 ACK"},
		{"B0 200 CANCEL", ""},
		{"A INVITE #21 +hold", "A 100, B0 INVITE+sdp"},
	}...)
}
