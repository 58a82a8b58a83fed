package e164

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	cases := []struct {
		name, in string
		digits   string
		fault    error
	}{
		{"with plus", "+447700900123", "447700900123", nil},
		{"without plus", "447700900123", "447700900123", nil},
		{"shortest", "1234567", "1234567", nil},
		{"longest", "999999999999999", "999999999999999", nil},
		{"leading zeros are kept", "0012345", "0012345", nil},
		{"too short", "123456", "", ErrLength},
		{"too long", "1234567890123456", "", ErrLength},
		{"far too long does not overflow", strings.Repeat("9", 400), "", ErrLength},
		{"empty", "", "", ErrLength},
		{"plus alone", "+", "", ErrLength},
		{"plus inside", "12345+678", "", ErrDigit},
		{"letter", "44770090012x", "", ErrDigit},
		{"space", "44 7700900123", "", ErrDigit},
		{"other digits", "٠١٢٣٤٥٦٧", "", ErrDigit},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n, err := Parse(c.in)
			if !errors.Is(err, c.fault) {
				t.Fatalf("fault %v, want %v", err, c.fault)
			}
			if got := string(n.AppendDigits(nil)); got != c.digits {
				t.Fatalf("digits differ: %d octets, want %d", len(got), len(c.digits))
			}
			fromBytes, err := Parse([]byte(c.in))
			if fromBytes != n || !errors.Is(err, c.fault) {
				t.Fatal("bytes and string parse differently")
			}
			if c.fault == nil && n.Reveal() != "+"+c.digits {
				t.Fatal("Reveal does not give the number back")
			}
		})
	}
}

func TestDifferentLengthsDiffer(t *testing.T) {
	if MustParse("01234567") == MustParse("1234567") {
		t.Fatal("a leading zero was lost")
	}
}

func TestNeverPrinted(t *testing.T) {
	n := MustParse("+447700900123")
	asJSON, err := json.Marshal(map[string]any{"n": n, "m": map[Number]int{n: 1}})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(asJSON), fmt.Sprint(struct{ N Number }{n})}
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%X", "%o", "%b", "%s", "%q", "%020d"} {
		texts = append(texts, fmt.Sprintf(verb, n))
	}
	for _, text := range texts {
		if strings.Contains(text, "7700900") || strings.Contains(text, "68f") || !strings.Contains(text, "…23") {
			t.Errorf("not redacted: %s", text)
		}
	}
}

func TestCanonical(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"argentine mobile", "5491123456789", "541123456789"},
		{"argentine without 9", "541123456789", "541123456789"},
		{"mexican mobile", "5215512345678", "525512345678"},
		{"mexican without 1", "525512345678", "525512345678"},
		{"other thirteen digits", "4915123456789", "4915123456789"},
		{"same start but shorter", "549112345678", "549112345678"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if MustParse(c.in).Canonical() != MustParse(c.want) {
				t.Fatal("canonical form differs")
			}
		})
	}
}

func TestHasPrefix(t *testing.T) {
	n := MustParse("447700900123")
	for prefix, want := range map[string]bool{
		"": true, "4": true, "44": true, "447700900123": true,
		"45": false, "7": false, "4477009001234": false, "0": false,
	} {
		if n.HasPrefix(prefix) != want {
			t.Errorf("prefix %q: got %v", prefix, !want)
		}
	}
	if !MustParse("0044123").HasPrefix("00") {
		t.Error("leading zeros are not compared")
	}
}

func TestRedact(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"nothing to hide", "bind of alfa is up", "bind of alfa is up"},
		{"bare digits", "to 447700900123 failed", "to …23 failed"},
		{"plus", "sip:+447700900123@host", "sip:…23@host"},
		{"spaced after plus", "call +44 7700 900-123 now", "call …23 now"},
		{"six digits stay", "code 123456", "code 123456"},
		{"address stays", "127.0.0.1:5060", "127.0.0.1:5060"},
		{"date stays", "2026-11-21T10:11:12", "2026-11-21T10:11:12"},
		{"two numbers", "4477009001,4477009002", "…01,…02"},
		{"escaped", "%2B447700900123", "%2B…23"},
		{"only digits", "447700900123", "…23"},
		{"sixteen digits", "1234567890123456", "…56"},
		{"empty", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Redact(c.in); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("a +44 77 00 900123 b")
	f.Fuzz(func(t *testing.T, s string) {
		run := 0
		for _, c := range []byte(Redact(s)) {
			if c >= '0' && c <= '9' {
				run++
			} else {
				run = 0
			}
			if run >= MinDigits {
				t.Fatalf("a run of digits is left in %q", Redact(s))
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in := []byte("447700900123")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}

func TestValid(t *testing.T) {
	for _, n := range []Number{MustParse("0000000"), MustParse("9999999"), MustParse("999999999999999"), MustParse("+447700900123")} {
		if !n.Valid() {
			t.Errorf("%v was parsed and is not valid", n)
		}
	}
	for name, n := range map[string]Number{
		"none": 0, "six digits": 6<<digitBits | 123456, "no count": 4477009, "sixteen": 1<<(digitBits+4) | MustParse("1234567"),
		"more digits than it says": 7<<digitBits | 10_000_000, "all ones": 1<<64 - 1, "negative in SQL": 1<<63 | MustParse("1234567"),
	} {
		if n.Valid() {
			t.Errorf("%s is valid", name)
		}
	}
}
