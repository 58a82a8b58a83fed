package postgres

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

// Types of rows in the schema, of which arrays are sent.
const (
	claimType   = "maskline.claim"
	sessionType = "maskline.session"
)

// rowArray is an array of rows in the binary form of Postgres: array_send and
// record_send in its source. The type's OID differs from database to database.
type rowArray struct {
	of    string // its type
	octet []byte
	count int
}

const (
	arrayHead = 20 // dimensions, whether there are NULLs, type, length, lower bound
	typeAt    = 8
	lengthAt  = 12
)

func newRowArray(of string, size int) *rowArray {
	r := &rowArray{of: of, octet: make([]byte, arrayHead, arrayHead+size)}
	binary.BigEndian.PutUint32(r.octet, 1)      // dimensions
	binary.BigEndian.PutUint32(r.octet[16:], 1) // lower bound
	return r
}

// row begins a row of so many columns; end ends it.
func (r *rowArray) row(columns int) (start int) {
	start = len(r.octet)
	r.octet = binary.BigEndian.AppendUint32(r.octet, 0) // its length
	r.octet = binary.BigEndian.AppendUint32(r.octet, uint32(columns))
	return start
}

func (r *rowArray) end(start int) {
	binary.BigEndian.PutUint32(r.octet[start:], uint32(len(r.octet)-start-4))
	r.count++
}

func (r *rowArray) head(oid uint32, length int) {
	r.octet = binary.BigEndian.AppendUint32(r.octet, oid)
	r.octet = binary.BigEndian.AppendUint32(r.octet, uint32(length))
}

func (r *rowArray) int8(v int64) {
	r.head(pgtype.Int8OID, 8)
	r.octet = binary.BigEndian.AppendUint64(r.octet, uint64(v))
}

func (r *rowArray) int2(v int16) {
	r.head(pgtype.Int2OID, 2)
	r.octet = binary.BigEndian.AppendUint16(r.octet, uint16(v))
}

func (r *rowArray) bool(v bool) {
	r.head(pgtype.BoolOID, 1)
	octet := byte(0)
	if v {
		octet = 1
	}
	r.octet = append(r.octet, octet)
}

func (r *rowArray) text(v string) {
	r.head(pgtype.TextOID, len(v))
	r.octet = append(r.octet, v...)
}

func (r *rowArray) bytes(v []byte) {
	r.head(pgtype.ByteaOID, len(v))
	r.octet = append(r.octet, v...)
}

func (r *rowArray) null(oid uint32) {
	r.octet = binary.BigEndian.AppendUint32(r.octet, oid)
	r.octet = binary.BigEndian.AppendUint32(r.octet, 1<<32-1)
}

// claimRows are the parameter of claim.
func claimRows(rows []numberdb.Stored) *rowArray {
	r := newRowArray(claimType, 320*len(rows))
	for i := range rows {
		s := &rows[i]
		start := r.row(columnCount)
		r.int8(s.Mask)
		r.bytes(s.Party[:])
		r.bytes(s.Sealed)
		r.int8(s.Present)
		r.int8(s.Second)
		r.int2(s.Services)
		r.text(s.Carriers)
		r.int8(s.Expires)
		r.text(s.Tenant)
		r.int8(s.Session)
		r.bool(s.Counted)
		r.int8(s.Keep)
		r.int8(s.Digest)
		r.end(start)
	}
	return r
}

const sessionColumnCount = 14

// put adds the row of a session; of more than two tags the others are returned.
func (r *rowArray) put(s *numberdb.StoredSession, tags []numberdb.PartyTag) (further []numberdb.PartyTag) {
	start := r.row(sessionColumnCount)
	r.int8(s.ID)
	r.text(s.Tenant)
	r.text(s.Pool)
	r.int2(s.Shape)
	r.int2(s.Services)
	for _, v := range [...]int64{s.Created, s.Expires, s.IdleTTL, s.MaxUses, s.Keep} {
		r.int8(v)
	}
	r.int2(s.Ended)
	r.bytes(s.Sealed)
	for k := range 2 {
		if k < len(tags) {
			r.int8(int64(tags[k]))
		} else {
			r.null(pgtype.Int8OID)
		}
	}
	r.end(start)
	return tags[min(2, len(tags)):]
}

// binary is what is sent where the type has that OID.
func (r *rowArray) binary(oid uint32) []byte {
	binary.BigEndian.PutUint32(r.octet[typeAt:], oid)
	binary.BigEndian.PutUint32(r.octet[lengthAt:], uint32(r.count))
	return r.octet
}

// rowTypes finds the OIDs of the types of rows, once for each connection, and lets
// it take their arrays as they are.
func rowTypes(ctx context.Context, conn *pgx.Conn) (map[string]uint32, error) {
	const key = "maskline.rows"
	known := conn.PgConn().CustomData()
	if oids, found := known[key].(map[string]uint32); found {
		return oids, nil
	}
	rows, err := conn.Query(ctx, `SELECT t.oid, t.typarray, format('%s.%s', n.nspname, t.typname) FROM pg_type t
		JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'maskline' AND t.typname IN ('claim', 'session')`)
	if err != nil {
		return nil, fmt.Errorf("looking for the types of rows: %w", err)
	}
	oids := map[string]uint32{}
	var oid, array uint32
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &array, &name}, func() error {
		oids[name] = oid
		conn.TypeMap().RegisterType(&pgtype.Type{Name: name + "[]", OID: array, Codec: pgtype.ByteaCodec{}}) // octets as they are
		return nil
	}); err != nil {
		return nil, fmt.Errorf("looking for the types of rows: %w", err)
	}
	known[key] = oids
	return oids, nil
}
