package sip

import (
	"strings"
	"testing"
)

// TestCodecsOfTrunks has allow-lists on either side of a call.
func TestCodecsOfTrunks(t *testing.T) {
	cases := []struct {
		name       string
		in, b0, b1 []string
		out        string // of the INVITE
		offered    string // to the candidate that got it; empty: none did
	}{
		{"none", nil, nil, nil, "A 100, route, allocate, remote A, begin, B0 INVITE", "RTP/AVP 8 101"},
		{"the caller's trunk", []string{"pcma"}, nil, nil, "A 100, route, allocate, remote A, begin, B0 INVITE", "RTP/AVP 8\r\n"},
		{"the called side's", nil, []string{"PCMA"}, nil, "A 100, route, allocate, remote A, begin, B0 INVITE", "RTP/AVP 8\r\n"},
		{"in the order of the offer", nil, []string{"telephone-event", "PCMA"}, nil, "A 100, route, allocate, remote A, begin, B0 INVITE", "RTP/AVP 8 101"},
		{"nothing for the first candidate", nil, []string{"G729", "telephone-event"}, nil, "A 100, route, allocate, remote A, begin, B0 INVITE", "RTP/AVP 8 101"},
		{"nothing for any", nil, []string{"G729"}, []string{"opus/48000/2"}, "A 100, route, allocate, remote A, A 488, over no_codec 488", ""},
		{"nothing from the caller's trunk", []string{"G729"}, nil, nil, "A 100, A 488, over sdp_format 488", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.trunkA.media.Codecs, b.trunks[0].media.Codecs, b.trunks[1].media.Codecs = c.in, c.b0, c.b1
			if got := b.step("A INVITE"); got != c.out {
				t.Fatalf("\n got %s\nwant %s", got, c.out)
			}
			if !strings.Contains(b.last["B0"], c.offered) {
				t.Fatalf("no %q in\n%s", c.offered, b.last["B0"])
			}
		})
	}
}

// TestAnswerBeyondTheCutOffer has the called side answer with a codec that it was
// not offered.
func TestAnswerBeyondTheCutOffer(t *testing.T) {
	b := newBench(t)
	b.offer = strings.Replace(b.offer, "RTP/AVP 8 101", "RTP/AVP 8 0 101", 1)
	b.answer = strings.Replace(b.answer, "RTP/AVP 8 101", "RTP/AVP 0 8 101", 1)
	b.trunks[0].media.Codecs = []string{"PCMA"}
	b.step("A INVITE")
	b.step("B0 200+sdp")
	if !strings.Contains(b.last["A"], "RTP/AVP 8\r\n") {
		t.Fatal(b.last["A"])
	}
}
