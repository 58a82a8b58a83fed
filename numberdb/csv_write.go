package numberdb

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// errTenantCame is of a binding that has a tenant since it was looked at, where no
// other has any: the header is written by then.
var errTenantCame = errors.New("the bindings were changed meanwhile; export again")

// Export writes those bindings of a table that which selects in the form that
// Import reads: sorted by mask and party, numbers with "+", lines ended by LF. It
// returns the count of the others. The same bindings always give the same octets.
// The column tenant is written where any binding has one. Of a table that changes
// meanwhile each binding comes as it was at some moment. Only the keys are in
// memory, 16 octets each.
func Export(w io.Writer, table *Table, which func(*Binding) bool) (left int, err error) {
	var keys []BindingKey
	header := columns[:required]
	table.Each(func(b Binding) bool {
		if !which(&b) {
			left++
			return true
		}
		if b.Tenant != "" {
			header = columns[:]
		}
		keys = append(keys, BindingKey{b.Mask, b.Party})
		return true
	})
	slices.SortFunc(keys, func(a, b BindingKey) int {
		return cmp.Or(cmp.Compare(a.Mask, b.Mask), cmp.Compare(a.Party, b.Party))
	})
	if err := exportRows(w, header, func(yield func(Binding) bool) {
		for _, key := range keys {
			b, found := table.row(key)
			if found && which(&b) && !yield(b) {
				return
			}
		}
	}); err != nil {
		return left, fmt.Errorf("writing bindings: %w", err)
	}
	return left, nil
}

// row is what the table has for a key, live or not.
func (t *Table) row(key BindingKey) (Binding, bool) {
	b, status := t.Lookup(key.Mask, key.Party, time.Unix(0, 0)) // before all expiries
	return b, status.Found() && b.Party == key.Party
}

func exportRows(w io.Writer, header []string, each func(yield func(Binding) bool)) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	out := csv.NewWriter(buffered)
	if err := out.Write(header); err != nil {
		return err
	}
	var fields [len(columns)]string
	for b := range each {
		if b.Tenant != "" && len(header) < len(columns) {
			return errTenantCame
		}
		b.fields(&fields)
		if err := out.Write(fields[:len(header)]); err != nil {
			return err
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return buffered.Flush()
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
