package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wireRow is the columns of a row as the server writes them.
func wireRow(mask byte) [][]byte {
	number := func(n byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 0, n} }
	return [][]byte{
		number(mask), bytes.Repeat([]byte{mask}, 16), []byte("sealed"), number(3), number(0),
		{0, 3},
		[]byte("alfa|bravo"),
		number(4), []byte("shop"), number(5),
		{1},
		number(6), number(7),
	}
}

// copyOf is COPY's binary form of rows; nil values are NULL.
func copyOf(rows ...[][]byte) []byte {
	data := append([]byte(copySignature), 0, 0, 0, 0, 0, 0, 0, 0)
	for _, row := range rows {
		data = binary.BigEndian.AppendUint16(data, uint16(len(row)))
		for _, value := range row {
			if value == nil {
				data = binary.BigEndian.AppendUint32(data, 1<<32-1)
				continue
			}
			data = append(binary.BigEndian.AppendUint32(data, uint32(len(value))), value...)
		}
	}
	return append(data, 0xff, 0xff)
}

func cloneRow(row [][]byte) [][]byte {
	clone := make([][]byte, len(row))
	for i := range row {
		clone[i] = slices.Clone(row[i])
	}
	return clone
}

// readCopy reads data in pieces of a size.
func readCopy(data []byte, piece int) (rows [][][]byte, err error) {
	reader := newCopyReader(func(values [][]byte) error {
		rows = append(rows, cloneRow(values))
		return nil
	})
	for part := range slices.Chunk(data, piece) {
		if _, err := reader.Write(slices.Clone(part)); err != nil {
			return rows, err
		}
	}
	return rows, reader.close()
}

func TestCopyInPiecesOfAnySize(t *testing.T) {
	null := wireRow(3)
	null[6] = nil
	want := [][][]byte{wireRow(1), wireRow(2), null}
	data := copyOf(want...)
	for piece := 1; piece <= len(data); piece++ {
		rows, err := readCopy(data, piece)
		if err != nil {
			t.Fatalf("pieces of %d: %v", piece, err)
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Fatalf("pieces of %d: %s", piece, diff)
		}
	}
}

func TestMalformedCopy(t *testing.T) {
	good := copyOf(wireRow(1))
	alter := func(at int, octet byte) []byte {
		data := slices.Clone(good)
		data[at] = octet
		return data
	}
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"nothing", nil},
		{"another signature", alter(0, 'p')},
		{"flags that change the format", alter(len(copySignature), 1)},
		{"an extension of the header", alter(copyHeader-1, 4)},
		{"too few columns", copyOf(wireRow(1)[:columnCount-1])},
		{"too many columns", copyOf(append(wireRow(1), []byte{1}))},
		{"a length of -2", alter(copyHeader+5, 0xfe)},
		{"a negative length", func() []byte {
			data := slices.Clone(good)
			binary.BigEndian.PutUint32(data[copyHeader+2:], 1<<32-2)
			return data
		}()},
		{"a value longer than any", copyOf(append(wireRow(1)[:columnCount-1], make([]byte, maxField+1)))},
		{"no trailer", good[:len(good)-2]},
		{"half a trailer", good[:len(good)-1]},
		{"data after the trailer", append(slices.Clone(good), 0)},
		{"an end in the middle of a row", good[:len(good)/2]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := readCopy(c.data, max(1, len(c.data))); !errors.Is(err, errMalformed) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// What the reader is given in one piece or in many reads the same.
func FuzzCopy(f *testing.F) {
	f.Add(copyOf(wireRow(1), wireRow(2)), uint8(7))
	f.Add(copyOf(), uint8(1))
	f.Add([]byte(copySignature), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		whole, wholeErr := readCopy(data, max(1, len(data)))
		parts, partsErr := readCopy(data, max(1, int(piece)))
		if (wholeErr == nil) != (partsErr == nil) {
			t.Fatalf("in one piece %v, in pieces of %d %v", wholeErr, piece, partsErr)
		}
		if wholeErr == nil && !cmp.Equal(whole, parts) {
			t.Fatal("the rows differ")
		}
	})
}

func BenchmarkCopyReader(b *testing.B) {
	rows := make([][][]byte, 100)
	for i := range rows {
		rows[i] = wireRow(byte(i))
	}
	data := copyOf(rows...)
	b.ReportAllocs()
	for b.Loop() {
		reader := copyReader{row: func([][]byte) error { return nil }}
		if _, err := reader.Write(data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
