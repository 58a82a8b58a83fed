package e164

import (
	"errors"
	"fmt"
	"testing"
)

func TestShortCode(t *testing.T) {
	for text, digits := range map[string]string{"44:60123": "60123", "1:211": "211", "999:999999": "999999", "33:007": "007"} {
		n, err := ParseMask(text)
		if err != nil || !n.IsShortCode() {
			t.Fatalf("%q: %v", text, err)
		}
		if n.Reveal() != text || string(n.AppendDigits(nil)) != digits || n.Len() != len(digits) || n.Canonical() != n {
			t.Errorf("%q: %q, %q", text, n.Reveal(), n.AppendDigits(nil))
		}
		if n >= MustParse("0000000") || uint64(n)>>54 != 0 || !n.Valid() || (n | 1<<30).Valid() {
			t.Errorf("%q: what is packed", text)
		}
		if got := fmt.Sprint(n); got != "…"+digits[len(digits)-2:] {
			t.Errorf("printed as %q", got)
		}
	}
	one, _ := ShortCode(44, "60123")
	other, _ := ShortCode(33, []byte("60123"))
	if one == other || one.CallingCode() != "44" || other.CallingCode() != "33" {
		t.Error("the same digits of two countries are one")
	}
	if n, err := ParseMask("+447700900123"); err != nil || n.IsShortCode() || n != MustParse("447700900123") {
		t.Error("a number is none any more")
	}
}

func TestShortCodeFaults(t *testing.T) {
	for _, text := range []string{":60123", "44:", "44:12", "44:1234567", "044:60123", "1000:60123", "+44:60123", "44:6012x", "44:60:12", "4 4:60123"} {
		if n, err := ParseMask(text); !errors.Is(err, ErrShortCode) {
			t.Errorf("%q: %v, %v", text, n, err)
		}
	}
	if _, err := ParseMask("60123"); !errors.Is(err, ErrLength) {
		t.Error("short code without a country")
	}
	for _, code := range []uint16{0, 1000} {
		if _, err := ShortCode(code, "60123"); err == nil {
			t.Errorf("calling code %d", code)
		}
	}
}
