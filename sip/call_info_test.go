package sip

import (
	"strings"
	"testing"
)

// TestInfo is what a call does with key presses in INFO.
func TestInfo(t *testing.T) {
	const serves = "Allow: INVITE, INFO\r\n"
	type step struct{ in, out string }
	up := []step{
		{"A INVITE", "A 100, route, allocate, remote A, begin, B0 INVITE"},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
	}
	after := func(before []step, more ...step) []step { return append(append([]step{}, before...), more...) }
	cases := []struct {
		name  string
		allow string
		steps []step
	}{
		{"a key", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"B0 200 re", "A 200"}, step{"B0 200 re", ""}, step{"30s", ""})},
		{"a key of the called side", serves, after(up, step{"B0 INFO #20 key-5", "A INFO"}, step{"A 200 re", "B0 200"})},
		{"to a side that has not said what it serves", "", after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"B0 501 re", "A 405"})},
		{"to a side without INFO", "Allow: INVITE\r\n", after(up, step{"A INFO #20 key-5", "A 405"})},
		{"repeated", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"A INFO #20 key-5", ""}, step{"500ms", "B0 INFO"}, step{"B0 200 re", "A 200"}, step{"A INFO #20 key-5", "A 200"})},
		{"two at once stay in order", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"A INFO #21 key-6", ""}, step{"B0 200 re", "A 200, B0 INFO"}, step{"B0 200 re", "A 200"},
			step{"A INFO #20 key-5", "A 200"})},
		{"both ways at once", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"B0 INFO #20 key-6", "A INFO"}, step{"B0 200 re", "A 200"}, step{"A 200 re", "B0 200"})},
		{"beside a re-INVITE", serves, after(up, step{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"}, step{"A INFO #21 key-5", "B0 INFO"})},
		{"too many wait", serves, after(up, step{"A INFO #20 key-1", "B0 INFO"},
			step{"A INFO #21 key-2", ""}, step{"A INFO #22 key-3", ""}, step{"A INFO #23 key-4", ""}, step{"A INFO #24 key-5", ""},
			step{"A INFO #25 key-6", ""}, step{"A INFO #26 key-7", ""}, step{"A INFO #27 key-8", ""}, step{"A INFO #28 key-9", "A 500"})},
		{"refused", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"B0 415 re", "A 415"})},
		{"no answer", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"20s", "A 504"})},
		{"out of order", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"}, step{"A INFO #19 key-6", "A 500"})},
		{"no key", serves, after(up, step{"A INFO #20 key-x", "A 400"})},
		{"another body", serves, after(up, step{"A INFO #20 +sdp", "A 415"})},
		{"no body", serves, after(up, step{"A INFO #20", "A 200"})},
		{"before the answer", serves, after(up[:1], step{"B0 180", "report B0 ok, ring, A 180"}, step{"A INFO #20 key-5", "A 500"})},
		{"hung up meanwhile", serves, after(up, step{"A INFO #20 key-5", "B0 INFO"},
			step{"A BYE", "A 200, A 487, B0 BYE, attempt B0 answered 200, over caller 200"}, step{"B0 200 re", ""}, step{"A INFO #51 key-5", "A 481"})},
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

func TestInfoInOurWords(t *testing.T) {
	b := newBench(t)
	for _, in := range []string{"A INVITE", "B0 200+sdp", "A ACK", "A INFO #20 key-#"} {
		b.step(in)
	}
	got := b.asked["B0"]
	if !strings.HasSuffix(got, "\r\nContent-Type: application/dtmf-relay\r\nContent-Length: 24\r\n\r\nSignal=#\r\nDuration=100\r\n") || !strings.Contains(got, "\r\nCSeq: 2 INFO\r\n") {
		t.Error(got)
	}
}
