package sandbox

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"maskline/e164"
)

//go:embed ranges.csv
var rangesFile []byte

// Ranges are the numbers that regulators keep for fiction. They are never changed.
type Ranges struct {
	rows      []numbers
	countries []string // that have masks, in the order of the file
}

// numbers are a row of the file.
type numbers struct {
	country     string
	first, last uint64 // of the digits; with anyArea those behind the area code
	anyArea     bool   // of the North American plan
	masks       bool
}

const (
	columns    = 5
	useMasks   = "masks"
	usePeople  = "people"
	wildcard   = "+1???"
	afterArea  = 10_000_000 // seven digits stand behind an area code
	firstArea  = 1200       // with the country code
	lastArea   = 1999
	serviceEnd = 11 // N11 are services and no areas
)

// ReadRanges reads the ranges that come with the package.
func ReadRanges() (*Ranges, error) {
	in := csv.NewReader(bytes.NewReader(rangesFile))
	in.Comment, in.FieldsPerRecord = '#', columns
	rows, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the ranges of the sandbox: %w", err)
	}
	r := &Ranges{}
	seen := map[string]bool{}
	for i, row := range rows[1:] {
		n, err := parseRow(row)
		if err != nil {
			return nil, fmt.Errorf("reading the ranges of the sandbox: row %d: %w", i+1, err)
		}
		r.rows = append(r.rows, n)
		if n.masks && !seen[n.country] {
			seen[n.country] = true
			r.countries = append(r.countries, n.country)
		}
	}
	return r, nil
}

func parseRow(row []string) (n numbers, err error) {
	n.country, n.masks = row[0], row[3] == useMasks
	first, last := row[1], row[2]
	if n.anyArea = strings.HasPrefix(first, wildcard); n.anyArea {
		first, last = strings.TrimPrefix(first, wildcard), strings.TrimPrefix(last, wildcard)
	}
	if n.first, err = digits(first); err != nil {
		return n, err
	}
	if n.last, err = digits(last); err != nil {
		return n, err
	}
	if n.last < n.first || len(n.country) != 2 || !n.masks && row[3] != usePeople || n.masks && n.anyArea || row[4] == "" {
		return n, errRow
	}
	return n, nil
}

var errRow = errors.New("expected a country, first and last number, masks or people, and a source")

func digits(text string) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, 64)
}

func (n *numbers) has(number uint64) bool {
	if !n.anyArea {
		return n.first <= number && number <= n.last
	}
	area, rest := number/afterArea, number%afterArea
	return firstArea <= area && area <= lastArea && area%100 != serviceEnd && n.first <= rest && rest <= n.last
}

// Has reports whether a number is of a range, so that nobody has it.
func (r *Ranges) Has(n e164.Number) bool {
	number, err := digits(n.Reveal())
	if err != nil {
		return false // a short code
	}
	for i := range r.rows {
		if r.rows[i].has(number) {
			return true
		}
	}
	return false
}

// Countries are those that have masks.
func (r *Ranges) Countries() []string { return r.countries }

// Masks are count masks of a country from the one with this index on, or those that
// there are.
func (r *Ranges) Masks(country string, index, count int) (all []e164.Number) {
	for i := range r.rows {
		row := &r.rows[i]
		if row.country != country || !row.masks {
			continue
		}
		for number := row.first; number <= row.last && len(all) < count; number++ {
			if index--; index >= 0 {
				continue
			}
			n, err := e164.Parse("+" + strconv.FormatUint(number, 10))
			if err != nil {
				return all // not with rows that were read
			}
			all = append(all, n)
		}
	}
	return all
}
