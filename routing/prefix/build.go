package prefix

import (
	"errors"
	"fmt"
	"slices"

	"maskline/e164"
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
	t := &Trie{rows: len(rows), dated: map[uint32]uint32{}}
	if len(rows) == 0 {
		return t, nil
	}
	b := builder{rows: rows, t: t}
	b.enter()
	t.places = newPlaces(b.stems)
	b.list()
	b.head()
	return t, nil
}

type builder struct {
	rows     []Row
	prefixes []Digits // in order
	stems    []stem
	up       []int32  // of each, the longest one that it begins with; negative: none
	at       []uint32 // of each, its line
	from     []uint32 // of each, its first row; of the one after the last, their count
	t        *Trie
}

// enter lists the prefixes and what each begins with.
func (b *builder) enter() {
	distinct := 0
	for i := range b.rows {
		if i == 0 || b.rows[i].Prefix != b.rows[i-1].Prefix {
			distinct++
		}
	}
	b.prefixes, b.stems = make([]Digits, 0, distinct), make([]stem, 0, distinct)
	b.up, b.from = make([]int32, 0, distinct), make([]uint32, 0, distinct+1)
	above := int32(-1)
	for i := range b.rows {
		p := b.rows[i].Prefix
		if i > 0 && p == b.rows[i-1].Prefix {
			continue
		}
		for above >= 0 && !p.begins(b.prefixes[above]) {
			above = b.up[above]
		}
		b.prefixes, b.stems = append(b.prefixes, p), append(b.stems, p.stem())
		b.up, b.from = append(b.up, above), append(b.from, uint32(i))
		above = int32(len(b.prefixes) - 1)
	}
	b.from = append(b.from, uint32(len(b.rows)))
}

// offer is one in a list that is being made.
type offer struct {
	packed
	from uint32
}

// list writes each prefix's offers and those above while they fit, and then where
// the rest is.
func (b *builder) list() {
	t := b.t
	t.lines = make([]packed, line*t.places.count)
	onHugePages(t.lines)
	for i := range t.places.count {
		t.lines[i*line] = nobody
	}
	b.at = make([]uint32, len(b.prefixes))
	for i, key := range b.stems {
		b.at[i] = t.places.of(key) * line
	}
	var all []offer
	for i, key := range b.stems {
		all = b.own(all[:0], int32(i))
		up := b.up[i]
		for ; up >= 0 && len(all)+b.count(up) <= inLine; up = b.up[up] {
			all = b.own(all, up)
		}
		end := link(0)
		if up >= 0 {
			end = link(b.at[up] + 1)
		}
		t.lines[b.at[i]] = packed(key)
		t.write(b.at[i]+1, all, end)
	}
	t.lines = slices.Clip(t.lines)
}

func (b *builder) count(i int32) int { return int(b.from[i+1] - b.from[i]) }

// own appends the own offers of a prefix, but for those that others in the list
// always go before.
func (b *builder) own(all []offer, i int32) []offer {
	rows := b.rows[b.from[i]:b.from[i+1]]
	for i := range rows {
		p := pack(&rows[i])
		if !slices.ContainsFunc(all, func(before offer) bool { return before.hides(p) }) {
			all = append(all, offer{p, rows[i].From})
		}
	}
	return all
}

// write puts a list into the rest of a line, and what has no room there behind all
// lines.
func (t *Trie) write(at uint32, all []offer, end packed) {
	if len(all) > inLine {
		rest := uint32(len(t.lines))
		t.lines = append(t.lines, make([]packed, len(all)-inLine+1)...)
		t.put(rest, all[inLine:], end)
		all, end = all[:inLine], link(rest)
	}
	t.put(at, all, end)
}

func (t *Trie) put(at uint32, all []offer, end packed) {
	for i, o := range all {
		t.lines[at+uint32(i)] = o.packed
		if o.from > 0 {
			t.dated[at+uint32(i)] = o.from
		}
	}
	t.lines[at+uint32(len(all))] = end
}

// head fills the table of first digits: about as many as there are prefixes.
func (b *builder) head() {
	t, count := b.t, 0
	for count < maxHead && powers[count+1] <= 4*uint64(len(b.prefixes)) {
		count++
	}
	t.width, t.short = powers[e164.MaxDigits-count], 2<<count-1
	t.heads = make([]uint16, powers[count])
	for _, p := range b.prefixes {
		first := p.padded() / t.width
		last := first
		if p.Len() < count {
			last += powers[count-p.Len()] - 1
		}
		for i := first; i <= last; i++ {
			t.heads[i] |= 1 << p.Len()
		}
	}
}
