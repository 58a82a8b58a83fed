package sip

import (
	"testing"
	"time"
)

// TestCalledSideIsAsked has calls end while the called person is to press a key.
func TestCalledSideIsAsked(t *testing.T) {
	asked := [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp h:Session-Expires:_90;refresher=uac", "report B0 ok, B0 ACK, remote B, apart, listen, play B accept, ring, A 180"},
	}
	const connected = "listen, hush B, hush A, together, answered, A 200+sdp"
	cases := []struct {
		name  string
		steps [][2]string
	}{
		{"the key", [][2]string{{"key 2", ""}, {"key 1", connected}, {"key 1", ""}, {"A ACK", ""}}},
		{"no key", [][2]string{{"1m", "B0 BYE, attempt B0 not_accepted 480, A 480, over not_accepted 480"}}},
		{"the caller cancels", [][2]string{
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 BYE, over cancelled 487"}, {"key 1", ""},
		}},
		{"the caller cancels after half a minute", [][2]string{
			{"40s", ""}, {"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 BYE, over cancelled 487"},
		}},
		{"drained after half a minute", [][2]string{
			{"40s", ""}, {"end drain", "A 503, attempt B0 cancelled 0, B0 BYE, over drain 503"},
		}},
		{"the called side hangs up", [][2]string{
			{"B0 BYE #20", "B0 200, attempt B0 refused 480, A 480, over callee 480"},
			{"B0 INFO #21 key-1", "B0 481"},
		}},
		{"the key by INFO", [][2]string{{"B0 INFO #20 key-1", "B0 200, " + connected}, {"B0 INFO #20 key-1", "B0 200"}}},
		{"INFO from elsewhere", [][2]string{{"B0 INFO #20 key-1 wrong-from-tag", "B0 481"}}},
		{"the answer repeated", [][2]string{{"B0 200+sdp", "B0 ACK"}}},
		{"a second device answers", [][2]string{{"B0 200+sdp tag-2", "B0 ACK, B0 BYE"}}},
		{"the called side puts the call on hold", [][2]string{{"B0 INVITE #20 +hold", "B0 491"}, {"B0 ACK #20", ""}, {"key 1", connected}}},
		{"our refresh is due meanwhile", [][2]string{
			{"50s", ""}, {"key 1", connected}, {"A ACK", ""}, {"1s", "B0 INVITE+sdp"}, {"B0 200+sdp re", "B0 ACK"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			script(t, func(b *bench) { b.routed.accept = time.Minute }, append(asked[:2:2], c.steps...)...)
		})
	}
}

// TestAnnouncementMeets has other things happen while the caller hears one.
func TestAnnouncementMeets(t *testing.T) {
	early := [][2]string{{"A INVITE", "A 100, route, allocate, remote A, play A unknown, A 183+sdp"}}
	answered := [][2]string{{"A INVITE", "A 100, route, allocate, remote A, play A unknown, A 200+sdp"}, {"A ACK", ""}}
	const over = "over unknown_mask "
	cases := []struct {
		name   string
		answer bool
		steps  [][2]string
	}{
		{"its end", false, [][2]string{{"played", "A 404, " + over + "404"}, {"A ACK", ""}, {"10s", "gone"}}},
		{"its limit", false, [][2]string{{"15s", "A 404, " + over + "404"}}},
		{"CANCEL", false, [][2]string{{"A CANCEL", "A 200, A 487, over cancelled 487"}, {"played", ""}, {"A ACK", ""}}},
		{"BYE instead", false, [][2]string{{"A BYE", "A 200, A 487, over cancelled 487"}}},
		{"a drain", false, [][2]string{{"end drain", "A 404, " + over + "404"}}},
		{"UPDATE", false, [][2]string{{"A UPDATE #20", "A 200"}, {"A UPDATE #21 +hold", "A 500"}}},
		{"its end in an answered call", true, [][2]string{{"played", "A BYE, " + over + "200"}, {"A 200 BYE", ""}, {"32s", "gone"}}},
		{"BYE in an answered call", true, [][2]string{{"A BYE", "A 200, " + over + "200"}, {"played", ""}, {"32s", "gone"}}},
		{"hold in an answered call", true, [][2]string{{"A INVITE #20 +hold", "A 491"}, {"A ACK #20", ""}, {"played", "A BYE, " + over + "200"}}},
		{"a re-INVITE without an offer", true, [][2]string{{"A INVITE #20", "A 491"}, {"A ACK #20", ""}}},
		{"a refresh in an answered call", true, [][2]string{{"A INVITE #20 +sdp", "A 200+sdp"}, {"A ACK #20", ""}}},
		{"a key in an answered call", true, [][2]string{{"A INFO #20 key-1", "A 405"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			steps := append(early[:1:1], c.steps...)
			if c.answer {
				steps = append(answered[:2:2], c.steps...)
			}
			script(t, func(b *bench) {
				b.routed.refused = &refusal{404, 1, "unknown_mask"}
				b.routed.announce = Announcement{Prompt: "unknown", Answer: c.answer}
			}, steps...)
		})
	}
}
