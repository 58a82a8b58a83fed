package numberdb

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"maskline/e164"
)

// Import reads a whole CSV of bindings and hands it to apply as one list, or
// returns *Faults with all that is wrong and applies nothing. It returns the
// count of bindings applied. Memory is bounded but for the rows themselves.
func Import(ctx context.Context, r io.Reader, known Known, apply func(context.Context, []Change) error) (int, error) {
	in := &reader{lines: bufio.NewReaderSize(r, 64<<10), known: known}
	in.fields = csv.NewReader(&in.line)
	in.fields.FieldsPerRecord = -1
	in.fields.ReuseRecord = true
	if err := in.read(ctx); err != nil {
		return 0, fmt.Errorf("reading bindings: %w", err)
	}
	in.crossCheck()
	if err := in.faults.orNil(); err != nil {
		return 0, err
	}
	if err := apply(ctx, in.changes); err != nil {
		return 0, fmt.Errorf("applying bindings: %w", err)
	}
	return len(in.changes), nil
}

// reader reads one file. Each line is given to the CSV reader on its own, so
// that a quote left open spoils one line and not the rest of the file.
type reader struct {
	lines  *bufio.Reader
	line   lineSource
	fields *csv.Reader
	number int // of the line

	known  Known
	header []int // column of each field; nil before the header
	faults Faults

	changes []Change
	origin  []origin // of changes
	keys    map[[2]e164.Number]int32
	masks   map[e164.Number]struct{}
	lists   map[string][]string // texts of carriers already split
}

// lineSource gives the CSV reader one line and then io.EOF.
type lineSource struct{ rest []byte }

func (s *lineSource) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// errNoHeader ends the reading where rows would have no meaning.
var errNoHeader = errors.New("the header cannot be read")

const everyLines = 1 << 12 // between looks at the context

func (in *reader) read(ctx context.Context) error {
	in.keys = map[[2]e164.Number]int32{}
	in.masks = map[e164.Number]struct{}{}
	in.lists = map[string][]string{}
	for {
		line, err := in.nextLine()
		if errors.Is(err, errNoHeader) {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if line == nil {
			break
		}
		if !in.take(line) {
			return nil
		}
		if in.number%everyLines == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if in.header == nil {
		in.faults.Add(Fault{Line: 1, Want: "the file is empty; expected the header " + headerText})
	}
	return ctx.Err()
}

// nextLine returns the next line without its end. A line over MaxLine is
// skipped and returned as an empty one, after its fault. At the end the line is
// nil.
func (in *reader) nextLine() ([]byte, error) {
	line, err := in.lines.ReadSlice('\n')
	if len(line) == 0 && err != nil {
		return nil, err
	}
	in.number++
	if in.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	tooLong := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.lines.ReadSlice('\n')
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if tooLong || len(line) > MaxLine {
		in.fault(0, "", fmt.Sprintf("longer than %d octets", MaxLine))
		line = line[:0]
		if in.header == nil {
			return nil, errNoHeader
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return line, nil
}

// take handles one line; false ends the reading.
func (in *reader) take(line []byte) bool {
	in.line.rest = line
	fields, err := in.fields.Read()
	switch {
	case errors.Is(err, io.EOF): // an empty line
		return true
	case err != nil:
		column, want := quoteFault(err)
		in.fault(column, "", want)
		return in.header != nil
	case in.header == nil:
		return in.takeHeader(fields)
	case len(in.changes) == MaxRows:
		in.fault(0, "", fmt.Sprintf("a file holds at most %d bindings", MaxRows))
		return false
	default:
		in.takeRow(fields)
		return true
	}
}

// quoteFault translates the faults that the CSV reader finds by itself.
func quoteFault(err error) (column int, want string) {
	var where *csv.ParseError
	if errors.As(err, &where) {
		column = where.Column
	}
	if errors.Is(err, csv.ErrBareQuote) {
		return column, "a quote inside a field that does not start with one"
	}
	return column, "expected the quoted field to be closed before the comma or the end of its line"
}

func (in *reader) takeHeader(fields []string) bool {
	in.header = make([]int, len(fields))
	if !slices.ContainsFunc(fields, func(name string) bool { return slices.Contains(columns[:], name) }) {
		in.fault(0, "", "the header is missing; expected "+headerText)
		return false
	}
	var at [len(columns)]int
	ok := true
	for i, name := range fields {
		in.header[i] = -1
		for c := range columns {
			if name == columns[c] {
				in.header[i] = c
			}
		}
		_, column := in.fields.FieldPos(i)
		switch c := in.header[i]; {
		case c < 0:
			in.fault(column, "", "an unknown name in the header; expected "+headerText+" and optionally tenant")
			ok = false
		case at[c] > 0:
			in.fault(column, columns[c], "named twice in the header")
			ok = false
		default:
			at[c] = i + 1
		}
	}
	for c, name := range columns[:required] {
		if at[c] == 0 {
			in.fault(0, "", "the header lacks "+name)
			ok = false
		}
	}
	return ok
}

func (in *reader) fault(column int, field, want string) {
	in.faults.Add(Fault{Line: in.number, Column: column, Field: field, Want: want})
}
