package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
)

// told is a changeSink that writes down what it is told.
type told struct{ lines []string }

func (s *told) put(values [][]byte) {
	s.lines = append(s.lines, fmt.Sprintf("put %d %s", values[0][7], values[8]))
}

func (s *told) remove(k rowKey) {
	s.lines = append(s.lines, fmt.Sprintf("remove %d %d", k.mask, k.party[0]))
}

func (s *told) commit(_ uint32, end numberdb.Position, at time.Time) {
	s.lines = append(s.lines, fmt.Sprintf("commit %d %s", end, at.UTC().Format(time.RFC3339)))
}

func ourLayout() layout {
	var l layout
	for i, name := range strings.Split(columns, ", ") {
		l = append(l, layoutColumn{name, columnType(i)})
	}
	return l
}

const relationID = 4711

// Messages as the server writes them.
func beginMessage() []byte { return append([]byte{'B'}, make([]byte, 20)...) }

func commitMessage(end uint64, at time.Time) []byte {
	data := append([]byte{'C'}, make([]byte, 9)...)
	data = binary.BigEndian.AppendUint64(data, end)
	return binary.BigEndian.AppendUint64(data, uint64(at.UnixMicro()-microsTo2000))
}

func relationMessage(oid uint32, schema, table string, l layout) []byte {
	data := binary.BigEndian.AppendUint32([]byte{'R'}, oid)
	data = append(append(append(data, schema...), 0), table...)
	data = binary.BigEndian.AppendUint16(append(data, 0, 'd'), uint16(len(l)))
	for _, c := range l {
		data = append(append(append(data, 1), c.name...), 0)
		data = binary.BigEndian.AppendUint32(data, c.oid)
		data = append(data, 0xff, 0xff, 0xff, 0xff)
	}
	return data
}

func ours() []byte { return relationMessage(relationID, bindingsSchema, bindingsTable, ourLayout()) }

// tuple is a row; of nil values there is none.
func tuple(form byte, row [][]byte) []byte {
	data := binary.BigEndian.AppendUint16(nil, uint16(len(row)))
	for _, value := range row {
		if value == nil {
			data = append(data, 'n')
			continue
		}
		data = binary.BigEndian.AppendUint32(append(data, form), uint32(len(value)))
		data = append(data, value...)
	}
	return data
}

func change(kind byte, parts ...any) []byte {
	data := binary.BigEndian.AppendUint32([]byte{kind}, relationID)
	for _, part := range parts {
		switch part := part.(type) {
		case rune:
			data = append(data, byte(part))
		case []byte:
			data = append(data, part...)
		}
	}
	return data
}

// keyOf is the old row of a table whose replica identity is its key.
func keyOf(mask byte) []byte {
	row := wireRow(mask)
	for i := keyColumnCount; i < len(row); i++ {
		row[i] = nil
	}
	return tuple('b', row)
}

func textRow(mask int) [][]byte {
	return [][]byte{
		fmt.Append(nil, mask), fmt.Appendf(nil, `\x%032d`, mask), []byte(`\x0102`), []byte("3"), []byte("0"), []byte("3"), []byte(""),
		[]byte("-1"), []byte("shop"), []byte("5"), []byte("t"), []byte("6"), []byte("-9223372036854775808"),
	}
}

func TestPgoutput(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		messages [][]byte
		want     []string
	}{
		{
			"a transaction of every change",
			[][]byte{
				beginMessage(), ours(), change('I', 'N', tuple('b', wireRow(1))), change('U', 'N', tuple('b', wireRow(1))),
				change('D', 'K', keyOf(1)), commitMessage(900, at),
			},
			[]string{"put 1 shop", "put 1 shop", "remove 1 1", "commit 900 2026-11-22T10:00:00Z"},
		},
		{
			"an update of the key",
			[][]byte{beginMessage(), ours(), change('U', 'K', keyOf(1), 'N', tuple('b', wireRow(2)))},
			[]string{"remove 1 1", "put 2 shop"},
		},
		{
			"whole old rows, of a key that stays",
			[][]byte{
				beginMessage(), ours(), change('U', 'O', tuple('b', wireRow(1)), 'N', tuple('b', wireRow(1))),
				change('D', 'O', tuple('b', wireRow(1))),
			},
			[]string{"put 1 shop", "remove 1 1"},
		},
		{
			"text, of servers before version 14",
			[][]byte{beginMessage(), ours(), change('I', 'N', tuple('t', textRow(5)))},
			[]string{"put 5 shop"},
		},
		{
			"what is none of ours",
			[][]byte{
				beginMessage(), relationMessage(99, "public", "bindings", ourLayout()),
				{'Y', 1, 2},
				{'O', 1},
				{'M'},
				binary.BigEndian.AppendUint32([]byte{'I'}, 99), commitMessage(901, at),
			},
			[]string{"commit 901 2026-11-22T10:00:00Z"},
		},
		{
			"the relation told again as it was",
			[][]byte{beginMessage(), ours(), ours(), change('I', 'N', tuple('b', wireRow(1)))},
			[]string{"put 1 shop"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sink told
			decode := newPgoutput(ourLayout(), &sink)
			for i, message := range c.messages {
				if err := decode.message(message); err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
			}
			if diff := cmp.Diff(c.want, sink.lines); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestPgoutputThatCannotBeFollowed(t *testing.T) {
	added := append(ourLayout(), layoutColumn{"note", 25})
	null := wireRow(1)
	null[2] = nil
	elsewhere := tuple('b', wireRow(1))
	for _, c := range []struct {
		name     string
		messages [][]byte
		want     error
	}{
		{"TRUNCATE", [][]byte{beginMessage(), append([]byte{'T'}, make([]byte, 9)...)}, numberdb.ErrFeedLost},
		{"a column was added", [][]byte{beginMessage(), relationMessage(relationID, bindingsSchema, bindingsTable, added)}, numberdb.ErrFeedLost},
		{"another table of the name", [][]byte{ours(), relationMessage(9, bindingsSchema, bindingsTable, ourLayout())}, numberdb.ErrFeedLost},
		{"a NULL", [][]byte{beginMessage(), ours(), change('I', 'N', tuple('b', null))}, numberdb.ErrFeedLost},
		{"a value that stayed elsewhere", [][]byte{beginMessage(), ours(), change('U', 'N', func() []byte {
			row := tuple('b', null)
			row[slices.Index(row, 'n')] = 'u'
			return row
		}())}, numberdb.ErrFeedLost},
		{"an empty message", [][]byte{{}}, errMalformed},
		{"an unknown message", [][]byte{{'Z'}}, errMalformed},
		{"a stream of a transaction under way", [][]byte{{'S', 0, 0, 0, 1, 1}}, errMalformed},
		{"a transaction in another", [][]byte{beginMessage(), beginMessage()}, errMalformed},
		{"a commit alone", [][]byte{commitMessage(1, time.Time{})}, errMalformed},
		{"a change outside of a transaction", [][]byte{ours(), change('I', 'N', elsewhere)}, errMalformed},
		{"too few columns", [][]byte{beginMessage(), ours(), change('I', 'N', tuple('b', wireRow(1)[:3]))}, errMalformed},
		{"an insertion with an old row", [][]byte{beginMessage(), ours(), change('I', 'K', keyOf(1))}, errMalformed},
		{"a deletion with a new row", [][]byte{beginMessage(), ours(), change('D', 'N', elsewhere)}, errMalformed},
		{"a deletion without a key", [][]byte{beginMessage(), ours(), change('D', 'K', tuple('b', make([][]byte, columnCount)))}, errMalformed},
		{"a party of another length", [][]byte{beginMessage(), ours(), change('I', 'N', tuple('b', func() [][]byte {
			row := wireRow(1)
			row[1] = row[1][:15]
			return row
		}()))}, errMalformed},
		{"an unknown form of value", [][]byte{beginMessage(), ours(), change('I', 'N', tuple('x', wireRow(1)))}, errMalformed},
		{"text that is no number", [][]byte{beginMessage(), ours(), change('I', 'N', tuple('t', wireRow(1)))}, errMalformed},
		{"more than a message", [][]byte{beginMessage(), ours(), append(change('I', 'N', elsewhere), 0)}, errMalformed},
		{"less than a message", [][]byte{beginMessage(), ours(), change('I', 'N', elsewhere[:len(elsewhere)-1])}, errMalformed},
		{"a name without an end", [][]byte{append([]byte{'R', 0, 0, 0, 1}, strings.Repeat("a", 100)...)}, errMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			decode := newPgoutput(ourLayout(), &told{})
			for _, message := range c.messages[:len(c.messages)-1] {
				if err := decode.message(message); err != nil {
					t.Fatal(err)
				}
			}
			if err := decode.message(c.messages[len(c.messages)-1]); !errors.Is(err, c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestFromText(t *testing.T) {
	want := [][]byte{
		{0, 0, 0, 0, 0, 0, 0, 5},
		{15: 5},
		{1, 2},
		{0, 0, 0, 0, 0, 0, 0, 3},
		make([]byte, 8),
		{0, 3},
		{},
		{255, 255, 255, 255, 255, 255, 255, 255},
		[]byte("shop"),
		{0, 0, 0, 0, 0, 0, 0, 5},
		{1},
		{0, 0, 0, 0, 0, 0, 0, 6},
		{0x80, 0, 0, 0, 0, 0, 0, 0},
	}
	for i, text := range textRow(5) {
		got, err := fromText(i, text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("column %d: %s", i, diff)
		}
	}
	for i, bad := range []string{"x", `\x0`, "0102", "1.5", "", "32768", "", "9223372036854775808", "", " 1", "true", "0x1", "1e3"} {
		if columnType(i) == 25 { // any text is text
			continue
		}
		if _, err := fromText(i, []byte(bad)); !errors.Is(err, errMalformed) {
			t.Errorf("column %d took %q", i, bad)
		}
	}
}

func FuzzPgoutput(f *testing.F) {
	f.Add(change('I', 'N', tuple('b', wireRow(1))))
	f.Add(change('U', 'K', keyOf(1), 'N', tuple('t', textRow(2))))
	f.Add(change('D', 'K', keyOf(1)))
	f.Add(ours())
	f.Add(commitMessage(5, time.Time{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		decode := newPgoutput(ourLayout(), &told{})
		for _, message := range [][]byte{beginMessage(), ours(), data} {
			if err := decode.message(message); err != nil && !errors.Is(err, errMalformed) && !errors.Is(err, numberdb.ErrFeedLost) {
				t.Fatal(err)
			}
		}
	})
}

type ignore struct{}

func (ignore) put([][]byte)                                {}
func (ignore) remove(rowKey)                               {}
func (ignore) commit(uint32, numberdb.Position, time.Time) {}

func BenchmarkPgoutput(b *testing.B) {
	decode := newPgoutput(ourLayout(), ignore{})
	if err := errors.Join(decode.message(beginMessage()), decode.message(ours())); err != nil {
		b.Fatal(err)
	}
	message := change('U', 'N', tuple('b', wireRow(1)))
	b.ReportAllocs()
	for b.Loop() {
		if err := decode.message(message); err != nil {
			b.Fatal(err)
		}
	}
}
