package numberdb

import (
	"fmt"
	"slices"
	"strings"

	"maskline/e164"
)

// columns is the header of the CSV contract, in the order in which Export
// writes it. A file may have them in any order; tenant may be absent.
var columns = [...]string{"mask", "party", "to", "present", "services", "carriers", "expires_at", "tenant"}

const (
	colMask = iota
	colParty
	colTo
	colPresent
	colServices
	colCarriers
	colExpires
	colTenant
	required = colTenant // columns before it must be there
)

// headerText is the header as a fault names it.
const headerText = "mask,party,to,present,services,carriers,expires_at"

// wildcard in the column party means the public binding.
const wildcard = "*"

// expiryLayout keeps what the stores keep, microseconds, and no zeros.
const expiryLayout = "2006-01-02T15:04:05.999999Z07:00"

// Limits of an import.
const (
	MaxLine   = 4 << 10    // octets of a line, without its end
	MaxFaults = 100        // faults listed one by one
	MaxRows   = 20_000_000 // bindings of one file
)

// Known says what an import may refer to. A nil function accepts every name.
type Known struct {
	Carrier func(name string) bool
	// Account tells whose an account is: a tenant's, or nobody's in particular.
	Account func(systemID string) (tenant string, known bool)
	Tenant  func(name string) bool
	Mask    func(e164.Number) bool // masks outside the file: Table.IsMask
	// Emergency tells the short codes that the configuration lists as emergency
	// strings. Those of many countries are refused without it; nil: no others are.
	Emergency func(e164.Number) bool
	// Held tells whether a session has the mask for the party; none holds any where
	// it is nil.
	Held func(mask, party e164.Number) bool
}

// Fault is one thing wrong with a file of bindings. It never holds a value of
// the file.
type Fault struct {
	Line   int    // from 1
	Column int    // octet in the line where it starts, from 1; 0: the line as a whole
	Field  string // name of the column; empty: none in particular
	Want   string // what is wrong and what was expected
}

// String is the fault as people read it.
func (f Fault) String() string {
	switch {
	case f.Column == 0:
		return fmt.Sprintf("line %d: %s", f.Line, f.Want)
	case f.Field == "":
		return fmt.Sprintf("line %d, column %d: %s", f.Line, f.Column, f.Want)
	default:
		return fmt.Sprintf("line %d, column %d (%s): %s", f.Line, f.Column, f.Field, f.Want)
	}
}

// Faults is the error of an import that was refused for its content.
type Faults struct {
	List []Fault // in the order of the file, at most MaxFaults
	More int     // found beyond those
}

// Error lists the faults, one to a line.
func (f *Faults) Error() string {
	var text strings.Builder
	for i, fault := range f.List {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(fault.String())
	}
	if f.More > 0 {
		fmt.Fprintf(&text, "\nand %d more", f.More)
	}
	return text.String()
}

// Add lists a fault, or counts it where there are many.
func (f *Faults) Add(fault Fault) {
	if len(f.List) == MaxFaults {
		f.More++
		return
	}
	f.List = append(f.List, fault)
}

// orNil sorts the list; it is nil where nothing was found.
func (f *Faults) orNil() error {
	if len(f.List) == 0 {
		return nil
	}
	slices.SortStableFunc(f.List, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return f
}
