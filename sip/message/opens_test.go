package message

import (
	"strings"
	"testing"
)

func TestOpens(t *testing.T) {
	head := func(uri, to string) string {
		return "INVITE " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n" + to + "\r\n\r\nto: <x>;tag=1\r\n"
	}
	const mask = "sip:+441110000001@edge"
	cases := []struct {
		name, text string
		want       bool
	}{
		{"a call to a mask", head(mask, "To: <"+mask+">"), true},
		{"a tel URI", head("tel:+441110000001;phone-context=x", "To: <x>"), true},
		{"in a call", head(mask, "To: <"+mask+">;tag=abc"), false},
		{"in a call, compact", head(mask, "t: <"+mask+"> ; TAG = abc"), false},
		{"in a call, folded", head(mask, "To: <"+mask+">\r\n ;tag=abc"), false},
		{"emergency", head("sip:112@edge", "To: <sip:112@edge>"), false},
		{"emergency as tel", head("tel:999", "To: <tel:999>"), false},
		{"emergency as URN", head("urn:service:sos", "To: <urn:service:sos>"), false},
		{"a text to a mask", strings.Replace(head(mask, "To: <x>"), "INVITE", "MESSAGE", 1), true},
		{"a text in a call", strings.Replace(head(mask, "To: <x>;tag=abc"), "INVITE", "MESSAGE", 1), false},
		{"a text to an emergency number", strings.Replace(head("sip:911@edge", "To: <x>"), "INVITE", "MESSAGE", 1), false},
		{"BYE", strings.Replace(head(mask, "To: <x>"), "INVITE", "BYE", 1), false},
		{"a response", "SIP/2.0 200 OK\r\n\r\n", false},
		{"cut off", "INVITE " + mask, true},
		{"nothing", "", false},
	}
	for _, c := range cases {
		if got := Opens([]byte(c.text)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func BenchmarkOpens(b *testing.B) {
	data := wire(invite)
	b.ReportAllocs()
	for b.Loop() {
		if !Opens(data) {
			b.Fatal("no")
		}
	}
}
