package prefix

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"maskline/e164"
	"maskline/numberdb"
)

func TestEveryPrefixHasAPlaceOfItsOwn(t *testing.T) {
	for _, count := range []int{1, 2, 7, 100, 60_000} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			keys := make([]stem, count)
			for i := range keys {
				keys[i] = stem(10_000_000+i)<<countBits | 8 // one after the other, as price lists are
			}
			places := newPlaces(keys)
			taken := map[uint32]bool{}
			for _, key := range keys {
				at := places.of(key)
				if taken[at] || uint64(at) >= places.count {
					t.Fatalf("place %d of %d is not its own", at, places.count)
				}
				taken[at] = true
			}
		})
	}
}

// Where too few places are left, there are more at the next attempt.
func TestPlacesBecomeMore(t *testing.T) {
	keys := []stem{1, 2, 3, 4, 5}
	p := places{groups: make([]uint16, 1), count: 4}
	g := p.grouped(keys)
	if p.number(g) {
		t.Fatal("five prefixes are in four places")
	}
	if p.count = 8; !p.number(g) {
		t.Fatal("five prefixes have no room in eight places")
	}
}

// Few digits make deep paths; many carriers make lists that no line holds; numbers
// of all lengths end within them.
func TestWalksOfDeepPathsAndLongLists(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	digit := func() string { return string(rune('0' + random.IntN(2))) }
	known, byPrefix := map[Digits]bool{0: true}, map[Digits][]Row{}
	var rows []Row
	for len(known) < 400 {
		text := digit()
		for range random.IntN(14) {
			text += digit()
		}
		d := digits(t, text)
		if known[d] {
			continue
		}
		known[d] = true
		for carrier := range uint16(30) {
			if random.IntN(3) == 0 {
				rows = append(rows, Row{d, Offer{Cost: random.Uint64N(1e8), Carrier: carrier, Services: both, Quality: uint8(random.IntN(101))}})
			}
		}
	}
	trie := build(t, rows)
	for _, r := range rows {
		byPrefix[r.Prefix] = append(byPrefix[r.Prefix], r)
	}
	for range 50_000 {
		text := ""
		for range e164.MinDigits + random.IntN(e164.MaxDigits-e164.MinDigits+1) {
			text += digit()
		}
		n := e164.MustParse(text)
		w := trie.Walk(n, numberdb.SMS, noon)
		if !meetsAll(&w, byPrefix, n) {
			t.Fatalf("%s: met %q", text, met(trie, n, numberdb.SMS, noon))
		}
	}
}
