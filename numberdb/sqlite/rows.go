package sqlite

import (
	"database/sql"

	"maskline/numberdb"
)

// columns of bindings in the order of the table.
const (
	columns     = `mask, party, sealed, present, second, services, carriers, expires, tenant, session, counted, keep, digest`
	columnCount = 13
)

// rowScan reads a row of the columns; what it makes is valid until the next one.
// Integers are taken as the driver gives them: database/sql converts slowly.
type rowScan struct {
	stored                                                                   numberdb.Stored
	mask, present, second, services, expires, session, counted, keep, digest any
	party, sealed, carriers, tenant                                          sql.RawBytes
}

func (r *rowScan) targets() []any {
	return []any{
		&r.mask, &r.party, &r.sealed, &r.present, &r.second, &r.services, &r.carriers, &r.expires, &r.tenant,
		&r.session, &r.counted, &r.keep, &r.digest,
	}
}

// row is the row that was scanned; equal texts are shared through the opener.
func (r *rowScan) row(opener *numberdb.Opener) *numberdb.Stored {
	r.stored = numberdb.Stored{
		Mask: integer(r.mask), Sealed: r.sealed, Present: integer(r.present), Second: integer(r.second),
		Services: int16(integer(r.services)), Carriers: opener.Text(r.carriers), Expires: integer(r.expires), Tenant: opener.Text(r.tenant),
		Session: integer(r.session), Counted: integer(r.counted) != 0, Keep: integer(r.keep), Digest: integer(r.digest),
	}
	copy(r.stored.Party[:], r.party)
	return &r.stored
}

// integer is the value of an INTEGER column; STRICT tables hold no other.
func integer(value any) int64 {
	n, _ := value.(int64)
	return n
}

// values appends the parameters of upsert.
func values(args []any, s *numberdb.Stored) []any {
	return append(args,
		s.Mask, s.Party[:], s.Sealed, s.Present, s.Second, int64(s.Services), s.Carriers, s.Expires, s.Tenant,
		s.Session, s.Counted, s.Keep, s.Digest)
}
