package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"maskline/numberdb"
)

// Sessions reads pages until the limit is reached: what was found by a tag is
// compared when it is open.
func (s *Store) Sessions(ctx context.Context, query numberdb.SessionQuery) ([]numberdb.Session, error) {
	page := numberdb.NewSessionPage(s.vault, &query)
	err := s.read(ctx, "reading sessions", func(tx *sql.Tx) error {
		for {
			rows := 0
			text, args := s.sessionQuery(&query, page.Missing())
			if err := each(ctx, tx, func(r *sql.Rows) error {
				var stored numberdb.StoredSession
				if err := scanSession(r, &stored); err != nil {
					return err
				}
				rows++
				page.Add(&stored)
				query.After = numberdb.ID(stored.ID)
				return nil
			}, text, args...); err != nil {
				return err
			}
			if missing := page.Missing(); missing == 0 || rows == 0 || query.ID != 0 {
				return nil
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return page.Sessions, page.Err()
}

func (s *Store) sessionQuery(q *numberdb.SessionQuery, limit int) (string, []any) {
	var where []string
	var args []any
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	add(`id > ?`, int64(q.After))
	if q.ID != 0 {
		add(`id = ?`, int64(q.ID))
	}
	if q.Tenant != "" {
		add(`tenant = ?`, q.Tenant)
	}
	if q.Party != 0 {
		tag := int64(s.vault.Tag(q.Party))
		add(`id IN (SELECT id FROM sessions WHERE party1 = ? UNION ALL SELECT id FROM sessions WHERE party2 = ?
			UNION ALL SELECT session FROM session_parties WHERE party = ?)`, tag, tag, tag)
	}
	if !q.Live.IsZero() {
		add(`ended = 0 AND expires > ?`, q.Live.UnixMicro())
	}
	return `SELECT ` + sessionColumns + ` FROM sessions WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY id LIMIT ?`, append(args, limit)
}

func scanSession(rows *sql.Rows, s *numberdb.StoredSession) error {
	return rows.Scan(&s.ID, &s.Tenant, &s.Pool, &s.Shape, &s.Services, &s.Created, &s.Expires, &s.IdleTTL, &s.MaxUses, &s.Keep, &s.Ended, &s.Sealed)
}
