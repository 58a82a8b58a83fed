package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"maskline/numberdb"
)

var _ numberdb.UsageStore = (*Store)(nil)

// PutUsage writes in one transaction, which tells nothing in the feed.
func (s *Store) PutUsage(ctx context.Context, holder string, rows []numberdb.Usage) error {
	return s.alone(ctx, "writing usage", func(ctx context.Context, tx *sql.Tx) error {
		for i := range rows {
			u := &rows[i]
			if err := u.Check(); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO usage (day, tenant, holder, messages, calls, seconds, cost) VALUES (?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (day, tenant, holder) DO UPDATE SET
					messages = excluded.messages, calls = excluded.calls, seconds = excluded.seconds, cost = excluded.cost`,
				u.Day, u.Tenant, holder, u.Messages, u.Calls, u.Seconds, u.Cost); err != nil {
				return err
			}
		}
		return nil
	})
}

// Usage sums by day and tenant.
func (s *Store) Usage(ctx context.Context, q numberdb.UsageQuery) (found []numberdb.Usage, err error) {
	err = s.read(ctx, "reading usage", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var u numberdb.Usage
			if err := rows.Scan(&u.Day, &u.Tenant, &u.Messages, &u.Calls, &u.Seconds, &u.Cost); err != nil {
				return err
			}
			found = append(found, u)
			return nil
		}, `SELECT day, tenant, sum(messages), sum(calls), sum(seconds), sum(cost) FROM usage
			WHERE day BETWEEN ?1 AND ?2 AND (?3 = '*' OR tenant = ?3) AND (?4 = '' OR holder <> ?4)
			GROUP BY day, tenant ORDER BY day, tenant LIMIT ?5`, q.From, q.To, q.Tenant, q.Except, numberdb.MostUsage)
	})
	return found, err
}

// ForgetUsage deletes in one transaction.
func (s *Store) ForgetUsage(ctx context.Context, before numberdb.Day) error {
	return s.alone(ctx, "deleting usage", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM usage WHERE day < ?`, before)
		return err
	})
}

// alone runs a transaction that tells nothing in the feed.
func (s *Store) alone(ctx context.Context, doing string, run func(ctx context.Context, tx *sql.Tx) error) error {
	if err := s.calls.begin(); err != nil {
		return err
	}
	defer s.calls.done()
	err := s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error { return run(quietly(ctx), tx) })
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
