package prefix

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"maskline/numberdb"
)

// Offer is one carrier's terms for a prefix.
type Offer struct {
	Cost     uint64            // per unit, in millionths; at most MaxCost
	From     uint32            // seconds since 1970 from which it holds; 0: always
	Carrier  uint16            // its place in a list of carriers
	Services numberdb.Services // that it is for
	Quality  uint8             // 0 to 100, or NoQuality
}

// NoQuality is the quality of an offer that names none.
const NoQuality = math.MaxUint8

// Unit is a cost of one, MaxCost the greatest: a million.
const (
	Unit    = 1_000_000
	MaxCost = 1_000_000 * Unit
)

// MaxCarriers is how many carriers a trie tells apart.
const MaxCarriers = 1023

// Row is the offer for one prefix.
type Row struct {
	Prefix Digits
	Offer
}

// compare orders rows by prefix, then carrier; of one carrier the latest first.
func compare(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Carrier, b.Carrier),
		cmp.Compare(b.From, a.From), cmp.Compare(a.Services, b.Services))
}

// Sort puts rows in the order that Build wants.
func Sort(rows []Row) {
	if !slices.IsSortedFunc(rows, compare) {
		slices.SortFunc(rows, compare)
	}
}

// Merge makes one list of two sorted ones. Where both have rows for a prefix and
// carrier, those of a come first.
func Merge(a, b []Row) []Row {
	all := make([]Row, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		first := &a
		if cmp.Or(cmp.Compare(a[0].Prefix, b[0].Prefix), cmp.Compare(a[0].Carrier, b[0].Carrier)) > 0 {
			first = &b
		}
		all = append(all, (*first)[0])
		*first = (*first)[1:]
	}
	return append(append(all, a...), b...)
}

// Table is a set of rows and the carriers that they name.
type Table struct {
	Carriers []string  // in the order of their names
	Rows     []Row     // as Sort leaves them; Carrier is a place in Carriers
	Imported time.Time // when that was last; zero: never
}

// Replace is the table with all rows of the carriers that next names replaced by
// its own. Neither is changed. What comes of it has at most MaxRows, so that Import
// reads again what Export writes.
func (t *Table) Replace(next *Table) (*Table, error) {
	keep := func(name string) bool { return !slices.Contains(next.Carriers, name) }
	carriers := slices.Clone(next.Carriers)
	for _, name := range t.Carriers {
		if keep(name) {
			carriers = append(carriers, name)
		}
	}
	slices.Sort(carriers)
	if len(carriers) > MaxCarriers {
		return nil, errCarriers
	}
	replaced := make([]bool, len(t.Carriers))
	for i, name := range t.Carriers {
		replaced[i] = !keep(name)
	}
	rows := len(next.Rows)
	for i := range t.Rows {
		if !replaced[t.Rows[i].Carrier] {
			rows++
		}
	}
	if rows > MaxRows {
		return nil, errRows
	}
	place := func(name string) int { return slices.Index(carriers, name) }
	kept := t.Placed(func(name string) int {
		if keep(name) {
			return place(name)
		}
		return -1
	})
	return &Table{Carriers: carriers, Rows: Merge(kept, next.Placed(place)), Imported: next.Imported}, nil
}

// Placed is the rows with the places that their carriers have in another list,
// in the order that Build wants; the rows of a carrier whose place is negative
// are left out.
func (t *Table) Placed(place func(carrier string) int) []Row {
	places, inOrder, last := make([]int, len(t.Carriers)), true, -1
	for i, name := range t.Carriers {
		if places[i] = place(name); places[i] >= 0 {
			inOrder = inOrder && places[i] > last
			last = places[i]
		}
	}
	rows := make([]Row, 0, len(t.Rows))
	for _, r := range t.Rows {
		if p := places[r.Carrier]; p >= 0 {
			r.Carrier = uint16(p)
			rows = append(rows, r)
		}
	}
	if !inOrder {
		Sort(rows)
	}
	return rows
}

// Faults of a table that is made of two.
var (
	errCarriers = errors.New("a table of prefixes names at most 1023 carriers")
	errRows     = fmt.Errorf("a table of prefixes holds at most %d, those that stay included", MaxRows)
)

// seconds is an instant as offers hold it.
func seconds(at time.Time) uint32 {
	return uint32(min(max(at.Unix(), 0), math.MaxUint32))
}
