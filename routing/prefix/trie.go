package prefix

import (
	"math/bits"

	"maskline/e164"
)

// Trie finds offers by prefix. It never changes; the zero Trie has none.
//
// It has no nodes. Every prefix has a line of the cache with its stem and its
// offers, in the place that a perfect hash gives it. The first digits of a number
// say how long the prefixes are that it can begin with, so that their lines are
// read at once and the machine waits for memory once, where a walk from digit to
// digit waits for each.
type Trie struct {
	lines  []packed // of a prefix: its stem, its offers, a link; behind them what had no room
	places places
	heads  []uint16          // by the first digits, a bit for each length of what begins with them, or with which they begin
	width  uint64            // numbers of 15 digits with the same first digits
	short  uint32            // the lengths that those digits decide
	dated  map[uint32]uint32 // by place in lines, when an offer begins to hold
	rows   int
}

const (
	maxHead = 6 // digits: two megabytes
	line    = 8 // words in a line of the cache
	inLine  = line - 2
	nobody  = ^packed(0) // in place of a stem
)

// find is the place of the first offer for the longest prefix that a number begins
// with; 0: there is none.
func (t *Trie) find(n e164.Number) uint32 {
	if len(t.heads) == 0 {
		return 0
	}
	padded, count := n.Padded()
	lengths := uint32(t.heads[padded/t.width]) & (2<<count - 1)
	if short := lengths & t.short; short != 0 {
		lengths = lengths&^t.short | 1<<(bits.Len32(short)-1)
	}
	var at [e164.MaxDigits + 1]uint32
	var differs [e164.MaxDigits + 1]packed
	read := 0
	for ; lengths != 0; read++ { // the longest first; nothing here waits for what is read
		length := bits.Len32(lengths) - 1
		lengths &^= 1 << length
		key := stemOf(padded, length)
		place := t.places.of(key) * line
		at[read&e164.MaxDigits] = place
		differs[read&e164.MaxDigits] = t.lines[place] ^ packed(key)
	}
	for i, d := range differs[:read] {
		if d == 0 {
			return at[i] + 1
		}
	}
	return 0
}

// Len is the number of rows that it was made of.
func (t *Trie) Len() int { return t.rows }

// Size is the memory that the trie takes, in octets.
func (t *Trie) Size() int {
	return 8*len(t.lines) + 2*len(t.places.groups) + 2*len(t.heads) + 24*len(t.dated)
}
