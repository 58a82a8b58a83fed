package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const framed = "OPTIONS sip:edge SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nContent-Length: 5\r\n\r\nhello"

// cutAll feeds a stream in pieces and lists what it holds.
func cutAll(t testing.TB, most int, pieces ...string) []string {
	t.Helper()
	f := Framer{Most: most}
	var seen []string
	for _, p := range pieces {
		for p != "" {
			n := copy(f.Room(), p)
			f.Filled(n)
			p = p[n:]
			for more := true; more; {
				switch kind, b, why := f.Next(); kind {
				case FrameMessage:
					seen = append(seen, string(b))
					f.Cut()
				case FramePing:
					seen = append(seen, "ping")
				case FrameUnframed:
					return append(seen, "unframed "+why.String())
				case FrameGarbage:
					return append(seen, "garbage "+why.String())
				case FramePartial:
					more = false
				}
			}
		}
	}
	if !f.Empty() {
		seen = append(seen, "partial")
	}
	return seen
}

func TestFraming(t *testing.T) {
	length := func(lines string) string {
		return strings.Replace(framed, "Content-Length: 5\r\n", lines, 1)
	}
	cases := []struct {
		name, stream string
		want         []string
	}{
		{"one message", framed, []string{framed}},
		{"pipelined", framed + framed + framed[:20], []string{framed, framed, "partial"}},
		{"CRLF before and between", "\r\n" + framed + "\r\n" + framed, []string{framed, framed}},
		{"a ping", "\r\n\r\n" + framed, []string{"ping", framed}},
		{"two pings and an answer to one", "\r\n\r\n\r\n\r\n\r\n", []string{"ping", "ping"}},
		{"half a CRLF", "\r", []string{"partial"}},
		{"the short form", length("l:5\r\n"), []string{length("l:5\r\n")}},
		{"folded", length("Content-Length:\r\n  5\r\n"), []string{length("Content-Length:\r\n  5\r\n")}},
		{"no body", length("CONTENT-LENGTH : 0\r\n")[:len(length("CONTENT-LENGTH : 0\r\n"))-5], []string{length("CONTENT-LENGTH : 0\r\n")[:len(length("CONTENT-LENGTH : 0\r\n"))-5]}},
		{"no Content-Length", length(""), []string{"unframed bad_content_length"}},
		{"two", length("Content-Length: 5\r\nContent-Length: 5\r\n"), []string{"unframed bad_content_length"}},
		{"two, one of them short", length("Content-Length: 5\r\nl: 3\r\n"), []string{"unframed bad_content_length"}},
		{"negative", length("Content-Length: -5\r\n"), []string{"unframed bad_content_length"}},
		{"a list", length("Content-Length: 5,5\r\n"), []string{"unframed bad_content_length"}},
		{"empty", length("Content-Length: \r\n"), []string{"unframed bad_content_length"}},
		{"beyond int64", length("Content-Length: 99999999999999999999\r\n"), []string{"unframed bad_content_length"}},
		{"longer than allowed", length("Content-Length: 9000\r\n"), []string{"unframed too_large"}},
		{"headers without end", "OPTIONS sip:edge SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 3000), []string{"garbage too_large"}},
		{"a line without end", strings.Repeat("A", 20000), []string{"garbage too_large"}},
		{"TLS where none is spoken", "\x16\x03\x01\x02\x00", []string{"garbage bad_start_line"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := cutAll(t, 8<<10, c.stream); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("in one piece:\n%q, want\n%q", got, c.want)
			}
			for at := 1; at < min(len(c.stream), 400); at++ {
				if got := cutAll(t, 8<<10, c.stream[:at], c.stream[at:]); fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Fatalf("cut at %d:\n%q, want\n%q", at, got, c.want)
				}
			}
			var drip []string
			for _, b := range []byte(c.stream) {
				drip = append(drip, string([]byte{b}))
			}
			if got := cutAll(t, 8<<10, drip...); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("octet by octet:\n%q, want\n%q", got, c.want)
			}
		})
	}
}

// TestFramerLetsGo keeps the buffer of a long message for no longer than it.
func TestFramerLetsGo(t *testing.T) {
	f := Framer{Most: 64 << 10}
	long := strings.Replace(framed, "Content-Length: 5\r\n\r\nhello", "Content-Length: 60000\r\n\r\n", 1) + strings.Repeat("x", 60000)
	for text := long; text != ""; {
		n := copy(f.Room(), text)
		f.Filled(n)
		text = text[n:]
		f.Next()
	}
	if kind, b, _ := f.Next(); kind != FrameMessage || len(b) != len(long) {
		t.Fatalf("%v, %d octets", kind, len(b))
	}
	if f.Cut(); cap(f.buf) > firstRead {
		t.Errorf("%d octets are kept", cap(f.buf))
	}
}

func FuzzFramer(f *testing.F) {
	f.Add([]byte(framed+framed), 10)
	f.Add([]byte("\r\n\r\n"+framed), 3)
	f.Add([]byte("OPTIONS sip:x SIP/2.0\r\nl: 0\r\nl:\r\n 1\r\n\r\n"), 30)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		if len(stream) == 0 {
			return
		}
		cut = int(uint(cut) % uint(len(stream)))
		whole, parts := cutAll(t, 8<<10, string(stream)), cutAll(t, 8<<10, string(stream[:cut]), string(stream[cut:]))
		if fmt.Sprint(whole) != fmt.Sprint(parts) {
			t.Fatalf("%q\nin parts %q", whole, parts)
		}
		if !bytes.Contains(stream, []byte("\r\n\r\n")) && len(whole) > 1 {
			t.Fatalf("%q of %q", whole, stream)
		}
	})
}

func BenchmarkFramer(b *testing.B) {
	f := Framer{Most: 64 << 10}
	b.ReportAllocs()
	for b.Loop() {
		f.Filled(copy(f.Room(), framed))
		if kind, _, _ := f.Next(); kind != FrameMessage {
			b.Fatal(kind)
		}
		f.Cut()
	}
}
