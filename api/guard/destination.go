package guard

import (
	"bufio"
	_ "embed" // for the ranges that every edge begins with
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"maskline/e164"
)

// Destination is what the rows of a file say of the numbers that begin with
// certain digits.
type Destination struct {
	Prefix  string // 1 to 15 digits from the country code on
	Kind    string // such as premium or satellite
	Allowed bool
}

// Destinations answer by the longest prefix of a number. They never change.
type Destinations struct {
	byPrefix map[prefix]Destination
	lengths  [e164.MaxDigits + 1]bool // of prefixes that there are
}

// prefix is digits as an integer, and their count.
type prefix struct {
	digits uint64
	count  int
}

const (
	maxDestinations = 1_000_000
	maxKind         = 32
)

// ErrDestinations is what a fault of a file of destinations wraps.
var ErrDestinations = errors.New("destinations: expected lines of prefix,kind,allow or deny")

//go:embed destinations.csv
var standard string

// StandardDestinations are those that every edge begins with.
func StandardDestinations() ([]Destination, error) {
	return ReadDestinations(strings.NewReader(standard))
}

// ReadDestinations reads lines of prefix,kind,deny or prefix,kind,allow under a
// head. Empty lines and those that begin with # are passed over. An error names
// the line and no value of it.
func ReadDestinations(r io.Reader) (rows []Destination, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), 4096)
	for at, head := 1, false; lines.Scan(); at++ {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		switch {
		case text == "" || text[0] == '#':
		case !head:
			if head = text == "prefix,kind,action"; !head {
				return nil, fmt.Errorf("%w, with the head prefix,kind,action", ErrDestinations)
			}
		case len(rows) == maxDestinations:
			return nil, fmt.Errorf("%w, at most %d of them", ErrDestinations, maxDestinations)
		default:
			d, ok := readDestination(text)
			if !ok {
				return nil, fmt.Errorf("line %d: %w", at, ErrDestinations)
			}
			rows = append(rows, d)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDestinations, err)
	}
	return rows, nil
}

func readDestination(line string) (d Destination, ok bool) {
	fields := strings.Split(line, ",")
	if len(fields) != 3 {
		return d, false
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	d.Prefix, d.Kind, d.Allowed = strings.TrimPrefix(fields[0], "+"), fields[1], fields[2] == "allow"
	if _, ok = prefixOf(d.Prefix); !ok || d.Kind == "" || len(d.Kind) > maxKind {
		return d, false
	}
	return d, strings.Trim(d.Kind, "abcdefghijklmnopqrstuvwxyz_-") == "" && (d.Allowed || fields[2] == "deny")
}

func prefixOf(digits string) (p prefix, ok bool) {
	if digits == "" || len(digits) > e164.MaxDigits {
		return p, false
	}
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' {
			return p, false
		}
		p.digits = p.digits*10 + uint64(d-'0')
	}
	p.count = len(digits)
	return p, true
}

// NewDestinations takes lists of rows; of one prefix the last counts.
func NewDestinations(lists ...[]Destination) *Destinations {
	d := &Destinations{byPrefix: map[prefix]Destination{}}
	for _, rows := range lists {
		for _, row := range rows {
			if p, ok := prefixOf(row.Prefix); ok {
				d.byPrefix[p] = row
				d.lengths[p.count] = true
			}
		}
	}
	return d
}

// Of is the row with the longest prefix of the number; ok is false where there is
// none.
func (d *Destinations) Of(n e164.Number) (row Destination, ok bool) {
	if d == nil || n == 0 || n.IsShortCode() {
		return row, false
	}
	value, count := n.Padded()
	for divisor, length := uint64(1), e164.MaxDigits; length > 0; length-- {
		if length <= count && d.lengths[length] {
			if row, ok = d.byPrefix[prefix{value / divisor, length}]; ok {
				return row, true
			}
		}
		divisor *= 10
	}
	return row, false
}

// Equal reports whether both say the same of every number.
func (d *Destinations) Equal(other *Destinations) bool { return maps.Equal(d.byPrefix, other.byPrefix) }

// Len is how many prefixes there are.
func (d *Destinations) Len() int { return len(d.byPrefix) }
