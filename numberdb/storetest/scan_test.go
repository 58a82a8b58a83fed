package storetest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestScannerFindsEveryForm(t *testing.T) {
	numbers := RealNumbers(50)
	scanner := NewScanner(numbers)
	noise := make([]byte, 1<<16)
	random := rand.NewChaCha8([32]byte{7})
	_, _ = random.Read(noise) // it never fails
	if n := scanner.Found(noise); n != 0 {
		t.Fatalf("%d numbers in noise", n)
	}
	for i, form := range Forms(numbers[3]) {
		if n := scanner.Found(append(bytes.Clone(noise[:100+i]), form+"x"...)); n != 1 {
			t.Errorf("form %d: %d found", i, n)
		}
	}
	for pad := range 3 {
		text := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%.*s%s and more", pad, "abc", numbers[5].Reveal()))
		if n := scanner.Found([]byte(text)); n != 1 {
			t.Errorf("base64 after %d octets: %d found", pad, n)
		}
	}
	var all []byte
	for _, n := range numbers {
		all = append(all, n.Reveal()...)
	}
	if n := scanner.Found(all); n != len(numbers) {
		t.Errorf("%d of %d found", n, len(numbers))
	}
}
