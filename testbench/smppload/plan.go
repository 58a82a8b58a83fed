package smppload

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Plan is the bindings whose parties write: party writes to mask and is seen as
// present at to.
type Plan struct {
	bindings []binding
}

// binding is a row; numbers are their digits as an integer.
type binding struct {
	party, mask, to, present uint64
}

// MaxBindings is how many a plan may have.
const MaxBindings = 10_000_000

// The ranges of generated numbers. They are nobody's: parties and masks follow
// from a row's place, so a binding of one row is no other row's.
const (
	firstParty = 447_700_000_000
	firstMask  = 441_100_000_000
	firstReal  = 446_000_000_000
	planMasks  = 2000
)

// Generate makes n bindings over 2,000 masks. Those of another series have other
// numbers, and endpoints in another country: 446…, 456…, up to 496….
func Generate(n int, series ...int) *Plan {
	apart := uint64(0)
	if len(series) > 0 {
		apart = uint64(series[0])
	}
	p := &Plan{bindings: make([]binding, n)}
	for i := range p.bindings {
		at, mask := uint64(i), firstMask+apart*planMasks
		p.bindings[i] = binding{
			party: firstParty + apart*MaxBindings + at, mask: mask + at%planMasks,
			to: firstReal + apart*10_000_000_000 + at, present: mask + (at+1)%planMasks,
		}
	}
	return p
}

// Len is the number of bindings.
func (p *Plan) Len() int { return len(p.bindings) }

var csvColumns = []string{"mask", "party", "to", "present", "services", "carriers", "expires_at", "tenant"}

// WriteCSV writes the bindings as "maskline routes import" reads them, through
// carriers where the endpoint of every row is a number; with an account, rows
// lead to that account instead.
func (p *Plan) WriteCSV(w io.Writer, tenant, account string) error {
	b := bufio.NewWriterSize(w, 64<<10)
	var row []byte
	row = append(row, strings.Join(csvColumns, ",")...)
	row = append(row, '\n')
	for i := range p.bindings {
		g := &p.bindings[i]
		row = append(strconv.AppendUint(row, g.mask, 10), ',')
		row = append(strconv.AppendUint(row, g.party, 10), ',')
		if account != "" {
			row = append(append(row, "smpp:"...), account...)
		} else {
			row = strconv.AppendUint(append(row, "tel:"...), g.to, 10)
		}
		row = strconv.AppendUint(append(row, ','), g.present, 10)
		row = append(append(append(row, ",sms,,,"...), tenant...), '\n')
		if _, err := b.Write(row); err != nil {
			return fmt.Errorf("writing bindings: %w", err)
		}
		row = row[:0]
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing bindings: %w", err)
	}
	return nil
}

// ReadCSV reads the bindings of a file for "maskline routes import". Rows that
// a plan cannot use (public ones, those without SMS, endpoints that are neither
// a number nor an account) are left out; an error names the line, never its
// content.
func ReadCSV(r io.Reader) (*Plan, error) {
	rows := csv.NewReader(bufio.NewReaderSize(r, 64<<10))
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, errors.New("reading bindings: there is no header")
	}
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	for _, name := range csvColumns[:5] {
		if _, found := at[name]; !found {
			return nil, fmt.Errorf("reading bindings: the header has no %q", name)
		}
	}
	p := &Plan{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New("reading bindings: the file is no CSV")
		}
		line, _ := rows.FieldPos(0)
		g, ok, err := parseRow(row[at["mask"]], row[at["party"]], row[at["to"]], row[at["present"]], row[at["services"]])
		if err != nil {
			return nil, fmt.Errorf("reading bindings: line %d: %w", line, err)
		}
		if ok {
			p.bindings = append(p.bindings, g)
		}
		if len(p.bindings) > MaxBindings {
			return nil, fmt.Errorf("reading bindings: more than %d", MaxBindings)
		}
	}
	if len(p.bindings) == 0 {
		return nil, errors.New("reading bindings: none can be used")
	}
	return p, nil
}

func parseRow(mask, party, to, present, services string) (g binding, ok bool, err error) {
	if party == "*" || !strings.Contains(services, "sms") {
		return g, false, nil
	}
	kind, endpoint, _ := strings.Cut(to, ":")
	if kind != "tel" && kind != "smpp" {
		return g, false, nil
	}
	for _, f := range []struct {
		name string
		text string
		into *uint64
	}{{"mask", mask, &g.mask}, {"party", party, &g.party}, {"present", present, &g.present}, {"to", endpoint, &g.to}} {
		if f.name == "to" && kind == "smpp" {
			g.to = g.mask // an account is written to at the mask
			continue
		}
		digits := strings.TrimPrefix(f.text, "+")
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || len(digits) < 7 || len(digits) > 15 || digits[0] == '0' {
			return g, false, fmt.Errorf("%s is no number of 7 to 15 digits", f.name)
		}
		*f.into = n
	}
	return g, true, nil
}

// of is the binding that a message uses: pseudo-random over all, the same in
// every run.
func (p *Plan) of(message uint64) *binding {
	return &p.bindings[mix(message)%uint64(len(p.bindings))]
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
