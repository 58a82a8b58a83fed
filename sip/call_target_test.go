package sip

import (
	"strings"
	"testing"
)

// TestTargetStaysWithoutContact has answers in a call that lack the Contact which
// they should have: our next request goes where the last one went.
func TestTargetStaysWithoutContact(t *testing.T) {
	up := [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
	}
	t.Run("2xx to a re-INVITE", func(t *testing.T) {
		b := script(t, nil, append(up,
			[2]string{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"},
			[2]string{"B0 200+held re no-contact", "B0 ACK, remote B, remote A, A 200+sdp"},
			[2]string{"A BYE #21", "A 200, B0 BYE, attempt B0 answered 200, over caller 200"})...)
		if line, _, _ := strings.Cut(b.last["B0"], "\r\n"); line != "BYE sip:198.51.100.1:5070 SIP/2.0" {
			t.Error(line)
		}
	})
	t.Run("2xx to an UPDATE", func(t *testing.T) {
		b := script(t, func(b *bench) { b.allow = "Allow: UPDATE\r\n" }, append(up,
			[2]string{"B0 UPDATE #20 +hold", "A UPDATE+sdp"},
			[2]string{"A 200+held re no-contact", "remote A, remote B, B0 200+sdp"},
			[2]string{"B0 BYE #21", "B0 200, A BYE, attempt B0 answered 200, over callee 200"})...)
		if line, _, _ := strings.Cut(b.last["A"], "\r\n"); line != "BYE sip:192.0.2.10:5062 SIP/2.0" {
			t.Error(line)
		}
	})
}
