package sip

import (
	"net/netip"
	"strings"
	"testing"
)

// TestCall is the specification of a call: what it does with each event, one
// line per step. Inputs: "A INVITE" is a request of the caller, "B0 180" an
// answer of the first candidate, "B0 BYE" a request of it, "B0 icmp" its port
// unreachable, "3s" time passing, "end x" an order. Outputs: "A 180" and "B0
// ACK" are sent, the other words are actions.
func TestCall(t *testing.T) {
	const (
		dial   = "A 100, route, allocate, remote A, begin, B0 INVITE"
		answer = "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"
	)
	type step struct{ in, out string }
	up := []step{{"A INVITE", dial}, {"B0 200+sdp", answer}, {"A ACK", ""}}
	after := func(before []step, more ...step) []step { return append(append([]step{}, before...), more...) }
	answered := up[:2]
	calling := up[:1]
	cases := []struct {
		name  string
		steps []step
	}{
		{"the caller hangs up", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"},
			step{"B0 200 BYE", ""},
			step{"32s", "gone"})},
		{"the called side hangs up", after(up,
			step{"B0 BYE", "B0 200, A BYE, attempt B0 answered 200, over callee 200"},
			step{"A 200 BYE", ""},
			step{"32s", "gone"})},
		{"BYE of both crosses", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"},
			step{"B0 BYE", "B0 200"},
			step{"500ms", "B0 BYE"}, step{"B0 481 BYE", ""}, step{"10s", ""})},
		{"BYE repeated", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"},
			step{"A BYE", "A 200"})},
		{"BYE that nobody answers", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"},
			step{"500ms", "B0 BYE"}, step{"1s", "B0 BYE"}, step{"2s", "B0 BYE"}, step{"4s", "B0 BYE"}, step{"4s", "B0 BYE"},
			step{"21s", "gone"})},
		{"BYE challenged: no credentials are sent", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"},
			step{"B0 401 BYE", ""}, step{"32s", "gone"})},
		{"BYE from a wrong dialog", after(up, step{"A BYE wrong-call-id", "A 481"}, step{"A BYE wrong-from-tag", "A 481"}, step{"A BYE stranger", "A 481"}, step{"B0 BYE stranger", "B0 481"})},
		{"BYE older than what was seen", after(up, step{"A BYE cseq-0", "A 500"})},

		{"180, then answer", after(calling,
			step{"B0 100", ""}, step{"B0 180", "report B0 ok, ring, A 180"}, step{"B0 180", ""},
			step{"B0 200+sdp", "B0 ACK, remote B, answered, A 200+sdp"})},
		{"early media, answer with the same description", after(calling,
			step{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"}, step{"B0 183+sdp", ""}, step{"B0 180", "A 180"},
			step{"B0 200+sdp", "B0 ACK, answered, A 200+sdp"})},
		{"early media, answer without a description", after(calling,
			step{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"},
			step{"B0 200", "B0 ACK, answered, A 200+sdp"})},
		{"early media from a forbidden address is plain ringing", after(calling,
			step{"B0 183+bad", "report B0 ok, ring, A 180"})},
		{"181 and 182 are passed, 199 is not", after(calling, step{"B0 181", "report B0 ok, ring, A 181"}, step{"B0 199", ""}, step{"B0 182", "A 182"})},
		{"early media of a second device", after(calling,
			step{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"}, step{"B0 183+sdp tag-2", ""})},

		{"busy is not hunted", after(calling,
			step{"B0 486", "B0 ACK, report B0 ok, attempt B0 refused 486, A 486, over refused 486"},
			step{"A ACK", ""}, step{"32s", "gone"})},
		{"refusal repeated", after(calling,
			step{"B0 486", "B0 ACK, report B0 ok, attempt B0 refused 486, A 486, over refused 486"},
			step{"B0 486", "B0 ACK"}, step{"A INVITE", "A 486"}, step{"500ms", "A 486"}, step{"1s", "A 486"}, step{"A ACK", ""}, step{"2s", ""})},
		{"a second device answers after the refusal", after(calling,
			step{"B0 503", "B0 ACK, report B0 bad, attempt B0 refused 503, begin, B1 INVITE"},
			step{"B0 200+sdp", "B0 ACK, B0 BYE"}, step{"B0 200+sdp", "B0 ACK"})},
		{"refusal without an ACK", after(calling,
			step{"B0 486", "B0 ACK, report B0 ok, attempt B0 refused 486, A 486, over refused 486"},
			step{"32s", "gone"})},
		{"503, then the second candidate", after(calling,
			step{"B0 503", "B0 ACK, report B0 bad, attempt B0 refused 503, begin, B1 INVITE"},
			step{"B1 180", "report B1 ok, ring, A 180"},
			step{"B1 200+sdp", "B1 ACK, remote B, answered, A 200+sdp"})},
		{"503 while ringing, no media: the caller hears one ringing", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"},
			step{"B0 503", "B0 ACK, attempt B0 refused 503, begin, B1 INVITE"},
			step{"B1 180", "report B1 ok"},
			step{"B1 200+sdp", "B1 ACK, remote B, answered, A 200+sdp"})},
		{"503 after early media is final", after(calling,
			step{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"},
			step{"B0 503", "B0 ACK, attempt B0 refused 503, A 503, over refused 503"})},
		{"plain 404 is final", after(calling, step{"B0 404", "B0 ACK, report B0 ok, attempt B0 refused 404, A 404, over refused 404"})},
		{"404 with cause 3 hunts", after(calling, step{"B0 404 cause-3", "B0 ACK, report B0 ok, attempt B0 refused 404, begin, B1 INVITE"})},
		{"both refuse", after(calling,
			step{"B0 503", "B0 ACK, report B0 bad, attempt B0 refused 503, begin, B1 INVITE"},
			step{"B1 500", "B1 ACK, report B1 bad, attempt B1 refused 500, A 500, over refused 500"})},
		{"a challenge is not passed on", after(calling, step{"B0 401", "B0 ACK, report B0 bad, attempt B0 refused 401, begin, B1 INVITE"})},
		{"a redirection is not followed", after(calling, step{"B0 302", "B0 ACK, report B0 ok, attempt B0 refused 302, A 480, over refused 480"})},
		{"408 before ringing hunts", after(calling, step{"B0 408", "B0 ACK, report B0 bad, attempt B0 refused 408, begin, B1 INVITE"})},
		{"408 after ringing is the subscriber's", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"},
			step{"B0 408", "B0 ACK, attempt B0 refused 408, A 480, over no_answer 480"})},

		{"silence: repeated, then the second candidate", after(calling,
			step{"500ms", "B0 INVITE"}, step{"1s", "B0 INVITE"},
			step{"1500ms", "report B0 bad, attempt B0 timeout 408, begin, B1 INVITE"},
			step{"3s", "B1 INVITE, B1 INVITE, report B1 bad, attempt B1 timeout 408, A 503, over timeout 503"})},
		{"silent candidate rings late: CANCEL then", after(calling,
			step{"3s", "B0 INVITE, B0 INVITE, report B0 bad, attempt B0 timeout 408, begin, B1 INVITE"},
			step{"B0 180", "B0 CANCEL"}, step{"B0 200 CANCEL", ""}, step{"B0 487", "B0 ACK"})},
		{"silent candidate answers late: ACK and BYE", after(calling,
			step{"3s", "B0 INVITE, B0 INVITE, report B0 bad, attempt B0 timeout 408, begin, B1 INVITE"},
			step{"B0 200+sdp", "B0 ACK, B0 BYE"},
			step{"B1 200+sdp", "report B1 ok, B1 ACK, remote B, ring, answered, A 200+sdp"})},
		{"only 100", after(calling,
			step{"B0 100", ""}, step{"5s", ""},
			step{"1s", "report B0 bad, attempt B0 timeout 408, B0 CANCEL, begin, B1 INVITE"})},
		{"it rings for too long", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"}, step{"59s", ""},
			step{"1s", "attempt B0 no_answer 480, B0 CANCEL, A 480, over no_answer 480"})},
		{"closed port", after(calling, step{"B0 icmp", "report B0 bad, attempt B0 unreachable 503, begin, B1 INVITE"})},
		{"closed port that answers after all", after(calling,
			step{"B0 icmp", "report B0 bad, attempt B0 unreachable 503, begin, B1 INVITE"}, step{"B0 180", "B0 CANCEL"})},
		{"unreachable while ringing changes nothing", after(calling, step{"B0 180", "report B0 ok, ring, A 180"}, step{"B0 icmp", ""})},

		{"CANCEL while it rings", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"},
			step{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
			step{"B0 200 CANCEL", ""}, step{"B0 487", "B0 ACK"}, step{"A ACK", ""}, step{"32s", "gone"})},
		{"CANCEL before the candidate said anything", after(calling,
			step{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, over cancelled 487"},
			step{"A ACK", ""},
			step{"B0 100", "report B0 ok, B0 CANCEL"}, step{"B0 487", "B0 ACK"})},
		{"CANCEL, and the candidate stays silent", after(calling,
			step{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, over cancelled 487"},
			step{"A ACK", ""}, step{"32s", "report B0 bad, gone"})},
		{"CANCEL crosses the answer of the called side", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"},
			step{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
			step{"B0 200+sdp", "B0 ACK, B0 BYE"}, step{"B0 200+sdp", "B0 ACK"}, step{"B0 200 BYE", ""})},
		{"CANCEL crosses our answer", after(answered, step{"A CANCEL", "A 200"}, step{"A ACK", ""})},
		{"CANCEL from a stranger", after(calling, step{"A CANCEL stranger", ""})},
		{"CANCEL that nobody answers", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"},
			step{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"}, step{"A ACK", ""},
			step{"500ms", "B0 CANCEL"}, step{"31s", ""}, step{"500ms", "gone"})},
		{"BYE instead of CANCEL", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"},
			step{"A BYE", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"})},

		{"our answer is repeated until the ACK", after(answered,
			step{"500ms", "A 200+sdp"}, step{"1s", "A 200+sdp"}, step{"2s", "A 200+sdp"}, step{"4s", "A 200+sdp"}, step{"4s", "A 200+sdp"},
			step{"A ACK", ""}, step{"4s", ""}, step{"A ACK", ""})},
		{"no ACK", after(answered,
			step{"32s", "B0 BYE, A BYE, attempt B0 answered 200, over no_ack 200"})},
		{"the called side hangs up before the ACK", after(answered,
			step{"B0 BYE", "B0 200, attempt B0 answered 200, over callee 200"},
			step{"500ms", "A 200+sdp"}, step{"A ACK", "A BYE"}, step{"A 200 BYE", ""})},
		{"the called side hangs up before the ACK that never comes", after(answered,
			step{"B0 BYE", "B0 200, attempt B0 answered 200, over callee 200"},
			step{"32s", "A BYE"})},
		{"the caller hangs up before its ACK", after(answered,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"}, step{"500ms", "B0 BYE"})},
		{"the called side's answer repeated", after(up, step{"B0 200+sdp", "B0 ACK"})},
		{"a second device answers too", after(up, step{"B0 200+sdp tag-2", "B0 ACK, B0 BYE"}, step{"B0 200+sdp tag-2", "B0 ACK"}, step{"500ms", "B0 BYE"})},
		{"the called side hangs up before its answer arrived", after(calling,
			step{"B0 180", "report B0 ok, ring, A 180"},
			step{"B0 BYE", "B0 200, attempt B0 refused 480, A 480, B0 CANCEL, over callee 480"},
			step{"B0 200+sdp", "B0 ACK"})},
		{"answer with a forbidden address", after(calling,
			step{"B0 200+bad", "report B0 ok, B0 ACK, B0 BYE, attempt B0 bad_answer 200, A 488, over bad_answer 488"})},
		{"answer without a description", after(calling,
			step{"B0 200", "report B0 ok, B0 ACK, B0 BYE, attempt B0 bad_answer 200, A 488, over bad_answer 488"})},
		{"answer from a stranger", after(calling, step{"B0 200+sdp stranger", ""})},
		{"answer to another dialog", after(calling, step{"B0 200+sdp wrong-call-id", ""})},

		{"maximum duration", after(up,
			step{"59m59s", ""}, step{"1s", "B0 BYE, A BYE, attempt B0 answered 200, over max_duration 200"})},
		{"drained while up", after(up, step{"end drain", "B0 BYE, A BYE, attempt B0 answered 200, over drain 200"})},
		{"drained while calling", after(calling,
			step{"B0 100", ""},
			step{"end drain", "A 503, attempt B0 cancelled 0, report B0 ok, B0 CANCEL, over drain 503"})},
		{"drained while over", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"}, step{"end drain", ""})},

		{"refresh from the caller", after(up,
			step{"A INVITE again", "A 200+sdp"}, step{"A INVITE again", "A 200+sdp"}, step{"500ms", "A 200+sdp"}, step{"A ACK again", ""}, step{"4s", ""})},
		{"refresh from the called side", after(up, step{"B0 INVITE again", "B0 200+sdp"}, step{"B0 ACK again", ""}, step{"4s", ""})},
		{"refresh with a new version of the same", after(up, step{"A INVITE newer", "A 200+sdp"})},
		{"refresh from the called side with a new version", after(up, step{"B0 INVITE newer", "B0 200+sdp"})},
		{"refresh without an ACK", after(up,
			step{"A INVITE again", "A 200+sdp"},
			step{"32s", "B0 BYE, A BYE, attempt B0 answered 200, over no_ack 200"})},
		{"a description that is not relayed", after(up, step{"A INVITE #20 +fax", "A 488"}, step{"500ms", "A 488"}, step{"A ACK #20", ""}, step{"4s", ""})},
		{"re-INVITE while one is open", after(up, step{"A INVITE again", "A 200+sdp"}, step{"A INVITE again-2", "A 491"})},
		{"re-INVITE before the ACK", after(answered, step{"A INVITE again", "A 491"})},
		{"re-INVITE with an old CSeq", after(up, step{"A INVITE old", "A 500"})},
		{"re-INVITE after the end", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"}, step{"A INVITE again", "A 481"})},
		{"CANCEL of a refresh that was answered", after(up, step{"A INVITE again", "A 200+sdp"}, step{"A CANCEL of-refresh", "A 200"}, step{"A ACK again", ""})},
		{"CANCEL of no refresh", after(up, step{"A CANCEL of-refresh", "A 481"})},
		{"requests after the end", after(up,
			step{"A BYE", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"},
			step{"A OPTIONS", "A 481"}, step{"A UPDATE", "A 481"}, step{"B0 OPTIONS", "B0 481"})},
		{"OPTIONS in the dialog", after(up, step{"A OPTIONS", "A 200"})},
		{"REFER", after(up, step{"B0 REFER", "B0 405"})},
		{"unheard-of method", after(up, step{"A FOO", "A 501"})},
		{"INVITE repeated while calling", after(calling, step{"A INVITE", "A 100"})},
		{"INVITE repeated when answered", after(answered, step{"A INVITE", ""})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			for i, s := range c.steps {
				if got := b.step(s.in); got != s.out {
					t.Fatalf("step %d, %s:\n got %s\nwant %s", i, s.in, got, s.out)
				}
			}
		})
	}
}

// TestCallRefused has calls that come to nothing before any candidate.
func TestCallRefused(t *testing.T) {
	cases := []struct {
		name  string
		setUp func(*bench)
		out   string
	}{
		{"verdict", func(b *bench) { b.routed.refused = &refusal{404, 1, "unknown_mask"} }, "A 100, route, A 404, over unknown_mask 404"},
		{"no candidates", func(b *bench) { b.routed.candidates = nil }, "A 100, route, allocate, remote A, A 503, over no_carrier 503"},
		{"no candidate may be tried", func(b *bench) { b.begins = false }, "A 100, route, allocate, remote A, begin, begin, A 503, over no_carrier 503"},
		{"no ports", func(b *bench) { b.ports = false }, "A 100, route, allocate, A 503, over no_media_ports 503"},
		{"media to the caller impossible", func(b *bench) { b.mediaFault = "A" }, "A 100, route, allocate, remote A, begin, A 488, over media_address 488, report B0 ok, attempt B0 cancelled 0"},
		{"description that is none", func(b *bench) { b.offer = "hello" }, "A 100, A 400, over sdp 400"},
		{"description of a forbidden address", func(b *bench) { b.offer = strings.ReplaceAll(b.offer, "192.0.2.10", "10.0.0.1") }, "A 100, A 488, over sdp_private_address 488"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			c.setUp(b)
			if got := b.step("A INVITE"); got != c.out {
				t.Fatalf("\n got %s\nwant %s", got, c.out)
			}
		})
	}
}

// TestEventBeforeTheInvite has another socket's goroutine be faster with a CANCEL.
func TestEventBeforeTheInvite(t *testing.T) {
	cancel := newBench(t)
	cancel.step("A INVITE")
	b := newBench(t)
	for _, ev := range []event{cancel.event([]string{"A", "CANCEL"}), evRepeated{}, evEnd{"drain"}} {
		if acts := b.call.handle(ev, b.now); len(acts) > 0 {
			t.Errorf("%T: %v", ev, acts)
		}
	}
	if got := b.step("A INVITE"); !strings.HasPrefix(got, "A 100, route") {
		t.Error(got)
	}
}

func TestMediaToTheCalledSideImpossible(t *testing.T) {
	b := newBench(t)
	b.mediaFault = "B"
	b.step("A INVITE")
	want := "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp, B0 BYE, attempt B0 answered 200, over media_address 200"
	if got := b.step("B0 200+sdp"); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
	if got := b.step("A ACK"); got != "A BYE" {
		t.Fatal(got)
	}
}

func TestEarlyMediaToTheCalledSideImpossible(t *testing.T) {
	b := newBench(t)
	b.mediaFault = "B"
	b.step("A INVITE")
	b.step("B0 183+sdp")
	want := "B0 ACK, remote B, answered, A 200+sdp, B0 BYE, attempt B0 answered 200, over media_address 200"
	if got := b.step("B0 200+sdp"); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	b := newBench(t)
	b.call.maxAttempts = 2
	for range 5 {
		b.routed.candidates = append(b.routed.candidates, b.routed.candidates[0])
	}
	b.step("A INVITE")
	b.step("B0 503")
	want := "B1 ACK, report B1 bad, attempt B1 refused 503, A 503, over refused 503"
	if got := b.step("B1 503"); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

// TestDescriptionVersions has the called side change its own between 183 and 200.
func TestDescriptionVersions(t *testing.T) {
	b := newBench(t)
	b.step("A INVITE")
	b.step("B0 183+sdp")
	first := b.last["A"]
	b.step("B0 180")
	b.answer = strings.ReplaceAll(strings.ReplaceAll(b.answer, "o=- 1 1", "o=- 1 2"), "a=fmtp:101 0-15", "a=fmtp:101 0-11")
	b.step("B0 200+sdp")
	o := func(text string) string {
		_, rest, _ := strings.Cut(text, "o=- ")
		line, _, _ := strings.Cut(rest, "\r\n")
		return line
	}
	id, version, _ := strings.Cut(o(first), " ")
	if !strings.HasPrefix(version, "1 ") || !strings.HasPrefix(o(b.last["A"]), id+" 2 ") {
		t.Fatalf("%q then %q", o(first), o(b.last["A"]))
	}
	if strings.Contains(b.last["B0"], "o=- "+id+" ") {
		t.Fatal("both legs have the same session id")
	}
}

// TestEarlyMediaRepeated counts the version up, as some do with each repetition.
func TestEarlyMediaRepeated(t *testing.T) {
	b := newBench(t)
	b.step("A INVITE")
	b.step("B0 183+sdp")
	b.answer = strings.ReplaceAll(b.answer, "o=- 1 1", "o=- 1 2")
	if got := b.step("B0 183+sdp"); got != "" {
		t.Errorf("the same again: %s", got)
	}
	b.answer = strings.ReplaceAll(b.answer, "m=audio 4", "m=audio 5")
	if got := b.step("B0 183+sdp"); got != "remote B, A 183+sdp" {
		t.Errorf("a new port: %s", got)
	}
}

func TestCauseGoesToTheCaller(t *testing.T) {
	b := newBench(t)
	b.step("A INVITE")
	b.step("B0 486 cause-17")
	if !strings.Contains(b.last["A"], "\r\nReason: Q.850;cause=17\r\n") || strings.Contains(b.last["A"], "text") {
		t.Fatal(b.last["A"])
	}
}

func TestRoutesOfTheDialog(t *testing.T) {
	b := newBench(t)
	b.routes = "Record-Route: <sip:198.51.100.1:5080;lr>\r\nRecord-Route: <sip:10.9.9.9;lr>\r\n"
	b.step("A INVITE")
	b.step("B0 200+sdp")
	ack := b.last["B0"]
	if !strings.Contains(ack, "Route: <sip:10.9.9.9;lr>\r\nRoute: <sip:198.51.100.1:5080;lr>\r\n") {
		t.Errorf("the route set is not reversed:\n%s", ack)
	}
	if b.sentTo["B0"] != b.trunks[0].addr {
		t.Errorf("sent to %s, which the trunk does not allow", b.sentTo["B0"])
	}
	b = newBench(t)
	b.routes = "Record-Route: <sip:198.51.100.1:5080;lr>\r\n"
	b.step("A INVITE")
	b.step("B0 200+sdp")
	if want := netip.MustParseAddrPort("198.51.100.1:5080"); b.sentTo["B0"] != want {
		t.Errorf("sent to %s, not along the route", b.sentTo["B0"])
	}
}

// TestRefreshMovesTheTarget has the called side take a refresh to name another
// contact. RFC 3261 §12.2.1.2.
func TestRefreshMovesTheTarget(t *testing.T) {
	for _, c := range []struct{ name, routes, want string }{
		{"no routes", "", "198.51.100.1:5099"},
		{"routes stay", "Record-Route: <sip:198.51.100.1:5080;lr>\r\n", "198.51.100.1:5080"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.routes = c.routes
			for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK", "B0 INVITE moved", "B0 ACK again", "A BYE"} {
				b.step(in)
			}
			if !strings.HasPrefix(b.last["B0"], "BYE sip:198.51.100.1:5099 ") || b.sentTo["B0"].String() != c.want {
				t.Errorf("sent to %s\n%s", b.sentTo["B0"], b.last["B0"])
			}
		})
	}
}

func TestEmergencyCall(t *testing.T) {
	b := newBench(t)
	b.routed.emergency, b.routed.present, b.routed.to = true, simAlice, 0
	b.step("A INVITE")
	invite := b.last["B0"]
	for _, want := range []string{
		"INVITE sip:+441110000001@198.51.100.1:5070 SIP/2.0\r\n", // as dialled
		"From: \"Alice\" <sip:+447700900001@203.0.113.1:5060>;tag=",
		"\r\nP-Asserted-Identity: <tel:+447700900001>\r\n",
		"\r\nGeolocation: <cid:here@home>\r\n",
	} {
		if !strings.Contains(invite, want) {
			t.Errorf("no %q in\n%s", want, invite)
		}
	}
	if strings.Contains(invite, "Call-ID: secret") || strings.Contains(invite, "X-Real") {
		t.Errorf("more than the exception allows:\n%s", invite)
	}
}

// BenchmarkCall is all that a call costs between parsing and sending: set up,
// answered and ended, both legs.
func BenchmarkCall(b *testing.B) {
	script := newBench(b)
	for _, in := range []string{"A INVITE", "B0 100", "B0 180", "B0 200+sdp", "A ACK", "A BYE", "B0 200 BYE"} {
		script.step(in)
	}
	b.ReportAllocs()
	for b.Loop() {
		c := newCall(7, script.call.tokens, 6)
		for _, ev := range script.events {
			c.handle(ev, script.now)
		}
	}
}
