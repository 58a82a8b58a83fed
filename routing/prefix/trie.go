package prefix

import (
	"errors"
	"fmt"
	"slices"

	"maskline/e164"
)

// Trie finds offers by prefix. It never changes; the zero Trie has none.
//
// It is flat: the first digits of a number lead through a table to the few
// prefixes that begin with them, which stand in order; every prefix leads to the
// longest one that it begins with. Of the number's place in that order and the
// prefixes above it, the first that the number begins with is the longest of all.
// That is three or four places of memory, where a walk from digit to digit takes
// one for each.
type Trie struct {
	prefixes []entry           // in order; the first is none
	heads    []uint32          // by the first digits, the first prefix that is not before them
	width    uint64            // numbers of 15 digits with the same first digits
	offers   []packed          // lists, each ended by a link
	dated    map[uint32]uint32 // by place in offers, when it begins to hold
	rows     int
}

type entry struct {
	Digits
	list uint32 // its first offer
	up   uint32 // the longest prefix that it begins with; 0: none
}

const (
	maxHead = 6 // digits: four megabytes
	line    = 8 // offers in a line of the cache; a list begins with one
)

// maxRows keeps places of offers in 32 bits.
const maxRows = 100_000_000

var errTooLarge = errors.New("too many rows; expected at most 100000000")

// Build makes a trie of rows that Sort or Merge has left. Of the rows of one
// prefix and carrier that hold at an instant, the first one counts.
func Build(rows []Row) (*Trie, error) {
	if len(rows) > maxRows {
		return nil, fmt.Errorf("building the prefixes: %w", errTooLarge)
	}
	distinct := 0
	for i := range rows {
		if i == 0 || rows[i].Prefix != rows[i-1].Prefix {
			distinct++
		}
	}
	b := builder{
		rows: rows,
		from: make([]uint32, 1, distinct+2),
		t:    &Trie{prefixes: make([]entry, 1, distinct+1), dated: map[uint32]uint32{}, rows: len(rows)},
	}
	b.enter()
	b.list()
	b.t.head()
	return b.t, nil
}

type builder struct {
	rows []Row
	from []uint32 // of each prefix, its first row; of the one after the last, their count
	t    *Trie
}

// enter lists the prefixes and what each begins with.
func (b *builder) enter() {
	above := uint32(0)
	for i := 0; i < len(b.rows); {
		p := b.rows[i].Prefix
		for above != 0 && !p.begins(b.t.prefixes[above].Digits) {
			above = b.t.prefixes[above].up
		}
		b.t.prefixes = append(b.t.prefixes, entry{Digits: p, up: above})
		b.from = append(b.from, uint32(i))
		above = uint32(len(b.t.prefixes) - 1)
		for i < len(b.rows) && b.rows[i].Prefix == p {
			i++
		}
	}
	b.from = append(b.from, uint32(len(b.rows)))
}

// list writes each prefix's offers and those above while they fit, and then where
// the rest is.
func (b *builder) list() {
	t := b.t
	// Each list ends within a line after its own offers, so this is never too few.
	t.offers = make([]packed, line, line*len(t.prefixes)+len(b.rows))
	for at := range t.prefixes[1:] {
		at := uint32(at + 1)
		start := len(t.offers)
		t.prefixes[at].list = uint32(start)
		b.write(start, at)
		up := t.prefixes[at].up
		for ; up != 0 && len(t.offers)-start+b.own(up) < line; up = t.prefixes[up].up {
			b.write(start, up)
		}
		t.offers = append(t.offers, link(t.prefixes[up].list))
		for len(t.offers)%line > 0 {
			t.offers = append(t.offers, 0)
		}
	}
	t.offers = slices.Clip(t.offers)
}

func (b *builder) own(at uint32) int { return int(b.from[at+1] - b.from[at]) }

// write appends the own offers of a prefix, but for those that others in the list
// always go before.
func (b *builder) write(start int, at uint32) {
	t := b.t
	rows := b.rows[b.from[at]:b.from[at+1]]
	for i := range rows {
		p := pack(&rows[i])
		if slices.ContainsFunc(t.offers[start:], func(before packed) bool { return before.hides(p) }) {
			continue
		}
		if rows[i].From > 0 {
			t.dated[uint32(len(t.offers))] = rows[i].From
		}
		t.offers = append(t.offers, p)
	}
}

// head fills the table of first digits: about as many as there are prefixes.
func (t *Trie) head() {
	count := 0
	for count < maxHead && powers[count+1] <= 4*uint64(len(t.prefixes)) {
		count++
	}
	t.width = powers[e164.MaxDigits-count]
	t.heads = make([]uint32, powers[count]+1)
	next := 1
	for i := range t.heads {
		for next < len(t.prefixes) && t.prefixes[next].padded() < uint64(i)*t.width {
			next++
		}
		t.heads[i] = uint32(next)
	}
	t.heads[len(t.heads)-1] = uint32(len(t.prefixes))
}

// find is the longest prefix in the trie that a number begins with.
func (t *Trie) find(n e164.Number) uint32 {
	if len(t.prefixes) == 0 {
		return 0
	}
	padded, count := n.Padded()
	head := padded / t.width
	from, to := t.heads[head], t.heads[head+1]
	key := Digits(padded<<countBits | uint64(count))
	for to-from > 0 { // the first prefix after the number
		if mid := from + (to-from)/2; t.prefixes[mid].Digits <= key {
			from = mid + 1
		} else {
			to = mid
		}
	}
	at := from - 1
	for at != 0 && !key.begins(t.prefixes[at].Digits) {
		at = t.prefixes[at].up
	}
	return at
}

// Len is the number of rows that it was made of.
func (t *Trie) Len() int { return t.rows }

// Size is the memory that the trie takes, in octets.
func (t *Trie) Size() int {
	return 16*len(t.prefixes) + 4*len(t.heads) + 8*len(t.offers) + 24*len(t.dated)
}
