package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

const (
	keyColumnCount = 2        // the first ones
	maxField       = 16 << 10 // octets of one value; the longest is carriers
)

// errMalformed says that the server sent what its protocol does not allow, or
// columns of other types than the schema's.
var errMalformed = errors.New("the server's data is malformed")

func malformed(what string) error { return fmt.Errorf("%w: %s", errMalformed, what) }

// rowValues are the columns of a row in their binary forms; nil is NULL.
type rowValues [columnCount][]byte

// columnType is the type of the i-th of columns.
func columnType(i int) uint32 {
	switch i {
	case 1, 2:
		return pgtype.ByteaOID
	case 5:
		return pgtype.Int2OID
	case 6, 8:
		return pgtype.TextOID
	case 10:
		return pgtype.BoolOID
	default:
		return pgtype.Int8OID
	}
}

// columnPlaces says which of columns each column of a table is: -1 where it is
// none of them.
func columnPlaces(table layout) []int {
	places := map[string]int{}
	for i, name := range strings.Split(columns, ", ") {
		places[name] = i
	}
	result := make([]int, len(table))
	for i, c := range table {
		place, ours := places[c.name]
		if !ours {
			place = -1
		}
		result[i] = place
	}
	return result
}

// fromText makes the binary form of the i-th of columns from its text form,
// which servers before version 14 send. PostgreSQL documentation, chapter 8.
func fromText(i int, text []byte) ([]byte, error) {
	switch columnType(i) {
	case pgtype.Int8OID:
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return nil, malformed("an integer")
		}
		return binary.BigEndian.AppendUint64(nil, uint64(n)), nil
	case pgtype.Int2OID:
		n, err := strconv.ParseInt(string(text), 10, 16)
		if err != nil {
			return nil, malformed("a small integer")
		}
		return binary.BigEndian.AppendUint16(nil, uint16(n)), nil
	case pgtype.BoolOID:
		switch string(text) {
		case "t":
			return []byte{1}, nil
		case "f":
			return []byte{0}, nil
		}
		return nil, malformed("a boolean")
	case pgtype.ByteaOID:
		if len(text) < 2 || text[0] != '\\' || text[1] != 'x' {
			return nil, malformed("octets")
		}
		octets := make([]byte, hex.DecodedLen(len(text)-2))
		if _, err := hex.Decode(octets, text[2:]); err != nil {
			return nil, malformed("octets")
		}
		return octets, nil
	default:
		return text, nil
	}
}
