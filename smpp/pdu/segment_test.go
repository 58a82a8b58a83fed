package pdu

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRoom(t *testing.T) {
	cases := []struct {
		name   string
		a      Alphabet
		header int
		want   int
	}{
		{"septets", GSM7, 0, 160},
		{"septets, 8-bit reference", GSM7, 6, 153},
		{"septets, 16-bit reference", GSM7, 7, 152},
		{"Latin-1 counts as septets", Latin1, 6, 153},
		{"UCS2", UCS2, 0, 140},
		{"UCS2, 8-bit reference", UCS2, 6, 134},
		{"binary, 16-bit reference", Binary, 7, 133},
		{"a header that fills the message", Binary, 141, 0},
	}
	for _, c := range cases {
		if got := Room(c.a, c.header); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	cases := []struct {
		name string
		a    Alphabet
		text string
		room int
		want int
	}{
		{"all fits", GSM7, "abc", 3, 3},
		{"in the middle", GSM7, "abcd", 3, 3},
		{"before an escape", GSM7, "ab\x1be", 3, 2},
		{"after an escaped character", GSM7, "a\x1bee", 3, 3},
		{"two escapes are one character", GSM7, "a\x1b\x1be", 3, 3},
		{"three escapes", GSM7, "\x1b\x1b\x1be", 3, 2},
		{"no room", GSM7, "abc", 0, 0},
		{"no room for an escaped character", GSM7, "\x1be", 1, 0},
		{"UCS2", UCS2, "\x00a\x00b", 2, 2},
		{"UCS2 at an odd place", UCS2, "\x00a\x00b", 3, 2},
		{"before a pair", UCS2, "\x00a\xd8\x3d\xde\x00", 4, 2},
		{"after a pair", UCS2, "\xd8\x3d\xde\x00\x00a", 4, 4},
		{"low surrogate alone", UCS2, "\xde\x00\x00a", 2, 2},
		{"Latin-1 with an extension", Latin1, "ab[d", 3, 2},
		{"Latin-1", Latin1, "ab\xe9d", 3, 3},
		{"binary", Binary, "\x1b\x1b\xd8", 1, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Cut(c.a, []byte(c.text), c.room); got != c.want {
				t.Fatalf("%d, want %d", got, c.want)
			}
		})
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte(strings.Repeat("\x1b", 500)), byte(0), 7)
	f.Add([]byte(strings.Repeat("\xd8\x3d\xde\x00", 20_000)), byte(UCS2), 133)
	f.Add([]byte(strings.Repeat("[a", 300)), byte(Latin1), 1)
	f.Fuzz(func(t *testing.T, text []byte, alphabet byte, room int) {
		a := Alphabet(alphabet % byte(OtherText+1))
		if room < 4 || room > 160 { // the longest character takes four
			return
		}
		whole, err := AppendText(nil, text, nil, CodingDefault, a)
		var parts, read []byte
		for rest := text; len(rest) > 0; {
			n := Cut(a, rest, room)
			if n <= 0 || Units(a, rest[:n]) > room {
				t.Fatalf("%d octets, %d units of %d", n, Units(a, rest[:n]), room)
			}
			parts = append(parts, rest[:n]...)
			if a != GSM7Packed {
				read, _ = AppendText(read, rest[:n], nil, CodingDefault, a)
			}
			rest = rest[n:]
		}
		if !bytes.Equal(parts, text) {
			t.Fatal("octets were lost")
		}
		if err == nil && a != GSM7Packed && !bytes.ContainsRune(whole, utf8.RuneError) && !bytes.Equal(read, whole) {
			t.Fatal("a character was cut")
		}
	})
}
