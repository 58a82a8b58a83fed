package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong with a configuration. It holds no value of
// the file.
type Fault struct {
	File    string
	Line    int    // 1 is the first; 0: the file as a whole
	Key     string // path such as carriers[0].smpp[1].window; empty: no key is meant
	Problem string // what is wrong, and what was expected
}

// Error is "file:line: key: problem".
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	b.WriteString(": ")
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Problem)
	return b.String()
}

// Faults is all that is wrong with a configuration, in the order of its lines:
// at most 100, and then one that counts the rest.
type Faults []Fault

// maxFaults bounds the list: a file with more faults is usually no
// configuration at all.
const maxFaults = 100

// Error is one line per fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sort() {
	slices.SortStableFunc(f, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// wrong is what is wrong with a text, in words that follow its key.
type wrong string

// Error is the words.
func (w wrong) Error() string { return string(w) }
