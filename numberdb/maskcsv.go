package numberdb

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"maskline/e164"
)

// maskColumns is the header of a CSV of masks, in the order in which ExportMasks
// writes it. A file may have them in any order, and only number has to be there.
var maskColumns = [...]string{
	"number", "pool", "kind", "country", "region", "services", "carrier", "presents", "cost", "flags", "state",
}

const (
	maskNumber = iota
	maskPool
	maskKind
	maskCountry
	maskRegion
	maskServices
	maskCarrier
	maskPresents
	maskCost
	maskFlagsColumn
	maskState
)

const maskHeader = "number,pool,kind,country,region,services,carrier,presents,cost,flags,state"

// MaxMasks bounds a file of masks, which is read as a whole.
const MaxMasks = 1_000_000

// MaskRow is a row of a file of masks.
type MaskRow struct {
	Mask      Mask
	KeepState bool // the file names no state: that of a known mask stays
	Line      int
}

// KnownForMasks says what a file of masks may refer to. A nil function accepts
// every name.
type KnownForMasks struct {
	Carrier func(name string) bool
	Pool    func(name string) bool
}

// ReadMasks reads a whole CSV of masks, or returns *Faults with all that is
// wrong. pool is that of the rows that name none; empty: none. Numbers may have
// spaces, dots and dashes between their digits; short codes are CODE:DIGITS.
func ReadMasks(ctx context.Context, r io.Reader, pool string, known KnownForMasks) ([]MaskRow, error) {
	in := &maskReader{pool: pool, known: known, lineOf: map[e164.Number]int{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, MaxLine)
	for lines.Scan() {
		in.line++
		if in.line%everyLines == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !in.take(lines.Bytes()) {
			break
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		in.line++
		in.fault(-1, fmt.Sprintf("longer than %d octets", MaxLine))
	case err != nil:
		return nil, fmt.Errorf("reading masks: %w", err)
	case in.header == nil && len(in.faults.List) == 0:
		in.faults.Add(Fault{Line: 1, Want: "the file is empty; expected the header " + maskHeader})
	}
	return in.rows, in.faults.orNil()
}

type maskReader struct {
	pool   string
	known  KnownForMasks
	line   int
	header []int // column of each field; nil before the header
	rows   []MaskRow
	lineOf map[e164.Number]int
	faults Faults
}

func (in *maskReader) fault(column int, want string) {
	f := Fault{Line: in.line, Want: want}
	if column >= 0 {
		f.Want = maskColumns[column] + ": " + strings.TrimPrefix(want, maskColumns[column]+": ")
	}
	in.faults.Add(f)
}

// take handles one line; false ends the reading.
func (in *maskReader) take(line []byte) bool {
	if in.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	fields, err := csv.NewReader(bytes.NewReader(line)).Read()
	switch {
	case errors.Is(err, io.EOF): // an empty line
		return true
	case err != nil:
		_, want := quoteFault(err)
		in.fault(-1, want)
		return in.header != nil
	case in.header == nil:
		return in.takeHeader(fields)
	case len(in.rows) == MaxMasks:
		in.fault(-1, fmt.Sprintf("a file holds at most %d masks", MaxMasks))
		return false
	case len(fields) != len(in.header):
		in.fault(-1, fmt.Sprintf("expected %d fields as in the header, found %d", len(in.header), len(fields)))
		return true
	}
	in.takeRow(fields)
	return true
}

func (in *maskReader) takeHeader(fields []string) bool {
	in.header = make([]int, len(fields))
	seen := map[int]bool{}
	for i, name := range fields {
		in.header[i] = -1
		for c := range maskColumns {
			if name == maskColumns[c] {
				in.header[i] = c
			}
		}
		if c := in.header[i]; c < 0 || seen[c] {
			in.fault(-1, "an unknown name in the header, or one twice; expected "+maskHeader)
			return false
		}
		seen[in.header[i]] = true
	}
	if !seen[maskNumber] {
		in.fault(-1, "the header lacks number")
	}
	return seen[maskNumber]
}

func (in *maskReader) takeRow(fields []string) {
	row := MaskRow{Mask: Mask{Pool: in.pool}, KeepState: true, Line: in.line}
	bad, kindGiven := false, false
	for i, text := range fields {
		if text == "" && in.header[i] != maskNumber {
			continue
		}
		kindGiven = kindGiven || in.header[i] == maskKind
		if err := in.parse(&row, in.header[i], text); err != nil {
			in.fault(in.header[i], err.Error())
			bad = true
		}
	}
	if bad {
		return
	}
	m := &row.Mask
	if m.Number.IsShortCode() && !kindGiven {
		m.Kind = ShortCode
	}
	if m.Services == 0 {
		m.Services = SMS | Voice
		if m.Kind == ShortCode {
			m.Services = SMS
		}
	}
	checked := *m
	checked.Since = idEpoch // the time of the state is whoever applies it's to say
	if err := checked.Check(); err != nil {
		in.fault(-1, err.Error())
		return
	}
	if m.Number.IsShortCode() != (m.Kind == ShortCode) {
		in.fault(maskKind, "expected short_code for short codes, and for them alone")
		return
	}
	if first, twice := in.lineOf[m.Number]; twice {
		in.fault(maskNumber, fmt.Sprintf("the same as in line %d", first))
		return
	}
	in.lineOf[m.Number] = in.line
	in.rows = append(in.rows, row)
}

var (
	errMaskNumber = errors.New("expected 7 to 15 digits from the country code on, or a short code such as 44:60123")
	errNoPool     = errors.New("there is no such pool; make it first with pools create")
	errMaskCost   = errors.New("expected an amount per month, such as 1.25")
)

// parse reads one field that is not empty.
func (in *maskReader) parse(row *MaskRow, column int, text string) (err error) {
	m := &row.Mask
	switch column {
	case maskNumber:
		m.Number, err = e164.ParseMask(strings.Map(withoutSpaces, text))
		if m.Number = m.Number.Canonical(); err != nil {
			err = errMaskNumber
		}
	case maskPool:
		if m.Pool = text; !isKnown(in.known.Pool, text) {
			err = errNoPool
		}
	case maskKind:
		m.Kind, err = ParseMaskKind(text)
	case maskCountry:
		m.Country = text
	case maskRegion:
		m.Region = text
	case maskServices:
		m.Services, err = ParseServices(text)
	case maskCarrier:
		if m.Carrier = text; !isKnown(in.known.Carrier, text) {
			err = errCarrier
		}
	case maskPresents:
		m.Presents = strings.Split(text, "|")
		for _, name := range m.Presents {
			if !isKnown(in.known.Carrier, name) {
				err = errCarrier
			}
		}
	case maskCost:
		m.Cost, err = ParseMillionths(text)
	case maskFlagsColumn:
		m.Flags, err = ParseMaskFlags(strings.Split(text, "|"))
	case maskState:
		row.KeepState = false
		m.State, err = ParseMaskState(text)
	}
	return err
}

// withoutSpaces drops what people write between digits.
func withoutSpaces(r rune) rune {
	if strings.ContainsRune(" .-\u00a0", r) {
		return -1
	}
	return r
}

const (
	million      = 1_000_000
	mostDecimals = 6
	mostWhole    = 12 // digits
)

// ParseMillionths reads a decimal number with at most 12 digits before the point and
// 6 behind it.
func ParseMillionths(text string) (int64, error) {
	whole, fraction, point := strings.Cut(text, ".")
	if whole == "" || len(whole) > mostWhole || len(fraction) > mostDecimals || point && fraction == "" {
		return 0, errMaskCost
	}
	digits := whole + fraction + strings.Repeat("0", mostDecimals-len(fraction))
	v, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, errMaskCost
	}
	return int64(v), nil
}

// FormatMillionths writes millionths as a decimal number without final zeros.
func FormatMillionths(cost int64) string {
	text := strconv.FormatInt(cost/million, 10)
	if rest := cost % million; rest > 0 {
		text += "." + strings.TrimRight(strconv.FormatInt(million+rest, 10)[1:], "0")
	}
	return text
}

// ExportMasks writes masks in the form that ReadMasks reads, in their order.
func ExportMasks(w io.Writer, masks []Mask) error {
	out := csv.NewWriter(w)
	if err := out.Write(maskColumns[:]); err != nil {
		return fmt.Errorf("writing masks: %w", err)
	}
	for i := range masks {
		m := &masks[i]
		cost := ""
		if m.Cost > 0 {
			cost = FormatMillionths(m.Cost)
		}
		fields := []string{
			m.Number.Reveal(), m.Pool, m.Kind.String(), m.Country, m.Region, m.Services.String(), m.Carrier,
			strings.Join(m.Presents, "|"), cost, strings.Join(m.Flags.Names(), "|"), m.State.String(),
		}
		if err := out.Write(fields); err != nil {
			return fmt.Errorf("writing masks: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing masks: %w", err)
	}
	return nil
}
