package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

const (
	callColumns = `id, session, created, answered, connected, ended, until, state, outcome, leg, tenant, node, reason`
	putCall     = `INSERT INTO maskline.calls (` + callColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	// reportCall changes nothing of a call that has ended.
	reportCall = `UPDATE maskline.calls SET
		state = greatest(state, $2::smallint),
		answered = CASE WHEN $2 = 2 AND answered = 0 THEN $3 ELSE answered END,
		connected = CASE WHEN $2 = 3 AND connected = 0 THEN $3 ELSE connected END,
		ended = CASE WHEN $2 = 4 THEN $3 ELSE ended END,
		outcome = CASE WHEN $2 = 4 THEN $4::smallint ELSE outcome END,
		leg = CASE WHEN $2 = 4 THEN $5::smallint ELSE leg END,
		reason = CASE WHEN $2 = 4 THEN $6 ELSE reason END
		WHERE id = $1 AND state < 4`
	goneCall   = `DELETE FROM maskline.calls WHERE id = $1`
	purgeCalls = `DELETE FROM maskline.calls WHERE id IN (SELECT id FROM maskline.calls WHERE until <= $1 ORDER BY until LIMIT $2)`
)

var _ numberdb.CallStore = (*Store)(nil)

func (g *group) addCalls(w *numberdb.Writes) {
	for i := range w.Calls {
		c := w.Calls[i].Stored()
		g.add(putCall, c.ID, c.Session, c.Created, c.Answered, c.Connected, c.Ended, c.Expires,
			c.State, c.Outcome, c.Leg, c.Tenant, c.Node, c.Reason)
	}
	reports := slices.Clone(w.CallReports) // in the order of their rows, as two edges may meet in them
	slices.SortStableFunc(reports, func(a, b numberdb.CallReport) int { return cmp.Compare(a.ID, b.ID) })
	for i := range reports {
		r := &reports[i]
		g.add(reportCall, int64(r.ID), int16(r.State), r.At.UnixMicro(), int16(r.Outcome), int16(r.Leg), r.Reason)
	}
	for _, id := range w.Gone.Calls {
		g.add(goneCall, int64(id))
	}
}

// Calls reads a page.
func (s *Store) Calls(ctx context.Context, q numberdb.CallQuery) (found []numberdb.Call, err error) {
	err = s.read(ctx, "reading calls", s.cfg.Query, func(ctx context.Context) error {
		text, args := callQuery(&q)
		rows, err := s.pool.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		var r numberdb.StoredCall
		_, err = pgx.ForEachRow(rows, []any{
			&r.ID, &r.Session, &r.Created, &r.Answered, &r.Connected, &r.Ended, &r.Expires, &r.State, &r.Outcome, &r.Leg, &r.Tenant, &r.Node, &r.Reason,
		}, func() error {
			c, err := r.Call()
			if err == nil {
				found = append(found, c)
			}
			return err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// callQuery has only the conditions that the query makes.
func callQuery(q *numberdb.CallQuery) (string, []any) {
	var where []string
	var args []any
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" $"+strconv.Itoa(len(args)))
	}
	add(`id >`, int64(q.After))
	if q.ID != 0 {
		add(`id =`, int64(q.ID))
	}
	if q.Tenant != numberdb.AnyTenant {
		add(`tenant =`, q.Tenant)
	}
	if q.Session != 0 {
		add(`session =`, int64(q.Session))
	}
	if q.Node != "" {
		add(`node =`, q.Node)
	}
	if q.Open {
		where = append(where, `ended = 0`)
	}
	args = append(args, numberdb.PageLimit(q.Limit))
	return `SELECT ` + callColumns + ` FROM maskline.calls WHERE ` + strings.Join(where, ` AND `) +
		` ORDER BY id LIMIT $` + strconv.Itoa(len(args)), args
}

// PurgeCalls deletes calls by their time.
func (s *Store) PurgeCalls(ctx context.Context, now time.Time, limit int) (deleted int, err error) {
	err = s.read(ctx, "purging calls", s.cfg.Query, func(ctx context.Context) error {
		tag, err := s.pool.Exec(ctx, purgeCalls, now.UnixMicro(), limit)
		deleted = int(tag.RowsAffected())
		return err
	})
	return deleted, err
}
