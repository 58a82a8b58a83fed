package sip

import (
	"strings"
	"testing"
)

// script runs steps as TestCall has them: input, output.
func script(t *testing.T, setUp func(*bench), steps ...[2]string) *bench {
	t.Helper()
	b := newBench(t)
	if setUp != nil {
		setUp(b)
	}
	for i, s := range steps {
		if got := b.step(s[0]); got != s[1] {
			t.Fatalf("step %d, %s:\n got %s\nwant %s", i, s[0], got, s[1])
		}
	}
	return b
}

func supports100rel(b *bench) { b.headers = "Supported: 100rel\r\n" }

const dialled = "A 100, route, allocate, remote A, begin, B0 INVITE"

// TestReliableToTheCaller has provisional answers of ours acknowledged. RFC 3262.
func TestReliableToTheCaller(t *testing.T) {
	dial := [2]string{"A INVITE", dialled}
	ringing := [2]string{"B0 180", "report B0 ok, ring, A 180"}
	early := [2]string{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"}
	cases := []struct {
		name  string
		steps [][2]string
	}{
		{"acknowledged at once", [][2]string{
			dial, ringing,
			{"A PRACK rack", "A 200"},
			{"20s", ""},
			{"B0 200+sdp", "B0 ACK, remote B, answered, A 200+sdp"},
			{"A ACK", ""},
			{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"},
		}},
		{"repeated until then, without the bound of T2", [][2]string{
			dial, ringing,
			{"500ms", "A 180"},
			{"1s", "A 180"},
			{"2s", "A 180"},
			{"4s", "A 180"},
			{"4s", ""},
			{"4s", "A 180"},
			{"A PRACK rack", "A 200"},
			{"15s", ""},
		}},
		{"never acknowledged", [][2]string{
			dial, ringing, {"32s", "A 504, attempt B0 cancelled 0, B0 CANCEL, over no_prack 504"},
		}},
		{"the PRACK repeated is answered again", [][2]string{
			dial, ringing, {"A PRACK rack", "A 200"}, {"A PRACK rack", "A 200"},
		}},
		{"a second PRACK of the same finds nothing", [][2]string{
			dial, ringing, {"A PRACK rack", "A 200"}, {"A PRACK rack next", "A 481"},
		}},
		{"a PRACK of something else", [][2]string{
			dial, ringing, {"A PRACK h:RAck:_1_1_INVITE", "A 481"}, {"A PRACK h:RAck:_x", "A 481"}, {"A PRACK", "A 481"}, {"500ms", "A 180"},
		}},
		{"a PRACK with an old CSeq", [][2]string{dial, ringing, {"A PRACK rack old", "A 500"}}},
		{"a PRACK from the called side", [][2]string{dial, ringing, {"B0 PRACK rack", "B0 481"}}},
		{"a PRACK in a wrong dialog", [][2]string{dial, ringing, {"A PRACK rack wrong-from-tag", "A 481"}, {"A PRACK rack stranger", "A 481"}}},
		{"the second waits for the PRACK of the first", [][2]string{
			dial, ringing,
			{"B0 182", ""},
			{"B0 183+sdp", "remote B"},
			{"B0 181", ""},
			{"A PRACK rack", "A 200, A 181+sdp"},
			{"A PRACK rack next", "A 200"},
		}},
		{"the answer waits for the PRACK of a description, and has none itself", [][2]string{
			dial, early,
			{"B0 200+sdp", "B0 ACK"},
			{"500ms", "A 183+sdp"},
			{"A PRACK rack", "A 200, answered, A 200"},
			{"A ACK", ""},
			{"B0 BYE", "B0 200, A BYE, attempt B0 answered 200, over callee 200"},
		}},
		{"the answer does not wait for the PRACK of mere ringing", [][2]string{
			dial, ringing, {"B0 200+sdp", "B0 ACK, remote B, answered, A 200+sdp"}, {"A PRACK rack", "A 200"}, {"A ACK", ""}, {"10s", ""},
		}},
		{"what waits behind ringing is dropped by the answer", [][2]string{
			dial, ringing, {"B0 183+sdp", "remote B"}, {"B0 200+sdp", "B0 ACK, answered, A 200+sdp"}, {"A PRACK rack", "A 200"}, {"A ACK", ""},
		}},
		{"a refusal does not wait", [][2]string{
			dial, early,
			{"B0 486", "B0 ACK, attempt B0 refused 486, A 486, over refused 486"},
			{"A PRACK rack", "A 200"},
			{"A ACK", ""},
			{"40s", "gone"},
		}},
		{"cancelled with a PRACK pending", [][2]string{
			dial, early,
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
			{"A PRACK rack", "A 200"},
			{"A ACK", ""},
			{"500ms", "B0 CANCEL"},
		}},
		{"cancelled while the answer waits for the PRACK", [][2]string{
			dial, early,
			{"B0 200+sdp", "B0 ACK"},
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 BYE, over cancelled 487"},
			{"B0 200 BYE", ""},
			{"A PRACK rack", "A 200"},
			{"A ACK", ""},
		}},
		{"no PRACK while the answer waits for it", [][2]string{
			dial, early,
			{"B0 200+sdp", "B0 ACK"},
			{"32s", "A 504, attempt B0 cancelled 0, B0 BYE, over no_prack 504"},
		}},
		{"the called side hangs up while its answer waits", [][2]string{
			dial, early,
			{"B0 200+sdp", "B0 ACK"},
			{"B0 BYE", "B0 200, attempt B0 refused 480, A 480, over callee 480"},
		}},
		{"the caller hangs up while the answer waits", [][2]string{
			dial, early,
			{"B0 200+sdp", "B0 ACK"},
			{"A BYE", "A 200, A 487, attempt B0 cancelled 0, B0 BYE, over cancelled 487"},
		}},
		{"drained while the answer waits", [][2]string{
			dial, early,
			{"B0 200+sdp", "B0 ACK"},
			{"end drain", "A 503, attempt B0 cancelled 0, B0 BYE, over drain 503"},
		}},
		{"the same offer in the PRACK", [][2]string{dial, early, {"A PRACK rack with-offer", "A 200+sdp"}, {"A PRACK rack with-offer", "A 200+sdp"}}},
		{"a new offer in the PRACK is refused, and the PRACK counts", [][2]string{
			dial, early,
			{"A PRACK rack with-new-offer", "A 488"},
			{"30s", ""},
			{"B0 200", "B0 ACK, answered, A 200"},
		}},
		{"an offer before there is an answer", [][2]string{dial, ringing, {"A PRACK rack with-offer", "A 488"}}},
		{"candidates in turn: one count", [][2]string{
			dial, ringing,
			{"A PRACK rack", "A 200"},
			{"B0 503", "B0 ACK, attempt B0 refused 503, begin, B1 INVITE"},
			{"B1 183+sdp", "report B1 ok, remote B, A 183+sdp"},
			{"A PRACK rack next", "A 200"},
			{"B1 200+sdp", "B1 ACK, answered, A 200"},
		}},
		{"it rings for long", [][2]string{
			dial, ringing, {"A PRACK rack", "A 200"}, {"59s", ""},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { script(t, supports100rel, c.steps...) })
	}
}

func TestReliableCountsUp(t *testing.T) {
	b := script(t, supports100rel, [][2]string{
		{"A INVITE", dialled}, {"B0 180", "report B0 ok, ring, A 180"},
	}...)
	for _, want := range []string{"\r\nRequire: 100rel\r\n", "\r\nContact: <sip:203.0.113.1:5060>\r\n"} {
		if !strings.Contains(b.last["A"], want) {
			t.Errorf("no %q in\n%s", want, b.last["A"])
		}
	}
	first := number(t, b.rseq)
	b.step("A PRACK rack")
	b.step("B0 182")
	if got := number(t, b.rseq); got != first+1 {
		t.Errorf("RSeq %d after %d", got, first)
	}
	if first < 1 || first > mostReliable {
		t.Errorf("RSeq begins with %d", first)
	}
}

// TestReliableIsWhatBothSidesWant has the configuration meet what the caller says.
func TestReliableIsWhatBothSidesWant(t *testing.T) {
	cases := []struct {
		name, mode, headers string
		out                 string
	}{
		{"nobody asks", ReliableSupported, "", "plain"},
		{"supported", ReliableSupported, "k: timer, 100REL\r\n", "reliable"},
		{"required", ReliableSupported, "Require: 100rel\r\n", "reliable"},
		{"off", ReliableOff, "Supported: 100rel\r\n", "plain"},
		{"off and required", ReliableOff, "Require: 100rel\r\n", "Unsupported: 100rel"},
		{"we would require it", ReliableRequired, "", "plain"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.trunkA.Reliable, b.headers = c.mode, c.headers
			got := b.step("A INVITE")
			if c.out == "Unsupported: 100rel" {
				if got != "A 100, A 420, over extension 420" || !strings.Contains(b.last["A"], "\r\n"+c.out+"\r\n") {
					t.Fatalf("%s\n%s", got, b.last["A"])
				}
				return
			}
			b.step("B0 180")
			if is := strings.Contains(b.last["A"], "\r\nRSeq: "); is != (c.out == "reliable") {
				t.Error(b.last["A"])
			}
		})
	}
}

// TestReliableFromTheCalledSide has its provisional answers acknowledged.
func TestReliableFromTheCalledSide(t *testing.T) {
	dial := [2]string{"A INVITE", dialled}
	cases := []struct {
		name  string
		steps [][2]string
	}{
		{"acknowledged", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 200 PRACK", ""},
			{"5s", ""},
			{"B0 182 rseq-8", "B0 PRACK, A 182"},
			{"B0 200 PRACK", ""},
			{"B0 200+sdp", "B0 ACK, remote B, answered, A 200+sdp"},
		}},
		{"repeated", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 180 rseq-7", ""},
			{"500ms", "B0 PRACK"},
			{"1s", "B0 PRACK"},
			{"B0 200 PRACK", ""},
			{"B0 180 rseq-7", ""},
			{"10s", ""},
		}},
		{"out of order", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 183+sdp rseq-9", ""},
			{"B0 182 rseq-6", ""},
			{"B0 182 rseq-8", "B0 PRACK, A 182"},
			{"B0 183+sdp rseq-9", "B0 PRACK, remote B, A 183+sdp"},
		}},
		{"a description that came reliably is the answer", [][2]string{
			dial,
			{"B0 183+sdp rseq-1", "B0 PRACK, report B0 ok, remote B, ring, A 183+sdp"},
			{"B0 200 PRACK", ""},
			{"B0 200", "B0 ACK, answered, A 200+sdp"},
		}},
		{"what the 200 adds to it does not count", [][2]string{
			dial,
			{"B0 183+sdp rseq-1", "B0 PRACK, report B0 ok, remote B, ring, A 183+sdp"},
			{"B0 200 PRACK", ""},
			{"B0 200+bad", "B0 ACK, answered, A 200+sdp"},
		}},
		{"plain ringing after it", [][2]string{
			dial, {"B0 183+sdp rseq-1", "B0 PRACK, report B0 ok, remote B, ring, A 183+sdp"}, {"B0 180", "A 180"}, {"B0 200", "B0 ACK, answered, A 200+sdp"},
		}},
		{"each device has its own count", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 180 rseq-100 tag-2", "B0 PRACK"},
			{"B0 182 rseq-8", "B0 PRACK, A 182"},
			{"B0 182 rseq-101 tag-2", "B0 PRACK"},
			{"B0 182 rseq-103 tag-2", ""},
		}},
		{"after we gave it up: acknowledged and cancelled", [][2]string{
			dial,
			{"3s", "B0 INVITE, B0 INVITE, report B0 bad, attempt B0 timeout 408, begin, B1 INVITE"},
			{"B0 180 rseq-7", "B0 PRACK, B0 CANCEL"},
		}},
		{"cancelled with our PRACK pending", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
			{"B0 487", "B0 ACK"},
			{"500ms", "A 487, B0 CANCEL"},
		}},
		{"our PRACK is refused", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 481 PRACK", ""},
			{"10s", ""},
			{"B0 500", "B0 ACK, attempt B0 refused 500, begin, B1 INVITE"},
		}},
		{"its answer and our CANCEL cross", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 200 PRACK", ""},
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
			{"A CANCEL", "A 200"},
			{"B0 200+sdp", "B0 ACK, B0 BYE"},
			{"B0 200+sdp", "B0 ACK"},
		}},
		{"after CANCEL it rings once more, reliably", [][2]string{
			dial,
			{"B0 180 rseq-7", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 200 PRACK", ""},
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
			{"B0 182 rseq-8", "B0 PRACK"},
			{"B0 200 PRACK", ""},
			{"B0 487", "B0 ACK"},
		}},
		{"without a number it is not reliable", [][2]string{
			dial, {"B0 180 h:Require:_100rel", "report B0 ok, ring, A 180"}, {"B0 180 h:RSeq:_1", ""},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { script(t, nil, c.steps...) })
	}
}

// TestPrackIsInItsEarlyDialog has two devices ring by different ways.
func TestPrackIsInItsEarlyDialog(t *testing.T) {
	b := newBench(t)
	b.step("A INVITE")
	if !strings.Contains(b.last["B0"], "\r\nSupported: 100rel") {
		t.Errorf("it is not offered:\n%s", b.last["B0"])
	}
	b.routes = "Record-Route: <sip:198.51.100.1:5080;lr>\r\n"
	b.step("B0 180 rseq-7")
	first := b.last["B0"]
	b.routes = ""
	b.step("B0 180 rseq-40 tag-2")
	second := b.last["B0"]
	for _, want := range []string{"PRACK sip:198.51.100.1:5070 SIP/2.0\r\n", "\r\nRoute: <sip:198.51.100.1:5080;lr>\r\n", ";tag=bB0\r\n", "\r\nCSeq: 2 PRACK\r\n", "\r\nRAck: 7 1 INVITE\r\n"} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	for _, want := range []string{";tag=bB0tag-2\r\n", "\r\nCSeq: 3 PRACK\r\n", "\r\nRAck: 40 1 INVITE\r\n"} {
		if !strings.Contains(second, want) {
			t.Errorf("no %q in\n%s", want, second)
		}
	}
	if strings.Contains(second, "\r\nRoute:") {
		t.Errorf("the second has the route of the first:\n%s", second)
	}
	b.step("B0 200+sdp")
	if ack := b.last["B0"]; !strings.Contains(ack, "\r\nCSeq: 1 ACK\r\n") {
		t.Errorf("not the ACK of the INVITE:\n%s", ack)
	}
	b.step("A ACK")
	b.step("A BYE")
	if bye := b.last["B0"]; !strings.Contains(bye, "\r\nCSeq: 4 BYE\r\n") {
		t.Errorf("CSeq does not go on:\n%s", bye)
	}
}

func TestReliableOfTheCalledTrunk(t *testing.T) {
	cases := []struct{ mode, want, without string }{
		{ReliableOff, "", "100rel"},
		{ReliableSupported, "\r\nSupported: 100rel", "Require"},
		{ReliableRequired, "\r\nRequire: 100rel\r\n", "Supported: 100rel"},
	}
	for _, c := range cases {
		b := newBench(t)
		b.trunks[0].Reliable = c.mode
		b.step("A INVITE")
		if invite := b.last["B0"]; !strings.Contains(invite, c.want) || strings.Contains(invite, c.without) {
			t.Errorf("%s:\n%s", c.mode, invite)
		}
		got, want := b.step("B0 180 rseq-7"), "B0 PRACK, report B0 ok, ring, A 180"
		if c.mode == ReliableOff {
			want = "report B0 ok, ring, A 180"
		}
		if got != want {
			t.Errorf("%s: %s", c.mode, got)
		}
	}
}
