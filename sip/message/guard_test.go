package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	good := string(wire(invite))
	with := func(header string) string {
		return strings.Replace(good, "Max-Forwards: 60\r\n", "Max-Forwards: 60\r\n"+header+"\r\n", 1)
	}
	start := func(line string) string { return line + "\r\nVia: SIP/2.0/UDP a\r\n\r\n" }
	cases := []struct {
		name, text string
		want       Drop
	}{
		{"invite", good, Pass},
		{"status line", start("SIP/2.0 180 Ringing"), Pass},
		{"status line without a phrase", start("SIP/2.0 180 "), Pass},
		{"version that has an answer", start("OPTIONS sip:a SIP/7.0"), Pass},
		{"folded header", with("Subject: a\r\n b"), Pass},
		{"bytes of UTF-8", with("Subject: héllo"), Pass},
		{"escaped quote", with(`Subject: "a\"b;;;;;;;;;;;;;;;;;;;;"`), Pass},
		{"body of any bytes", good + "\x00\n\r", Pass},
		{"long Identity", with("Identity: " + strings.Repeat("a", 3000)), Pass},
		{"16 parameters", with("X-Y: a" + strings.Repeat(";b", 16)), Pass},
		{"parameters of each value by itself", with("Route: <sip:a>" + strings.Repeat(";b", 9) + ",<sip:a>" + strings.Repeat(";b", 9)), Pass},

		{"one octet too many", good + strings.Repeat("x", MaxDatagram+1-len(good)), TooLarge},
		{"empty", "", Keepalive},
		{"CRLF", "\r\n\r\n", Keepalive},
		{"zeros", "\x00\x00", Keepalive},
		{"no SIP", "GET / HTTP/1.1\r\n\r\n", BadStartLine},
		{"three words too many", start("INVITE sip:a b SIP/2.0"), BadStartLine},
		{"space at the end", start("OPTIONS sip:a SIP/2.0 "), BadStartLine},
		{"two spaces", start("OPTIONS  sip:a SIP/2.0"), BadStartLine},
		{"no method", start(" sip:a SIP/2.0"), BadStartLine},
		{"long method", start(strings.Repeat("A", 33) + " sip:a SIP/2.0"), BadStartLine},
		{"method with a colon", start("IN:VITE sip:a SIP/2.0"), BadStartLine},
		{"brackets around the URI", start("OPTIONS <sip:a> SIP/2.0"), BadStartLine},
		{"quote in the URI", start(`OPTIONS sip:a;b="c" SIP/2.0`), BadStartLine},
		{"long version", start("OPTIONS sip:a SIP/2.00"), BadStartLine},
		{"status code of four digits", start("SIP/2.0 1800 Ringing"), BadStartLine},
		{"status code 700", start("SIP/2.0 700 What"), BadStartLine},
		{"status code of letters", start("SIP/2.0 2xx OK"), BadStartLine},
		{"17 parameters of the URI", start("OPTIONS sip:a" + strings.Repeat(";b", 17) + " SIP/2.0"), TooManyParams},
		{"long start line", start("OPTIONS sip:" + strings.Repeat("a", 1024) + " SIP/2.0"), LineTooLong},
		{"lines that end in LF", strings.ReplaceAll(good, "\r\n", "\n"), BadByte},
		{"lone LF in a header", with("Subject: a\nX-Evil: b"), BadByte},
		{"lone CR in a header", with("Subject: a\rX-Evil: b"), BadByte},
		{"NUL in a header", with("Subject: a\x00b"), BadByte},
		{"DEL in a header", with("Subject: a\x7fb"), BadByte},
		{"no colon", with("Subject"), BadHeader},
		{"no name", with(": a"), BadHeader},
		{"name of two words", with("Sub ject: a"), BadHeader},
		{"space before the colon", with("Subject : a"), SpaceBeforeColon},
		{"tab before the colon", with("Subject\t: a"), SpaceBeforeColon},
		{"folded line first", "OPTIONS sip:a SIP/2.0\r\n Via: b\r\n\r\n", BadHeader},
		{"long header", with("Subject: " + strings.Repeat("a", 1100)), LineTooLong},
		{"long header in folds", with("Subject: " + strings.Repeat(strings.Repeat("a", 100)+"\r\n ", 12) + "a"), LineTooLong},
		{"too long Identity", with("Identity: " + strings.Repeat("a", 4097)), LineTooLong},
		{"65 headers", with(strings.TrimSuffix(strings.Repeat("X: y\r\n", 65), "\r\n")), TooManyHeaders},
		{"11 Via headers", with(strings.TrimSuffix(strings.Repeat("Via: SIP/2.0/UDP a\r\n", 9), "\r\n")), TooManyVias},
		{"11 Vias in a compact header", with("v: a" + strings.Repeat(",a", 8)), TooManyVias},
		{"17 parameters", with("X-Y: a" + strings.Repeat(";b", 17)), TooManyParams},
		{"17 parameters in folds", with("X-Y: a" + strings.Repeat("\r\n ;b", 17)), TooManyParams},
		{"17 headers in a URI", with("X-Y: <sip:a?b" + strings.Repeat("&b", 17) + ">"), TooManyParams},
		{"quote in Via", with(`Via: SIP/2.0/UDP a;b="c"`), QuoteInVia},
		{"quote in a folded Via", with("v: SIP/2.0/UDP a\r\n ;b=\"c\""), QuoteInVia},
		{"no empty line", strings.Split(good, "\r\n\r\n")[0] + "\r\n", NoEnd},
		{"cut inside a line", good[:100], NoEnd},
		{"cut after CR", "OPTIONS sip:a SIP/2.0\r", NoEnd},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Check([]byte(c.text)); got != c.want {
				t.Fatalf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestDropsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Drops() {
		if d == Pass || d.String() == "" || d.String() == "invalid" || seen[d.String()] {
			t.Fatalf("%d is named %q", d, d)
		}
		seen[d.String()] = true
	}
}

// bomb is the message whose answer grows with the square of its size.
func bomb(size int) []byte {
	var b bytes.Buffer
	b.WriteString("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP 192.0.2.1")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, ";p%d=\"1\"", i)
	}
	b.WriteString("\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n")
	return b.Bytes()
}

func TestCheckAllocatesNothing(t *testing.T) {
	for name, b := range map[string][]byte{"invite": wire(invite), "60 KB of quoted parameters": bomb(60_000), "8 KB of them": bomb(7_900)} {
		if n := testing.AllocsPerRun(100, func() { Check(b) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if got := Check(bomb(60_000)); got != TooLarge {
		t.Errorf("60 KB: %v", got)
	}
	if got := Check(bomb(1_000)); got != QuoteInVia {
		t.Errorf("1 KB: %v", got)
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, text := range map[string][]byte{"invite": wire(invite), "bomb60k": bomb(60_000), "bomb8k": bomb(7_900)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Check(text)
			}
		})
	}
}
