package numberdb

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Export writes all that each yields (Table.Each is one such) in the form that
// Import reads: sorted by mask and party, numbers with "+", lines ended by LF.
// The same bindings always give the same octets. The column tenant is written
// where any binding has one.
func Export(w io.Writer, each func(yield func(Binding) bool)) error {
	var bindings []Binding
	header := columns[:required]
	for b := range each {
		if b.Tenant != "" {
			header = columns[:]
		}
		bindings = append(bindings, b)
	}
	slices.SortFunc(bindings, func(a, b Binding) int {
		return cmp.Or(cmp.Compare(a.Mask, b.Mask), cmp.Compare(a.Party, b.Party))
	})
	buffered := bufio.NewWriterSize(w, 64<<10)
	out := csv.NewWriter(buffered)
	if err := out.Write(header); err != nil {
		return fmt.Errorf("writing bindings: %w", err)
	}
	var fields [len(columns)]string
	for i := range bindings {
		bindings[i].fields(&fields)
		if err := out.Write(fields[:len(header)]); err != nil {
			return fmt.Errorf("writing bindings: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing bindings: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("writing bindings: %w", err)
	}
	return nil
}

func (b *Binding) fields(f *[len(columns)]string) {
	f[colMask] = b.Mask.Reveal()
	f[colParty] = wildcard
	if b.Party != 0 {
		f[colParty] = b.Party.Reveal()
	}
	f[colTo] = b.To.Reveal()
	f[colPresent] = b.Present.Reveal()
	f[colServices] = b.Services.String()
	f[colCarriers] = strings.Join(b.Carriers, "|")
	f[colExpires] = ""
	if !b.Expires.IsZero() {
		f[colExpires] = b.Expires.UTC().Format(expiryLayout)
	}
	f[colTenant] = b.Tenant
}
