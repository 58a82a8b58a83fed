package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"maskline/numberdb"
)

const (
	callColumns = `id, session, created, answered, connected, ended, until, state, outcome, leg, tenant, node, reason`
	callText    = `INSERT INTO calls (` + callColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	// callReportText changes nothing of a call that has ended.
	callReportText = `UPDATE calls SET
		state = max(state, ?2),
		answered = CASE WHEN ?2 = ?7 AND answered = 0 THEN ?3 ELSE answered END,
		connected = CASE WHEN ?2 = ?8 AND connected = 0 THEN ?3 ELSE connected END,
		ended = CASE WHEN ?2 = ?9 THEN ?3 ELSE ended END,
		outcome = CASE WHEN ?2 = ?9 THEN ?4 ELSE outcome END,
		leg = CASE WHEN ?2 = ?9 THEN ?5 ELSE leg END,
		reason = CASE WHEN ?2 = ?9 THEN ?6 ELSE reason END
		WHERE id = ?1 AND state < ?9`
)

var _ numberdb.CallStore = (*Store)(nil)

// writeCalls writes new calls and what became of others.
func (g *group) writeCalls(ctx context.Context, tx *sql.Tx) error {
	for i := range g.writes.Calls {
		c := g.writes.Calls[i].Stored()
		if _, err := tx.ExecContext(ctx, callText, c.ID, c.Session, c.Created, c.Answered, c.Connected, c.Ended, c.Expires,
			c.State, c.Outcome, c.Leg, c.Tenant, c.Node, c.Reason); err != nil {
			return fmt.Errorf("writing calls: %w", err)
		}
	}
	for i := range g.writes.CallReports {
		r := &g.writes.CallReports[i]
		if _, err := tx.ExecContext(ctx, callReportText, int64(r.ID), r.State, r.At.UnixMicro(), r.Outcome, r.Leg, r.Reason,
			numberdb.CallConnecting, numberdb.CallConnected, numberdb.CallEnded); err != nil {
			return fmt.Errorf("writing what became of calls: %w", err)
		}
	}
	for _, id := range g.writes.Gone.Calls {
		if _, err := tx.ExecContext(ctx, `DELETE FROM calls WHERE id = ?`, int64(id)); err != nil {
			return fmt.Errorf("deleting calls: %w", err)
		}
	}
	return nil
}

// Calls reads a page.
func (s *Store) Calls(ctx context.Context, q numberdb.CallQuery) (found []numberdb.Call, err error) {
	text, args := callQuery(&q)
	err = s.read(ctx, "reading calls", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var r numberdb.StoredCall
			if err := rows.Scan(&r.ID, &r.Session, &r.Created, &r.Answered, &r.Connected, &r.Ended, &r.Expires,
				&r.State, &r.Outcome, &r.Leg, &r.Tenant, &r.Node, &r.Reason); err != nil {
				return err
			}
			c, err := r.Call()
			if err == nil {
				found = append(found, c)
			}
			return err
		}, text, args...)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// callQuery has only the conditions that the query makes.
func callQuery(q *numberdb.CallQuery) (string, []any) {
	where, args := []string{`id > ?`}, []any{int64(q.After)}
	add := func(condition string, value any) {
		where, args = append(where, condition), append(args, value)
	}
	if q.ID != 0 {
		add(`id = ?`, int64(q.ID))
	}
	if q.Tenant != numberdb.AnyTenant {
		add(`tenant = ?`, q.Tenant)
	}
	if q.Session != 0 {
		add(`session = ?`, int64(q.Session))
	}
	if q.Node != "" {
		add(`node = ?`, q.Node)
	}
	if q.Open {
		where = append(where, `ended = 0`)
	}
	return `SELECT ` + callColumns + ` FROM calls WHERE ` + strings.Join(where, ` AND `) + ` ORDER BY id LIMIT ?`,
		append(args, numberdb.PageLimit(q.Limit))
}

// PurgeCalls deletes calls by their time.
func (s *Store) PurgeCalls(ctx context.Context, now time.Time, limit int) (deleted int, err error) {
	if err := s.calls.begin(); err != nil {
		return 0, err
	}
	defer s.calls.done()
	err = s.delete(ctx, 1, nil, func(ctx context.Context, tx *sql.Tx, _ int) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE until <= ? ORDER BY until LIMIT ?)`,
			now.UnixMicro(), limit)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		deleted = int(rows)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purging calls: %w", err)
	}
	return deleted, nil
}
