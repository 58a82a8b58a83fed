package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

// column is a column of maskline.bindings that the table in memory needs.
type column uint8

// The columns, in the order in which COPY sends them.
const (
	colMask column = iota
	colParty
	colSealed
	colPresent
	colSecond
	colServices
	colCarriers
	colExpires
	colTenant
	colSession
	colCounted
	colKeep
	columnCount
)

// keyColumnCount of them are the key.
const keyColumnCount = 2

const (
	maxField  = 16 << 10 // octets of one value; the longest is carriers
	maxIntern = 1 << 14  // texts kept so that equal ones are one
)

// errMalformed says that the server sent what its protocol does not allow, or
// columns of other types than the schema's.
var errMalformed = errors.New("the server's data is malformed")

func malformed(what string) error { return fmt.Errorf("%w: %s", errMalformed, what) }

func columnName(c column) string {
	return [columnCount]string{
		"mask", "party", "sealed", "present", "second", "services", "carriers", "expires", "tenant", "session", "counted", "keep",
	}[c]
}

func columnType(c column) uint32 {
	switch c {
	case colParty, colSealed:
		return pgtype.ByteaOID
	case colServices:
		return pgtype.Int2OID
	case colCarriers, colTenant:
		return pgtype.TextOID
	case colCounted:
		return pgtype.BoolOID
	default:
		return pgtype.Int8OID
	}
}

// columnNamed is columnCount for a column that the table does not need.
func columnNamed(name string) column {
	for c := range columnCount {
		if columnName(c) == name {
			return c
		}
	}
	return columnCount
}

// columnList is the columns in SQL.
func columnList() string {
	names := make([]string, columnCount)
	for c := range columnCount {
		names[c] = columnName(c)
	}
	return strings.Join(names, ", ")
}

// reading turns values from the wire into a numberdb.Stored.
type reading struct {
	row   numberdb.Stored // Sealed is valid until the next value
	texts map[string]string
}

func newReading() *reading { return &reading{texts: map[string]string{}} }

// text is a string for the octets, the same for equal ones: tenants and carriers
// repeat in every row.
func (r *reading) text(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	if s, known := r.texts[string(value)]; known {
		return s
	}
	if len(r.texts) == maxIntern {
		clear(r.texts)
	}
	s := string(value)
	r.texts[s] = s
	return s
}

// binary sets a column from its binary form.
// PostgreSQL documentation, chapters 8 and 55.2: integers in network order.
func (r *reading) binary(c column, value []byte) error {
	switch columnType(c) {
	case pgtype.Int8OID:
		if len(value) != 8 {
			return malformed("an integer")
		}
		r.setInteger(c, int64(binary.BigEndian.Uint64(value)))
	case pgtype.Int2OID:
		if len(value) != 2 {
			return malformed("a small integer")
		}
		r.setInteger(c, int64(int16(binary.BigEndian.Uint16(value))))
	case pgtype.BoolOID:
		if len(value) != 1 || value[0] > 1 {
			return malformed("a boolean")
		}
		r.row.Counted = value[0] == 1
	case pgtype.TextOID:
		r.setText(c, value)
	default:
		return r.setOctets(c, value)
	}
	return nil
}

// textual sets a column from its text form, which servers before version 14
// send. PostgreSQL documentation, chapter 8.
func (r *reading) textual(c column, value []byte) error {
	switch columnType(c) {
	case pgtype.Int8OID, pgtype.Int2OID:
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || columnType(c) == pgtype.Int2OID && n != int64(int16(n)) {
			return malformed("an integer")
		}
		r.setInteger(c, n)
	case pgtype.BoolOID:
		if len(value) != 1 || value[0] != 't' && value[0] != 'f' {
			return malformed("a boolean")
		}
		r.row.Counted = value[0] == 't'
	case pgtype.TextOID:
		r.setText(c, value)
	default:
		if len(value) < 2 || value[0] != '\\' || value[1] != 'x' {
			return malformed("octets")
		}
		octets := make([]byte, hex.DecodedLen(len(value)-2))
		if _, err := hex.Decode(octets, value[2:]); err != nil {
			return malformed("octets")
		}
		return r.setOctets(c, octets)
	}
	return nil
}

func (r *reading) setInteger(c column, n int64) {
	switch c {
	case colMask:
		r.row.Mask = n
	case colPresent:
		r.row.Present = n
	case colSecond:
		r.row.Second = n
	case colServices:
		r.row.Services = int16(n)
	case colExpires:
		r.row.Expires = n
	case colSession:
		r.row.Session = n
	case colKeep:
		r.row.Keep = n
	}
}

func (r *reading) setText(c column, value []byte) {
	if c == colCarriers {
		r.row.Carriers = r.text(value)
	} else {
		r.row.Tenant = r.text(value)
	}
}

func (r *reading) setOctets(c column, value []byte) error {
	if c == colSealed {
		r.row.Sealed = value
		return nil
	}
	if len(value) != len(r.row.Party) {
		return malformed("a party")
	}
	copy(r.row.Party[:], value)
	return nil
}
