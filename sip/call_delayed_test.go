package sip

import (
	"strings"
	"testing"
)

// TestDelayedOffer has the caller's INVITE come without a description.
func TestDelayedOffer(t *testing.T) {
	const end = "attempt B0 answered 200, over "
	type step struct{ in, out string }
	calling := []step{{"A INVITE", "A 100, route, allocate, begin, B0 INVITE"}}
	after := func(before []step, more ...step) []step { return append(append([]step{}, before...), more...) }
	answered := after(calling, step{"B0 200+sdp", "report B0 ok, remote B, ring, answered, A 200+sdp"})
	cases := []struct {
		name  string
		steps []step
	}{
		{"answer in the ACK", after(answered, step{"B0 200+sdp", ""}, step{"A ACK +sdp", "remote A, B0 ACK+sdp"}, step{"B0 200+sdp", "B0 ACK+sdp"},
			step{"A BYE", "A 200, B0 BYE, " + end + "caller 200"})},
		{"then hold", after(answered, step{"A ACK +sdp", "remote A, B0 ACK+sdp"}, step{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"},
			step{"B0 200+held re", "B0 ACK, remote B, remote A, A 200+sdp"})},
		{"then the same from the caller: a refresh", after(answered, step{"A ACK +sdp", "remote A, B0 ACK+sdp"}, step{"A INVITE #20 +sdp", "A 200+sdp"})},
		{"early media is not an offer", after(calling, step{"B0 183+sdp", "report B0 ok, ring, A 183"}, step{"B0 200+sdp", "remote B, answered, A 200+sdp"})},
		{"failover", after(calling, step{"B0 503", "B0 ACK, report B0 bad, attempt B0 refused 503, begin, B1 INVITE"},
			step{"B1 200+sdp", "report B1 ok, remote B, ring, answered, A 200+sdp"}, step{"A ACK +sdp", "remote A, B1 ACK+sdp"})},
		{"no offer comes", after(calling, step{"B0 200", "report B0 ok, B0 ACK, B0 BYE, attempt B0 bad_answer 200, A 488, over bad_answer 488"})},
		{"a forbidden offer", after(calling, step{"B0 200+bad", "report B0 ok, B0 ACK, B0 BYE, attempt B0 bad_answer 200, A 488, over bad_answer 488"})},
		{"no answer in the ACK", after(answered, step{"A ACK", "B0 ACK+sdp, B0 BYE, A BYE, " + end + "bad_answer 200"})},
		{"a forbidden answer", after(answered, step{"A ACK +bad", "B0 ACK+sdp, B0 BYE, A BYE, " + end + "bad_answer 200"})},
		{"no ACK", after(answered, step{"32s", "B0 ACK+sdp, B0 BYE, A BYE, " + end + "no_ack 200"})},
		{"the caller hangs up before its ACK", after(answered, step{"A BYE", "A 200, B0 ACK+sdp, B0 BYE, " + end + "caller 200"})},
		{"the called side hangs up before the ACK", after(answered, step{"B0 BYE #20", "B0 200, B0 ACK+sdp, " + end + "callee 200"}, step{"A ACK +sdp", "A BYE"})},
		{"answered after CANCEL", after(calling, step{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, over cancelled 487"},
			step{"B0 200+sdp", "report B0 ok, B0 ACK+sdp, B0 BYE"})},
		{"a second device answers too", after(answered, step{"B0 200+sdp tag-2", "B0 ACK+sdp, B0 BYE"}, step{"B0 200+sdp tag-2", "B0 ACK+sdp"}, step{"A ACK +sdp", "remote A, B0 ACK+sdp"})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.delayed = true
			for i, s := range c.steps {
				if got := b.step(s.in); got != s.out {
					t.Fatalf("step %d, %s:\n got %s\nwant %s", i, s.in, got, s.out)
				}
			}
		})
	}
}

// TestDeclinedOffer has what nobody answers be acknowledged with a valid answer,
// and no media.
func TestDeclinedOffer(t *testing.T) {
	b := newBench(t)
	b.delayed = true
	var ack string
	for _, in := range []string{"A INVITE", "B0 200+sdp"} {
		b.step(in)
	}
	if strings.Contains(b.opened["B0"], "m=audio") {
		t.Fatalf("an offer that nobody made:\n%s", b.opened["B0"])
	}
	for _, a := range b.call.handle(b.event([]string{"A", "BYE"}), b.now) {
		if a, ok := a.(actSend); ok && a.method == "ACK" {
			ack = string(a.data)
		}
	}
	for _, want := range []string{"ACK sip:", "\r\nCSeq: 1 ACK\r\n", "m=audio 20002 RTP/AVP 8 101\r\n", "a=inactive\r\n"} {
		if !strings.Contains(ack, want) {
			t.Errorf("no %q in\n%s", want, ack)
		}
	}
}

// TestLateOffer has a side answer a re-INVITE without an offer when we have given it up
// and have asked for something else: its offer gets an answer without media.
func TestLateOffer(t *testing.T) {
	b := script(t, nil, [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
		{"A INVITE #20", "A 100, B0 INVITE"},
	}...)
	late := b.event(strings.Fields("B0 200+sdp re"))
	b.step("32s")
	b.step("A ACK #20")
	if got := b.step("A INVITE #21 +hold"); got != "A 100, B0 INVITE+sdp" {
		t.Fatal(got)
	}
	for range 2 {
		if got := strings.Join(b.handle(late), ", "); got != "B0 ACK+sdp" || !strings.Contains(b.last["B0"], "a=inactive\r\n") {
			t.Fatalf("%s\n%s", got, b.last["B0"])
		}
	}
	if got := b.step("B0 200+held re"); got != "B0 ACK, remote B, remote A, A 200+sdp" {
		t.Fatal(got)
	}
}
