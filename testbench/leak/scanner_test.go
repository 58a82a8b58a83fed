package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"maskline/e164"
)

const planted = "447700900123"

// packText is an independent, slow way to pack septets: bit by bit.
func packText(text string) []byte {
	out := make([]byte, (len(text)*7+7)/8)
	for i := range len(text) {
		for bit := range 7 {
			if text[i]>>bit&1 == 1 {
				at := i*7 + bit
				out[at/8] |= 1 << (at % 8)
			}
		}
	}
	return out
}

func swapped(digits string) []byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	for i := range b {
		b[i] = b[i]>>4 | b[i]<<4
	}
	return b
}

func TestFindsAPlantedNumber(t *testing.T) {
	wide := new(bytes.Buffer)
	for _, r := range "to " + planted {
		wide.Write([]byte{0, byte(r)})
	}
	cases := map[string][]byte{
		"header":                 []byte("From: <sip:+" + planted + "@host>"),
		"national":               []byte("tel:07700900123"),
		"escaped":                []byte("sip:%2B" + planted + "@host"),
		"separated":              []byte("call +44 7700 900-123 now"),
		"in brackets":            []byte("(07700) 900 123"),
		"digits escaped":         []byte("sip:%344%377%37%30%3090%30123@host"),
		"UCS-2":                  wide.Bytes(),
		"hex":                    []byte(hex.EncodeToString([]byte(planted))),
		"base64 at start":        []byte(base64.StdEncoding.EncodeToString([]byte(planted + " x"))),
		"base64 one octet in":    []byte(base64.StdEncoding.EncodeToString([]byte("x" + planted + "yz"))),
		"base64 two octets in":   []byte(base64.URLEncoding.EncodeToString([]byte("ab" + planted + "yz"))),
		"semi-octets":            swapped(planted),
		"semi-octets one off":    swapped("1" + planted + "f"),
		"packed text":            packText(planted),
		"packed text further in": packText("call " + planted + " now"),
		"packed, another place":  packText("ab" + planted),
	}
	scanner := NewScanner(e164.MustParse("+33612345678"), e164.MustParse(planted))
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			found := scanner.Find(append([]byte("noise before "), append(data, " and after"...)...))
			if len(found) == 0 {
				t.Fatal("not found")
			}
			for _, f := range found {
				if f.Number != 1 {
					t.Fatalf("found the wrong number: %v", f)
				}
				if strings.Contains(f.String(), planted) {
					t.Fatal("the finding shows the number")
				}
			}
		})
	}
}

func TestFindsNothingInNoise(t *testing.T) {
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	if found := NewScanner(e164.MustParse(planted)).Find(noise); len(found) > 0 {
		t.Fatalf("found %v in noise", found)
	}
	for _, other := range []string{"From: <sip:+447700900124@host>", "447700 1 900123", "100%, 4477-00-9001", "127.0.0.1:44770 0900"} {
		if Contains([]byte(other), e164.MustParse(planted)) {
			t.Fatalf("found in %q", other)
		}
	}
	if Contains([]byte("anything"), 0) {
		t.Fatal("found a number that is none")
	}
}
