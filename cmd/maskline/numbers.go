package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
)

// numberForm is how people write the numbers that a command takes. Without its
// flags that is 7 to 15 digits from the country code on, and nothing but their
// form is looked at.
type numberForm struct {
	Country string `help:"Read numbers without a + as national ones of this country (ISO 3166, such as GB)."`
	Strict  bool   `help:"Refuse numbers that the numbering plan of their country does not have."`
}

var (
	errWritten   = errors.New("expected digits, with spaces, dots, dashes, slashes or brackets between them at most; letters and extensions are no part of a number")
	errNational  = errors.New("cannot be read as a number, national or with a +")
	errPlan      = errors.New("is no number of its country's numbering plan")
	errNoCountry = errors.New("country: expected the ISO 3166 code of one with a numbering plan, such as GB")
)

// check refuses a country that has no numbers.
func (f *numberForm) check() error {
	if f.Country != "" && phonenumbers.GetCountryCodeForRegion(strings.ToUpper(f.Country)) == 0 {
		return errNoCountry
	}
	return nil
}

// callingCode is that of a country, 0 where it has none.
func callingCode(country configs.Country) uint16 {
	return uint16(phonenumbers.GetCountryCodeForRegion(string(country)))
}

func (f *numberForm) given() bool { return f.Country != "" || f.Strict }

// read is the number that somebody wrote. Its faults never hold the text.
func (f *numberForm) read(text string) (e164.Number, error) {
	if !f.given() {
		return e164.Parse(text)
	}
	const longest = 40
	rest := strings.TrimPrefix(text, "+")
	if rest == "" || len(rest) > longest || strings.Trim(rest, "0123456789 .-/()") != "" {
		return 0, errWritten
	}
	if f.Country == "" {
		text = "+" + rest
	}
	n, err := phonenumbers.Parse(text, strings.ToUpper(f.Country))
	if err != nil || n.GetExtension() != "" {
		return 0, errNational
	}
	if f.Strict && !phonenumbers.IsValidNumber(n) {
		return 0, errPlan
	}
	return e164.Parse(phonenumbers.Format(n, phonenumbers.E164))
}

// rewritten is a CSV of bindings with its numbers in international form, line by
// line, so that faults keep their lines. Where numbers cannot be read, reading it
// ends in *numberdb.Faults instead of io.EOF, so that nothing is imported.
type rewritten struct {
	form   *numberForm
	lines  *bufio.Reader
	names  []string                       // of the columns
	kinds  []func(string) (string, error) // of each; nil: left as it is
	line   int
	faults numberdb.Faults
	out    bytes.Buffer
	err    error
}

// rewrite is r itself where the form asks for nothing.
func (f *numberForm) rewrite(r io.Reader) io.Reader {
	if !f.given() {
		return r
	}
	return &rewritten{form: f, lines: bufio.NewReaderSize(r, 64<<10)}
}

// Read reads what was rewritten.
func (r *rewritten) Read(p []byte) (int, error) {
	for r.out.Len() == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.err = r.next(); errors.Is(r.err, io.EOF) && len(r.faults.List) > 0 {
			r.err = &r.faults
		}
	}
	return r.out.Read(p)
}

// next rewrites one line.
func (r *rewritten) next() error {
	line, err := r.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil // the import refuses so long a line
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r.line++
	fields, fault := csv.NewReader(bytes.NewReader(line)).Read()
	if fault != nil {
		r.out.Write(line)
		return err
	}
	if r.kinds == nil {
		r.header(fields)
		r.out.Write(line)
		return err
	}
	for i := range fields {
		if i >= len(r.kinds) || r.kinds[i] == nil {
			continue
		}
		if fields[i], fault = r.kinds[i](fields[i]); fault != nil {
			r.fault(i, fault)
		}
	}
	w := csv.NewWriter(&r.out)
	_ = w.Write(fields) // into memory
	w.Flush()
	return err
}

func (r *rewritten) fault(column int, err error) {
	r.faults.Add(numberdb.Fault{Line: r.line, Want: r.names[column] + ": " + err.Error()})
}

func (r *rewritten) header(names []string) {
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	r.names = names
	r.kinds = make([]func(string) (string, error), len(names))
	for i, name := range names {
		switch name {
		case "mask", "present":
			r.kinds[i] = func(text string) (string, error) {
				if strings.Contains(text, ":") { // a short code, which is written in one way
					return text, nil
				}
				return r.number(text)
			}
		case "party":
			r.kinds[i] = r.number
		case "to":
			r.kinds[i] = func(text string) (string, error) {
				number, isTel := strings.CutPrefix(text, "tel:")
				if !isTel {
					return text, nil
				}
				number, err := r.number(number)
				return "tel:" + number, err
			}
		}
	}
}

func (r *rewritten) number(text string) (string, error) {
	if text == "" || text == "*" {
		return text, nil
	}
	n, err := r.form.read(text)
	return n.Reveal(), err
}
