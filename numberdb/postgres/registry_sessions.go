package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

// Sessions reads pages until the limit is reached: what was found by a tag is
// compared when it is open.
func (s *Store) Sessions(ctx context.Context, query numberdb.SessionQuery) ([]numberdb.Session, error) {
	if isLookup(&query) {
		return s.sessionByID(ctx, &query)
	}
	var page *numberdb.SessionPage
	err := s.read(ctx, "reading sessions", s.cfg.Query, func(ctx context.Context) error {
		page = numberdb.NewSessionPage(s.vault, &query)
		for {
			rows, err := s.readSessions(ctx, &query, page)
			if err != nil || page.Missing() == 0 || rows == 0 || query.ID != 0 {
				return err
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return page.Sessions, page.Err()
}

// isLookup is true of a query by nothing but the ID and perhaps the tenant.
func isLookup(q *numberdb.SessionQuery) bool {
	return q.ID != 0 && q.After == 0 && q.Party == 0 && q.Live.IsZero() && q.Limit >= 0
}

// sessionFields are where the columns of sessions go.
func sessionFields(r *numberdb.StoredSession) []any {
	return []any{
		&r.ID, &r.Tenant, &r.Pool, &r.Shape, &r.Services, &r.Created, &r.Expires, &r.IdleTTL, &r.MaxUses, &r.Keep, &r.Ended, &r.Sealed,
	}
}

func (s *Store) readSessions(ctx context.Context, query *numberdb.SessionQuery, page *numberdb.SessionPage) (count int, err error) {
	text, args := sessionQuery(query, s.vault, page.Missing())
	rows, err := s.pool.Query(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	var r numberdb.StoredSession
	_, err = pgx.ForEachRow(rows, sessionFields(&r), func() error {
		count++
		page.Add(&r)
		query.After = numberdb.ID(r.ID)
		return nil
	})
	return count, err
}

// sessionQuery has only the conditions that the query makes.
func sessionQuery(q *numberdb.SessionQuery, vault *numberdb.Vault, limit int) (string, []any) {
	var c conditions
	c.add(`id > ?`, int64(q.After))
	if q.ID != 0 {
		c.add(`id = ?`, int64(q.ID))
	}
	if q.Tenant != "" {
		c.add(`tenant = ?`, q.Tenant)
	}
	if q.Party != 0 {
		c.add(`id IN (SELECT id FROM maskline.sessions WHERE party1 = ? UNION SELECT id FROM maskline.sessions WHERE party2 = ?
			UNION SELECT session FROM maskline.session_parties WHERE party = ?)`, int64(vault.Tag(q.Party)))
	}
	if !q.Live.IsZero() {
		c.add(`ended = 0 AND expires > ?`, q.Live.UnixMicro())
	}
	return c.page(`SELECT `+sessionColumns+` FROM maskline.sessions`, `id`, limit), c.args
}
