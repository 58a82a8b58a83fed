package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"maskline/numberdb"
)

const (
	messageColumns = `id, session, verification, created, submitted, ended, until, code, state, segments, tenant, carrier, tries`
	messageText    = `INSERT INTO messages (` + messageColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	// reportText changes no final state. ?8 is that of a message which a carrier has,
	// ?9 the first final one.
	reportText = `UPDATE messages SET
		state = CASE WHEN state < ?9 THEN max(state, ?2) ELSE state END,
		submitted = CASE WHEN ?2 = ?8 AND submitted = 0 THEN ?3 ELSE submitted END,
		ended = CASE WHEN ?2 >= ?9 AND state < ?9 THEN ?3 ELSE ended END,
		segments = CASE WHEN ?4 > 0 THEN ?4 ELSE segments END,
		carrier = CASE WHEN ?5 <> '' THEN ?5 ELSE carrier END,
		code = CASE WHEN ?6 > 0 AND state < ?9 THEN ?6 ELSE code END,
		tries = CASE WHEN ?7 <> '' THEN ?7 ELSE tries END
		WHERE id = ?1`
)

var _ numberdb.MessageStore = (*Store)(nil)

// writeMessages writes new messages and what became of others.
func (g *group) writeMessages(ctx context.Context, tx *sql.Tx) error {
	for i := range g.writes.Messages {
		m := g.writes.Messages[i].Stored()
		if _, err := tx.ExecContext(ctx, messageText, m.ID, m.Session, m.Verification, m.Created, m.Submitted, m.Ended, m.Expiry,
			m.Code, m.State, m.Segments, m.Tenant, m.Carrier, m.Tries); err != nil {
			return fmt.Errorf("writing messages: %w", err)
		}
	}
	for i := range g.writes.Reports {
		r := &g.writes.Reports[i]
		if _, err := tx.ExecContext(ctx, reportText, int64(r.ID), r.State, r.At.UnixMicro(), r.Segments, r.Carrier, r.Code,
			numberdb.TriesText(r.Tries), numberdb.MessageSubmitted, numberdb.MessageDelivered); err != nil {
			return fmt.Errorf("writing what became of messages: %w", err)
		}
	}
	for _, id := range g.writes.Gone.Messages {
		if _, err := tx.ExecContext(ctx, `DELETE FROM messages WHERE id = ?`, int64(id)); err != nil {
			return fmt.Errorf("deleting messages: %w", err)
		}
	}
	for _, id := range g.writes.Gone.Verifications {
		if _, err := tx.ExecContext(ctx, `DELETE FROM verifications WHERE id = ?`, int64(id)); err != nil {
			return fmt.Errorf("deleting verifications: %w", err)
		}
	}
	for i := range g.writes.Gone.Attempts {
		gone := &g.writes.Gone.Attempts[i]
		key := g.store.vault.HideKey(gone.Tenant, gone.Key)
		if _, err := tx.ExecContext(ctx, `DELETE FROM attempts WHERE key = ?`, key[:]); err != nil {
			return fmt.Errorf("forgetting idempotency keys: %w", err)
		}
	}
	return nil
}

// Messages reads a page.
func (s *Store) Messages(ctx context.Context, q numberdb.MessageQuery) (found []numberdb.Message, err error) {
	text, args := messageQuery(&q)
	err = s.read(ctx, "reading messages", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var r numberdb.StoredMessage
			if err := rows.Scan(&r.ID, &r.Session, &r.Verification, &r.Created, &r.Submitted, &r.Ended, &r.Expiry, &r.Code, &r.State,
				&r.Segments, &r.Tenant, &r.Carrier, &r.Tries); err != nil {
				return err
			}
			m, err := r.Message()
			if err == nil {
				found = append(found, m)
			}
			return err
		}, text, args...)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// messageQuery has only the conditions that the query makes.
func messageQuery(q *numberdb.MessageQuery) (string, []any) {
	where, args := []string{`id > ?`}, []any{int64(q.After)}
	add := func(condition string, value any) {
		where, args = append(where, condition), append(args, value)
	}
	if q.ID != 0 {
		add(`id = ?`, int64(q.ID))
	}
	if len(q.IDs) > 0 {
		add(`id IN (SELECT value FROM json_each(?))`, idList(q.IDs))
	}
	if q.Tenant != numberdb.AnyTenant {
		add(`tenant = ?`, q.Tenant)
	}
	if q.Session != 0 {
		add(`session <> 0 AND session = ?`, int64(q.Session))
	}
	if q.Verification != 0 {
		add(`verification <> 0 AND verification = ?`, int64(q.Verification))
	}
	if q.Before != 0 {
		add(`id < ?`, int64(q.Before))
	}
	if q.Open {
		where = append(where, `state = 0`)
	}
	return `SELECT ` + messageColumns + ` FROM messages WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY id LIMIT ?`,
		append(args, numberdb.PageLimit(q.Limit))
}

// idList is a JSON array.
func idList(ids []numberdb.ID) string {
	text := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(id), 10)
	}
	return string(append(text, ']'))
}
