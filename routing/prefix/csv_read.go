package prefix

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"maskline/numberdb"
)

// Import reads a whole CSV, or returns *numberdb.Faults with all that is wrong.
// known says which carriers it may name; nil: any. No field holds a comma, so
// quotes mean nothing but their pair around a field.
func Import(ctx context.Context, r io.Reader, known func(carrier string) bool) (*Table, error) {
	in := &reader{lines: bufio.NewReaderSize(r, MaxLine+2), known: known, carriers: map[string]uint16{}}
	if err := in.read(ctx); err != nil {
		return nil, fmt.Errorf("reading prefixes: %w", err)
	}
	t := in.table()
	if len(in.faults.List) > 0 {
		slices.SortStableFunc(in.faults.List, func(a, b numberdb.Fault) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, &in.faults
	}
	return t, nil
}

type reader struct {
	lines    *bufio.Reader
	number   int // of the line
	header   []int
	known    func(string) bool
	carriers map[string]uint16 // by their first appearance
	rows     []numbered
	faults   numberdb.Faults
}

// numbered is a row and its line.
type numbered struct {
	Row
	line int32
}

const everyLines = 1 << 12 // between looks at the context

func (in *reader) read(ctx context.Context) error {
	for more := true; more; {
		line, err := in.lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			in.number++
			in.fault(0, "", fmt.Sprintf("longer than %d octets; what follows was not read", MaxLine))
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(line) == 0 {
			break
		}
		in.number++
		if more = in.take(line); in.number%everyLines == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if in.header == nil && len(in.faults.List) == 0 {
		in.faults.Add(numberdb.Fault{Line: 1, Want: "the file is empty; expected the header " + headerText})
	}
	return ctx.Err()
}

// take handles one line; false ends the reading.
func (in *reader) take(line []byte) bool {
	if in.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	text := string(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")))
	switch {
	case text == "":
		return true
	case in.header == nil:
		return in.takeHeader(strings.Split(text, ","))
	case len(in.rows) == MaxRows:
		in.fault(0, "", fmt.Sprintf("a file holds at most %d prefixes", MaxRows))
		return false
	default:
		in.takeRow(text)
		return true
	}
}

func (in *reader) takeHeader(names []string) bool {
	var at [len(columns)]bool
	column, ok := 1, true
	for _, name := range names {
		c := slices.Index(columns[:], unquoted(name))
		switch {
		case c < 0:
			in.fault(column, "", "an unknown name in the header; expected "+headerText+" and optionally services and valid_from")
			ok = false
		case at[c]:
			in.fault(column, columns[c], "named twice in the header")
			ok = false
		default:
			at[c] = true
		}
		in.header = append(in.header, c)
		column += len(name) + 1
	}
	for c, name := range columns[:required] {
		if !at[c] {
			in.fault(0, "", "the header lacks "+name)
			ok = false
		}
	}
	return ok
}

func unquoted(field string) string {
	if len(field) >= 2 && field[0] == '"' && field[len(field)-1] == '"' {
		return field[1 : len(field)-1]
	}
	return field
}

func (in *reader) takeRow(text string) {
	if fields := strings.Count(text, ",") + 1; fields != len(in.header) {
		in.fault(0, "", fmt.Sprintf("expected %d fields as in the header, found %d", len(in.header), fields))
		return
	}
	row := Row{Offer: Offer{Services: numberdb.SMS | numberdb.Voice}}
	column, ok := 1, true
	for _, c := range in.header {
		field, rest, _ := strings.Cut(text, ",")
		if err := in.parse(&row, c, unquoted(field)); err != nil {
			in.fault(column, columns[c], err.Error())
			ok = false
		}
		column += len(field) + 1
		text = rest
	}
	if ok {
		in.rows = append(in.rows, numbered{row, int32(in.number)})
	}
}

// parse reads one field into a row.
func (in *reader) parse(r *Row, column int, text string) (err error) {
	switch column {
	case colCarrier:
		r.Carrier, err = in.carrier(text)
	case colPrefix:
		r.Prefix, err = Parse(text)
	case colCost:
		r.Cost, err = parseCost(text)
	case colQuality:
		r.Quality, err = parseQuality(text)
	case colServices:
		r.Services, err = parseServices(text)
	case colFrom:
		r.From, err = parseFrom(text)
	}
	return err
}

func (in *reader) carrier(name string) (uint16, error) {
	if place, met := in.carriers[name]; met {
		return place, nil
	}
	switch {
	case in.known != nil && !in.known(name):
		return 0, errCarrier
	case !isName(name):
		return 0, errName
	case len(in.carriers) == MaxCarriers:
		return 0, errCarriers
	}
	place := uint16(len(in.carriers))
	in.carriers[strings.Clone(name)] = place
	return place, nil
}

// isName keeps out what Export could not write, and numbers: a carrier is a label
// in metrics.
func isName(name string) bool {
	const maxName = 63
	letters := strings.ContainsFunc(name, func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' })
	return letters && len(name) <= maxName && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == ','
	})
}

// table sorts what was read and looks for rows that say two things at once.
func (in *reader) table() *Table {
	t := &Table{Carriers: make([]string, len(in.carriers)), Rows: make([]Row, len(in.rows))}
	for name, place := range in.carriers {
		t.Carriers[place] = name
	}
	slices.Sort(t.Carriers)
	places := make([]uint16, len(t.Carriers))
	for i, name := range t.Carriers {
		places[in.carriers[name]] = uint16(i)
	}
	for i := range in.rows {
		in.rows[i].Carrier = places[in.rows[i].Carrier]
	}
	byLine := func(a, b numbered) int { return cmp.Or(compare(a.Row, b.Row), cmp.Compare(a.line, b.line)) }
	if !slices.IsSortedFunc(in.rows, byLine) {
		slices.SortFunc(in.rows, byLine)
	}
	for i := range in.rows {
		t.Rows[i] = in.rows[i].Row
		in.compareWithEarlier(i)
	}
	return t
}

// compareWithEarlier reports a row that another one contradicts: the same carrier,
// prefix and instant, and a service in common. There are few of these at a time.
func (in *reader) compareWithEarlier(i int) {
	r := in.rows[i]
	for j := i - 1; j >= 0 && j >= i-3; j-- {
		o := in.rows[j]
		if o.Prefix != r.Prefix || o.Carrier != r.Carrier || o.From != r.From {
			return
		}
		if o.Services&r.Services != 0 {
			in.faults.Add(numberdb.Fault{
				Line: int(max(r.line, o.line)), Column: 1, Field: columns[colCarrier],
				Want: fmt.Sprintf("the same carrier, prefix, service and time as line %d", min(r.line, o.line)),
			})
			return
		}
	}
}

func (in *reader) fault(column int, field, want string) {
	in.faults.Add(numberdb.Fault{Line: in.number, Column: column, Field: field, Want: want})
}
