package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

var _ numberdb.UsageStore = (*Store)(nil)

const (
	putUsage = `INSERT INTO maskline.usage (day, tenant, holder, messages, calls, seconds, cost)
		SELECT d, t, $3, m, c, s, k
		FROM unnest($1::bigint[], $2::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS r (d, t, m, c, s, k)
		ON CONFLICT (day, tenant, holder) DO UPDATE SET
			messages = excluded.messages, calls = excluded.calls, seconds = excluded.seconds, cost = excluded.cost`
	readUsage = `SELECT day, tenant, sum(messages)::bigint, sum(calls)::bigint, sum(seconds)::bigint, sum(cost)::bigint FROM maskline.usage
		WHERE day BETWEEN $1 AND $2 AND ($3 = '*' OR tenant = $3) AND ($4 = '' OR holder <> $4)
		GROUP BY day, tenant ORDER BY day, tenant LIMIT $5`
)

// PutUsage writes by one statement; of several rows of a day and tenant the last one
// counts.
func (s *Store) PutUsage(ctx context.Context, holder string, rows []numberdb.Usage) error {
	last := lastByKey(rows, func(u *numberdb.Usage) string { return u.Day.String() + u.Tenant })
	var counts [5][]int64
	var tenants []string
	for _, u := range last {
		if err := u.Check(); err != nil {
			return err
		}
		tenants = append(tenants, u.Tenant)
		for i, n := range [...]int64{int64(u.Day), u.Messages, u.Calls, u.Seconds, u.Cost} {
			counts[i] = append(counts[i], n)
		}
	}
	return s.read(ctx, "writing usage", s.cfg.Query, func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, putUsage, counts[0], tenants, holder, counts[1], counts[2], counts[3], counts[4])
		return err
	})
}

// Usage sums by day and tenant.
func (s *Store) Usage(ctx context.Context, q numberdb.UsageQuery) (found []numberdb.Usage, err error) {
	err = s.read(ctx, "reading usage", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, readUsage, int64(q.From), int64(q.To), q.Tenant, q.Except, numberdb.MostUsage)
		if err != nil {
			return err
		}
		var u numberdb.Usage
		_, err = pgx.ForEachRow(rows, []any{&u.Day, &u.Tenant, &u.Messages, &u.Calls, &u.Seconds, &u.Cost}, func() error {
			found = append(found, u)
			return nil
		})
		return err
	})
	return found, err
}

// ForgetUsage deletes by one statement.
func (s *Store) ForgetUsage(ctx context.Context, before numberdb.Day) error {
	return s.read(ctx, "deleting usage", s.cfg.Query, func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, `DELETE FROM maskline.usage WHERE day < $1`, int64(before))
		return err
	})
}
