package sip

import (
	"strings"
	"testing"
)

// TestEarlyMedia has one clean sequence reach the caller.
func TestEarlyMedia(t *testing.T) {
	dial := [2]string{"A INVITE", dialled}
	early := [2]string{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"}
	cases := []struct {
		name  string
		setUp func(*bench)
		steps [][2]string
	}{
		{"the first device's media counts, the second may answer", nil, [][2]string{
			dial, early,
			{"B0 180 tag-2", "A 180"},
			{"B0 183+moved tag-2", "A 183"},
			{"B0 200+moved tag-2", "B0 ACK, remote B, answered, A 200+sdp"},
		}},
		{"the second device answers with what it said before", nil, [][2]string{
			dial, early, {"B0 183+moved tag-2", ""}, {"B0 200 tag-2", "B0 ACK, remote B, answered, A 200+sdp"},
		}},
		{"a device that said nothing answers without a description", nil, [][2]string{
			dial, early, {"B0 200 tag-2", "B0 ACK, B0 BYE, attempt B0 bad_answer 200, A 488, over bad_answer 488"},
		}},
		{"both devices answer", nil, [][2]string{
			dial, early, {"B0 200+sdp tag-2", "B0 ACK, answered, A 200+sdp"}, {"B0 200+sdp", "B0 ACK, B0 BYE"}, {"B0 200+sdp tag-2", "B0 ACK"},
		}},
		{"both devices answer, reliably rung before", nil, [][2]string{
			dial,
			{"B0 180 rseq-1", "B0 PRACK, report B0 ok, ring, A 180"},
			{"B0 180 rseq-1 tag-2", "B0 PRACK"},
			{"B0 200+sdp tag-2", "B0 ACK, remote B, answered, A 200+sdp"},
			{"B0 200+sdp", "B0 ACK, B0 BYE"},
		}},
		{"ringing only, by policy", func(b *bench) { b.trunks[0].EarlyMedia = EarlyMediaRing }, [][2]string{
			dial,
			{"B0 183+sdp", "report B0 ok, ring, A 180"},
			{"B0 180", ""},
			{"B0 200", "B0 ACK, remote B, answered, A 200+sdp"},
		}},
		{"ringing only leaves failover possible", func(b *bench) { b.trunks[0].EarlyMedia = EarlyMediaRing }, [][2]string{
			dial,
			{"B0 183+sdp", "report B0 ok, ring, A 180"},
			{"B0 503", "B0 ACK, attempt B0 refused 503, begin, B1 INVITE"},
			{"B1 180", "report B1 ok"},
			{"B1 183+sdp", "remote B, A 183+sdp"},
		}},
		{"the caller was told the answer reliably, another device answers", supports100rel, [][2]string{
			dial, early,
			{"A PRACK rack", "A 200"},
			{"B0 183+moved tag-2", ""},
			{"B0 200+moved tag-2", "B0 ACK, remote B, answered, A 200"},
			{"A ACK", ""},
			{"10s", ""},
		}},
		{"the caller was told reliably, the same device changes its mind and answers", manyCodecs, [][2]string{
			dial, early,
			{"A PRACK rack", "A 200"},
			{"B0 183+codec", "remote B"},
			{"B0 200+codec", "B0 ACK, answered, A 200"},
			{"A ACK", "A INVITE+sdp"},
		}},
		{"it does so while the PRACK is awaited", manyCodecs, [][2]string{
			dial, early,
			{"B0 183+codec", "remote B"},
			{"A PRACK rack", "A 200, A 183"},
			{"A PRACK rack next", "A 200"},
			{"B0 200+codec", "B0 ACK, answered, A 200"},
			{"A ACK", "A INVITE+sdp"},
		}},
		{"the caller was told the answer reliably, a device with another codec answers", manyCodecs, [][2]string{
			dial, early,
			{"A PRACK rack", "A 200"},
			{"B0 200+codec tag-2", "B0 ACK, remote B, answered, A 200"},
			{"A ACK", "A INVITE+sdp"},
			{"A 200+sdp re", "A ACK"},
			{"10s", ""},
		}},
		{"the same, to a caller with UPDATE", func(b *bench) { manyCodecs(b); b.allow = "Allow: UPDATE\r\n" }, [][2]string{
			dial, early,
			{"A PRACK rack", "A 200"},
			{"B0 200+codec tag-2", "B0 ACK, remote B, answered, A 200"},
			{"A ACK", "A UPDATE+sdp"},
			{"A 488 re", ""},
			{"10s", ""},
		}},
		{"an INVITE without an offer has nothing reliable before one", func(b *bench) { supports100rel(b); b.delayed = true }, [][2]string{
			{"A INVITE", "A 100, route, allocate, begin, B0 INVITE"}, {"B0 183+sdp", "report B0 ok, ring, A 183"}, {"32s", ""},
		}},
		{"the same, with 100rel required", func(b *bench) { b.headers, b.delayed = "Require: 100rel\r\n", true }, [][2]string{
			{"A INVITE", "A 100, route, allocate, begin, B0 INVITE"}, {"B0 180", "report B0 ok, ring"}, {"B0 200+sdp", "remote B, answered, A 200+sdp"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { script(t, c.setUp, c.steps...) })
	}
}

func TestEarlyMediaHeader(t *testing.T) {
	cases := []struct {
		name, caller, callee, want string
		offered                    bool
	}{
		{"both", "P-Early-Media: supported\r\n", "h:P-Early-Media:_sendonly,_gated,_x", "P-Early-Media: sendonly, gated\r\n", true},
		{"the caller does not know it", "", "h:P-Early-Media:_sendrecv", "", false},
		{"the called side does not", "P-Early-Media: supported\r\n", "h:X-Real:_1", "", true},
		{"supported has no place in an answer", "P-Early-Media: supported\r\n", "h:P-Early-Media:_supported", "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.headers = c.caller
			b.step("A INVITE")
			if got := strings.Contains(b.last["B0"], "\r\nP-Early-Media: supported\r\n"); got != c.offered {
				t.Errorf("to the called side:\n%s", b.last["B0"])
			}
			b.step("B0 183+sdp " + c.callee)
			if _, got, _ := strings.Cut(b.last["A"], "P-Early-Media"); c.want == "" && got != "" || !strings.Contains(b.last["A"], c.want) {
				t.Errorf("to the caller:\n%s", b.last["A"])
			}
		})
	}
}

// TestRingingForLong has proxies' timers C kept from ending the call.
func TestRingingForLong(t *testing.T) {
	longer := func(b *bench) { b.trunks[0].Ring = 4 * defaultRing }
	script(t, longer, [][2]string{
		{"A INVITE", dialled},
		{"B0 183+sdp", "report B0 ok, remote B, ring, A 183+sdp"},
		{"30s", ""},
		{"B0 180", "A 180"},
		{"59s", ""},
		{"1s", "A 180"},
		{"59s", ""},
		{"1s", "A 180"},
		{"40s", ""},
		{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
		{"A ACK", ""},
		{"10m", "gone"},
	}...)
	script(t, func(b *bench) { longer(b); supports100rel(b) }, [][2]string{
		{"A INVITE", dialled},
		{"B0 180", "report B0 ok, ring, A 180"},
		{"A PRACK rack", "A 200"},
		{"1m", "A 180"},
		{"A PRACK rack next", "A 200"},
		{"B0 200+sdp", "B0 ACK, remote B, answered, A 200+sdp"},
		{"A ACK", ""},
		{"10m", ""},
	}...)
}

func manyCodecs(b *bench) {
	supports100rel(b)
	b.offer = strings.Replace(b.offer, "RTP/AVP 8 101", "RTP/AVP 8 0 101", 1)
}

// TestChallengedPrack has a called side ask for a digest with the INVITE, and again
// with the PRACK.
func TestChallengedPrack(t *testing.T) {
	b := newBed(t, withAuthOut)
	bob := b.callees[0]
	b.caller.send(b.caller.invite("one"))
	invite := bob.expect("INVITE ")
	bob.send(strings.Replace(bob.reply(invite, 180, ""), "Contact:", "Require: 100rel\r\nRSeq: 7\r\nContact:", 1))
	first := bob.expect("PRACK ")
	bob.ask(first, 407, askMD5)
	again := bob.expect("PRACK ")
	proof(t, again)
	if header(again, "RAck") != "7 1 INVITE" || header(first, "CSeq") != "2 PRACK" || header(again, "CSeq") != "3 PRACK" || header(again, "Via") == header(first, "Via") {
		t.Errorf("not the PRACK again:\n%s", again)
	}
	bob.send(bob.reply(again, 200, ""))
	bob.send(strings.Replace(bob.reply(invite, 182, ""), "Contact:", "Require: 100rel\r\nRSeq: 8\r\nContact:", 1))
	if next := bob.expect("PRACK "); header(next, "RAck") != "8 1 INVITE" || proof(t, next).Count != 2 {
		t.Errorf("no credentials at once:\n%s", next)
	}
}
