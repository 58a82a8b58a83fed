package sqlite

import (
	"database/sql"

	"maskline/numberdb"
)

// columns of bindings in the order of the table.
const columns = `mask, party, sealed, present, second, services, carriers, expires, tenant, session, counted, keep, digest`

// rowScan reads a row of the columns; what it makes is valid until the next one.
type rowScan struct {
	stored                          numberdb.Stored
	party, sealed, carriers, tenant sql.RawBytes
}

func (r *rowScan) targets() []any {
	s := &r.stored
	return []any{
		&s.Mask, &r.party, &r.sealed, &s.Present, &s.Second, &s.Services, &r.carriers, &s.Expires, &r.tenant,
		&s.Session, &s.Counted, &s.Keep, &s.Digest,
	}
}

// row is the row that was scanned; equal texts are shared through the opener.
func (r *rowScan) row(opener *numberdb.Opener) *numberdb.Stored {
	r.stored.Party = numberdb.HiddenParty{}
	copy(r.stored.Party[:], r.party)
	r.stored.Sealed = r.sealed
	r.stored.Carriers, r.stored.Tenant = opener.Text(r.carriers), opener.Text(r.tenant)
	return &r.stored
}

// values are the parameters of upsert.
func values(s *numberdb.Stored) []any {
	return []any{
		s.Mask, s.Party[:], s.Sealed, s.Present, s.Second, s.Services, s.Carriers, s.Expires, s.Tenant,
		s.Session, s.Counted, s.Keep, s.Digest,
	}
}
