package sip

import "testing"

// TestRequestsOfOthersThanTheAnsweringDevice has devices speak that are not, or not
// yet, the other side of the call.
func TestRequestsOfOthersThanTheAnsweringDevice(t *testing.T) {
	const answer = "B0 ACK, remote B, answered, A 200+sdp"
	dial := [2]string{"A INVITE", dialled}
	ringing := [2]string{"B0 180", "report B0 ok, ring, A 180"}
	cases := []struct {
		name  string
		setUp func(*bench)
		steps [][2]string
	}{
		{"another device's CSeq does not count after the answer", nil, [][2]string{
			dial, ringing,
			{"B0 UPDATE #5000 wrong-from-tag", "B0 200"},
			{"B0 200+sdp", answer},
			{"A ACK", ""},
			{"B0 BYE #20", "B0 200, A BYE, attempt B0 answered 200, over callee 200"},
		}},
		{"nor does what it was answered", nil, [][2]string{
			dial, ringing,
			{"B0 UPDATE #20 wrong-from-tag +hold", "B0 491"},
			{"B0 200+sdp", answer},
			{"A ACK", ""},
			{"B0 INVITE #20 +sdp", "B0 200+sdp"},
		}},
		{"a key press of a candidate that was left", nil, [][2]string{
			dial,
			{"B0 503", "B0 ACK, report B0 bad, attempt B0 refused 503, begin, B1 INVITE"},
			{"B1 200+sdp", "report B1 ok, B1 ACK, remote B, ring, answered, A 200+sdp"},
			{"A ACK", ""},
			{"B0 INFO #20 key-5", "B0 481"},
			{"B1 INFO #20 key-5", "A INFO"},
		}},
		{"BYE overtakes an answer with an offer", func(b *bench) { b.delayed = true }, [][2]string{
			{"A INVITE", "A 100, route, allocate, begin, B0 INVITE"},
			ringing,
			{"B0 BYE #20", "B0 200, attempt B0 refused 480, A 480, B0 CANCEL, over callee 480"},
			{"B0 200+sdp", "B0 ACK+sdp"},
			{"B0 200+sdp", "B0 ACK+sdp"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { script(t, c.setUp, c.steps...) })
	}
}
