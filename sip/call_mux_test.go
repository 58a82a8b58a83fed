package sip

import (
	"strings"
	"testing"
)

// TestMux agrees on RTCP at the port of RTP with each side on its own. RFC 5761
// §5.1.1.
func TestMux(t *testing.T) {
	type step struct {
		in   string
		a, b bool // whether our last description to the side has it
	}
	opened := func(offer, answer string, a, b bool) []step {
		return []step{{"A INVITE " + offer, false, true}, {"B0 200+" + answer, a, b}, {"A ACK", a, b}}
	}
	on := func(steps []step, more ...step) []step { return append(steps, more...) }
	cases := []struct {
		name  string
		a, b  bool // which trunks permit it
		steps []step
	}{
		{"both sides", true, true, opened("mux", "mux", true, true)},
		{"the caller alone", true, true, opened("mux", "sdp", true, true)},
		{"the called side alone", true, true, opened("sdp", "mux", false, true)},
		{"the caller's trunk has none", false, true, opened("mux", "mux", false, true)},
		{"neither trunk has it", false, false, []step{{"A INVITE mux", false, false}, {"B0 200+mux", false, false}}},
		{"early media", true, true, []step{{"A INVITE mux", false, true}, {"B0 183+mux", true, true}, {"B0 200+mux", true, true}}},
		{"the caller gives it up", true, true, on(opened("mux", "mux", true, true),
			step{"A INVITE #20 +moved", true, true}, step{"B0 200+mux re", false, true})},
		{"the called side takes it up", true, true, on(opened("mux", "sdp", true, true),
			step{"B0 INVITE #20 +mux", true, true}, step{"A 200+mux re", true, true})},
		{"a change is offered as it was answered", true, true, on(opened("mux", "sdp", true, true),
			step{"A INVITE #20 +moved", true, false}, step{"B0 200+sdp re", false, false})},
		{"a refresh by who declined it", true, true, on(opened("mux", "sdp", true, true),
			step{"B0 INVITE #20 +sdp", true, false}, step{"B0 ACK #20", true, false})},
		{"an answer that was not offered", true, true, on(opened("mux", "sdp", true, true),
			step{"A INVITE #20 +moved", true, false}, step{"B0 200+mux re", false, false}, step{"A ACK #20", false, false},
			step{"B0 INVITE #30 +mux", false, false}, step{"A 200+moved re", false, true})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.trunkA.media.Mux, b.trunks[0].media.Mux = c.a, c.b
			has := func(said []byte) bool { return strings.Contains(string(said), "a=rtcp-mux\r\n") }
			for _, s := range c.steps {
				in, plain := s.in, b.offer
				if in == "A INVITE mux" {
					b.offer += "a=rtcp-mux\r\n"
				}
				if strings.HasPrefix(in, "A INVITE ") && len(b.call.b) == 0 {
					in = "A INVITE"
				}
				got := b.step(in)
				b.offer = plain
				said := b.call.b[0].said
				if x := b.call.exchange; x != nil && x.to.number != legA {
					said = x.text
				}
				if gotA, gotB := has(b.call.a.said), has(said); gotA != s.a || gotB != s.b {
					t.Fatalf("%s (%s): A %v, B %v, want %v, %v", s.in, got, gotA, gotB, s.a, s.b)
				}
			}
		})
	}
}
