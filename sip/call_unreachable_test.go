package sip

import (
	"strings"
	"testing"
)

// TestConnectionLostInACall has connections break under requests inside a dialog. A
// call that stands must not end by that.
func TestConnectionLostInACall(t *testing.T) {
	tcp := func(b *bench) {
		for _, tr := range append(b.trunks, b.trunkA) {
			tr.over = overTCP
		}
	}
	timer := func(allow string) func(*bench) {
		return func(b *bench) { tcp(b); b.headers, b.allow = "Supported: timer\r\n", allow }
	}
	up := [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
	}
	cases := []struct {
		name  string
		setUp func(*bench)
		steps [][2]string
	}{
		{"refresh by re-INVITE: the next one soon", timer(""), [][2]string{
			{"15m", "A INVITE+sdp"}, {"A lost", ""}, {"2s", "A INVITE+sdp"}, {"A 200+sdp re", "A ACK"}, {"10m", ""},
		}},
		{"refresh by UPDATE: the same again", timer("Allow: UPDATE\r\n"), [][2]string{
			{"15m", "A UPDATE"}, {"A lost", ""}, {"500ms", "A UPDATE"}, {"A 200 re", ""}, {"10m", ""},
		}},
		{"a change by re-INVITE is refused for now", tcp, [][2]string{
			{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"}, {"B0 lost", "A 500"}, {"A ACK #20", ""}, {"40s", ""},
		}},
		{"it was delivered after all: what was agreed is offered again", tcp, [][2]string{
			{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"},
			{"B0 lost", "A 500"},
			{"A ACK #20", ""},
			{"B0 200+held re", "B0 ACK, remote B, B0 INVITE+sdp"},
		}},
		{"a re-INVITE that was answered provisionally goes on", tcp, [][2]string{
			{"A INVITE #20 +hold", "A 100, B0 INVITE+sdp"}, {"B0 100 re", ""}, {"B0 lost", ""}, {"B0 200+held re", "B0 ACK, remote B, remote A, A 200+sdp"},
		}},
		{"a change by UPDATE: the same again", func(b *bench) { tcp(b); b.allow = "Allow: UPDATE\r\n" }, [][2]string{
			{"A UPDATE #20 +hold", "B0 UPDATE+sdp"}, {"B0 lost", ""}, {"500ms", "B0 UPDATE+sdp"}, {"B0 200+held re", "remote B, remote A, A 200+sdp"},
		}},
		{"INFO: the same again", tcp, [][2]string{
			{"A INFO #20 key-5", "B0 INFO"}, {"B0 lost", ""}, {"500ms", "B0 INFO"}, {"B0 200 re", "A 200"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { script(t, c.setUp, append(up[:3:3], c.steps...)...) })
	}
}

// TestTooLongForADatagram has a caller's trunk refuse the TCP that the length of a
// re-INVITE asks for.
func TestTooLongForADatagram(t *testing.T) {
	b := script(t, func(b *bench) { b.trunkA.TCPAbove, b.headers = 600, "Supported: timer\r\n" }, [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
		{"15m", "A INVITE+sdp"},
	}...)
	over := func() string { return header(b.last["A"], "Via")[:len("SIP/2.0/TCP")] }
	if over() != "SIP/2.0/TCP" {
		t.Fatal(over())
	}
	b.step("A lost")
	if got := b.step("0s"); got != "A INVITE+sdp" || over() != "SIP/2.0/UDP" {
		t.Fatal(got, over())
	}
	if got := b.step("A 500 re"); got != "A ACK" || over() != "SIP/2.0/UDP" || !strings.HasPrefix(b.last["A"], "ACK ") {
		t.Fatal(got, over())
	}
}

func TestConnectionLostUnderAPrack(t *testing.T) {
	script(t, func(b *bench) { b.trunks[0].over = overTCP }, [][2]string{
		{"A INVITE", dialled},
		{"B0 183 rseq-1", "B0 PRACK, report B0 ok, ring, A 183"},
		{"B0 lost", ""},
		{"500ms", "B0 PRACK"},
		{"B0 200 re", ""},
		{"10s", ""},
	}...)
}

// TestConnectionLostUnderAForksBye has the connection break that took the BYE of a
// second device's answer.
func TestConnectionLostUnderAForksBye(t *testing.T) {
	b := script(t, func(b *bench) { b.trunks[0].over = overTCP }, [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
		{"B0 200+sdp tag-2", "B0 ACK, B0 BYE"},
		{"5s", ""},
	}...)
	b.handle(evUnreachable{0, seqFork + 1})
	if got := b.step("1500ms"); got != "B0 BYE, B0 BYE" {
		t.Fatal(got)
	}
	b.step("B0 200 BYE")
	if got := b.step("10s"); got != "" {
		t.Fatal(got)
	}
}
