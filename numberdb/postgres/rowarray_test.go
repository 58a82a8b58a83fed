package postgres

import (
	"encoding/hex"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

// As the server's own array_send and record_send write them.
func TestRowArray(t *testing.T) {
	r := newRowArray("maskline.test", 0)
	start := r.row(6)
	r.int8(-2)
	r.int2(3)
	r.bool(true)
	r.text("é")
	r.bytes(nil)
	r.null(pgtype.Int8OID)
	r.end(start)
	const want = "00000001" + "00000000" + "00012345" + "00000001" + "00000001" + // dimensions, NULLs, type, length, from
		"00000041" + "00000006" + // octets, columns
		"00000014" + "00000008" + "fffffffffffffffe" +
		"00000015" + "00000002" + "0003" +
		"00000010" + "00000001" + "01" +
		"00000019" + "00000002" + "c3a9" +
		"00000011" + "00000000" +
		"00000014" + "ffffffff"
	if got := hex.EncodeToString(r.binary(0x12345)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTagsBeyondTheSecond(t *testing.T) {
	for _, tags := range [][]numberdb.PartyTag{nil, {1}, {1, 2}, {1, 2, 3, 4}} {
		r := newRowArray(sessionType, 0)
		further := r.put(&numberdb.StoredSession{}, tags)
		if len(further) != max(0, len(tags)-2) || len(further) > 0 && further[0] != 3 || r.count != 1 {
			t.Errorf("of %v: %v", tags, further)
		}
	}
}

func BenchmarkClaimRows(b *testing.B) {
	rows := make([]numberdb.Stored, 128)
	for i := range rows {
		rows[i].Sealed = make([]byte, 38)
	}
	b.ReportAllocs()
	for b.Loop() {
		claimRows(rows).binary(1)
	}
}
