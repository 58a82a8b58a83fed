package prefix

import (
	"math/rand/v2"
	"testing"

	"maskline/e164"
)

func TestStemsAreWhatADivisionGives(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for count := range e164.MaxDigits + 1 {
		power := powers[e164.MaxDigits-count]
		check := func(padded uint64) {
			want := stem(padded/power<<countBits | uint64(count))
			if got := stemOf(padded, count); got != want {
				t.Fatalf("%d digits of %015d: %d, want %d", count, padded, got>>countBits, want>>countBits)
			}
		}
		for range 100_000 {
			padded := random.Uint64N(1e15)
			check(padded)
			check(padded / power * power)
			check(padded/power*power + power - 1)
		}
		check(0)
		check(1e15 - 1)
	}
}
