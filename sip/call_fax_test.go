package sip

import (
	"strings"
	"testing"
)

// TestFax changes an established call over to T.38 and back, where both trunks relay
// it.
func TestFax(t *testing.T) {
	const (
		relayed = "B0 ACK, remote B, remote A, answered, A 200"
		back    = "A ACK, remote A, remote B, answered, B0 200"
	)
	type step struct{ in, out string }
	cases := []struct {
		name  string
		a, b  bool // which trunks relay it
		steps []step
		media string // of the last description to B
	}{
		{"by the caller", true, true, []step{{"A INVITE #20 +fax", "A 100, B0 INVITE+fax"}, {"B0 200+fax re", relayed + "+fax"}, {"A ACK #20", ""}}, "m=image 20002 udptl t38\r\n"},
		{"by the called side", true, true, []step{{"B0 INVITE #20 +fax", "B0 100, A INVITE+fax"}, {"A 200+fax re", back + "+fax"}, {"B0 ACK #20", ""}}, "m=image 20002 udptl t38\r\n"},
		{"and back to audio", true, true, []step{
			{"A INVITE #20 +fax", "A 100, B0 INVITE+fax"},
			{"B0 200+fax re", relayed + "+fax"},
			{"A ACK #20", ""},
			{"A INVITE #21 +sdp", "A 100, B0 INVITE+sdp"},
			{"B0 200+sdp re", relayed + "+sdp"},
		}, "m=audio 20002 RTP/AVP 8 101\r\n"},
		{"the other side refuses", true, true, []step{{"A INVITE #20 +fax", "A 100, B0 INVITE+fax"}, {"B0 488 re", "B0 ACK, A 488"}}, ""},
		{"the other side answers with audio", true, true, []step{
			{"A INVITE #20 +fax", "A 100, B0 INVITE+fax"},
			{"B0 200+sdp re", "B0 ACK, A 488, B0 BYE, A BYE, attempt B0 answered 200, over bad_answer 200"},
		}, ""},
		{"the other trunk does not relay it", true, false, []step{{"A INVITE #20 +fax", "A 100, A 488"}}, ""},
		{"neither does", false, false, []step{{"A INVITE #20 +fax", "A 488"}}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK"} {
				b.step(in)
			}
			b.call.a.trunk.media.Fax, b.call.b[0].trunk.media.Fax = c.a, c.b
			for _, s := range c.steps {
				if got := b.step(s.in); got != s.out {
					t.Fatalf("%s: %s, want %s", s.in, got, s.out)
				}
			}
			if said := string(b.call.b[0].said); !strings.Contains(said, c.media) {
				t.Errorf("no %q in\n%s", c.media, said)
			}
		})
	}
}
