package postgres

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// binaryRow is a row as Postgres sends it in binary form.
func binaryRow(s *numberdb.Stored) [][]byte {
	word := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	counted := byte(0)
	if s.Counted {
		counted = 1
	}
	return [][]byte{
		word(s.Mask), s.Party[:], s.Sealed, word(s.Present), word(s.Second), binary.BigEndian.AppendUint16(nil, uint16(s.Services)), []byte(s.Carriers),
		word(s.Expires), []byte(s.Tenant), word(s.Session),
		{counted},
		word(s.Keep), word(s.Digest),
	}
}

func fullRow() (*numberdb.Vault, numberdb.Stored) {
	vault := numberdb.NewVault(storetest.MasterKey("1"))
	b := storetest.Put(1, 2, 3).Binding
	b.Second, b.Session, b.Counted, b.Tenant, b.Carriers = storetest.Mask(4), 77, true, "shop", []string{"alfa", "bravo"}
	b.Expires, b.Keep = time.UnixMicro(1893456000123456).UTC(), time.UnixMicro(1893456001000000).UTC()
	return vault, vault.Store(&b)
}

func TestReadRow(t *testing.T) {
	vault, want := fullRow()
	opener := vault.Opener()
	for _, values := range [][][]byte{binaryRow(&want), append(binaryRow(&want), []byte("a later column"), nil)} {
		var got numberdb.Stored
		if err := readRow(values, opener, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if _, err := opener.Open(&got); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadRowRefuses(t *testing.T) {
	vault, row := fullRow()
	opener := vault.Opener()
	var got numberdb.Stored
	for column := range columnCount {
		for _, value := range [][]byte{nil, {}, {1, 2, 3}} {
			values := binaryRow(&row)
			values[column] = value
			err := readRow(values, opener, &got)
			if err == nil {
				_, err = opener.Open(&got)
			}
			if err == nil {
				t.Errorf("column %d of %d octets was read", column, len(value))
			}
		}
		if err := readRow(binaryRow(&row)[:column], opener, &got); err == nil {
			t.Errorf("a row of %d columns was read", column)
		}
	}
	if _, _, err := readKey(nil); err == nil {
		t.Error("a key of nothing was read")
	}
}

func BenchmarkReadRow(b *testing.B) {
	vault, row := fullRow()
	opener, values := vault.Opener(), binaryRow(&row)
	var got numberdb.Stored
	b.ReportAllocs()
	for b.Loop() {
		if err := readRow(values, opener, &got); err != nil {
			b.Fatal(err)
		}
		if _, err := opener.Open(&got); err != nil {
			b.Fatal(err)
		}
	}
}
