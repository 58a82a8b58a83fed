package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

// rowColumns of the bindings b, in the order in which rowScan reads them.
const rowColumns = `b.to_kind, b.to_value, b.present, b.services, array_to_string(b.carriers, '|'), b.expires_at, b.tenant`

// rowScan reads a row of bindings; in the feed it may be missing.
type rowScan struct {
	mask, party                       pgtype.Text
	toKind, toValue, present, service pgtype.Text
	carriers, tenant                  pgtype.Text
	expires                           pgtype.Timestamptz
	lists                             map[string][]string // carriers already split
}

func (r *rowScan) key() []any { return []any{&r.mask, &r.party} }

func (r *rowScan) rest() []any {
	return []any{&r.toKind, &r.toValue, &r.present, &r.service, &r.carriers, &r.expires, &r.tenant}
}

func (r *rowScan) row() numberdb.Row {
	row := numberdb.Row{
		Mask: r.mask.String, Party: r.party.String, ToKind: r.toKind.String, ToValue: r.toValue.String,
		Present: r.present.String, Services: r.service.String, Tenant: r.tenant.String,
	}
	if r.expires.Valid {
		row.Expires = r.expires.Time
	}
	if r.carriers.String != "" {
		list, known := r.lists[r.carriers.String]
		if !known {
			list = strings.Split(r.carriers.String, "|")
			r.lists[r.carriers.String] = list
		}
		row.Carriers = list
	}
	return row
}

// Load reads one snapshot. What runs while the snapshot is taken lies above its
// position and is told by the feed, whether or not the snapshot has it.
func (s *Store) Load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return numberdb.Snapshot{}, err
	}
	defer done()
	if err := s.prepare(ctx); err != nil {
		return numberdb.Snapshot{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Load)
	defer cancel()
	snapshot, err := s.load(bounded, put)
	if err != nil {
		return numberdb.Snapshot{}, explain(ctx, "loading bindings", err)
	}
	return snapshot, nil
}

func (s *Store) load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	tx, err := s.beginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return numberdb.Snapshot{}, err
	}
	defer s.rollback(ctx, tx)
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = `+milliseconds(s.cfg.Load)); err != nil {
		return numberdb.Snapshot{}, err
	}
	// The lock comes before the snapshot: TRUNCATE would empty the table under
	// it.
	if _, err := tx.Exec(ctx, `LOCK TABLE maskline.bindings IN ACCESS SHARE MODE`); err != nil {
		return numberdb.Snapshot{}, err
	}
	var snapshot numberdb.Snapshot
	var ahead bool
	if err := tx.QueryRow(ctx, `SELECT pg_snapshot_xmin(h.now), f.trimmed >= pg_snapshot_xmax(h.now)
			OR EXISTS (SELECT FROM maskline.changelog WHERE xid >= pg_snapshot_xmax(h.now))
		FROM maskline.feed f, (SELECT pg_current_snapshot() AS now) h`).Scan((*uint64)(&snapshot.Position), &ahead); err != nil {
		return numberdb.Snapshot{}, err
	}
	if ahead {
		if err := s.mendFeed(ctx); err != nil {
			return numberdb.Snapshot{}, err
		}
	}
	rows, err := tx.Query(ctx, `SELECT b.mask, b.party, `+rowColumns+` FROM maskline.bindings b`)
	if err != nil {
		return numberdb.Snapshot{}, err
	}
	defer rows.Close()
	scan := rowScan{lists: map[string][]string{}}
	targets := append(scan.key(), scan.rest()...)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return numberdb.Snapshot{}, err
		}
		row := scan.row()
		b, err := row.Binding()
		if err != nil {
			snapshot.Refused++
			continue
		}
		put(b)
	}
	return snapshot, rows.Err()
}

// mendFeed makes the changelog fit the cluster's transaction counter, which
// starts anew where a dump was restored into another cluster.
func (s *Store) mendFeed(ctx context.Context) error {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM maskline.changelog WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE maskline.feed SET trimmed = '0' WHERE trimmed >= pg_snapshot_xmax(pg_current_snapshot())`)
		return err
	})
}

// beginTx begins on a connection that lives: those of the pool may have died
// unnoticed. Nothing was done on them, so the next one is tried.
func (s *Store) beginTx(ctx context.Context, options pgx.TxOptions) (tx pgx.Tx, err error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	for range s.cfg.Connections + 1 {
		tx, err = s.pool.BeginTx(ctx, options)
		var unreachable *pgconn.ConnectError
		if err == nil || ctx.Err() != nil || errors.As(err, &unreachable) {
			break
		}
	}
	return tx, err
}

func (s *Store) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.Query)
}

func seconds(f pgtype.Float8) time.Duration {
	if !f.Valid || f.Float64 < 0 {
		return 0
	}
	return time.Duration(f.Float64 * float64(time.Second))
}
