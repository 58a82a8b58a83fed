package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

// Load reads one snapshot, whose position is one of the changelog. What runs
// while the snapshot is taken lies above its position and is told by the feed,
// whether or not the snapshot has it.
func (s *Store) Load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	ctx, done, err := s.ready(ctx)
	if err != nil {
		return numberdb.Snapshot{}, err
	}
	defer done()
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
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = `+milliseconds(s.cfg.Load)+
		`; SET LOCAL idle_in_transaction_session_timeout = `+milliseconds(2*s.cfg.Load)); err != nil {
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
	var exported string
	if err := tx.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&exported); err != nil {
		return numberdb.Snapshot{}, err
	}
	snapshot.Refused, err = s.copyAll(ctx, exported, put)
	return snapshot, err
}

// longRead reads one snapshot, for Config.Load at most.
func (s *Store) longRead(ctx context.Context, read func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Load)
	defer cancel()
	tx, err := s.beginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer s.rollback(ctx, tx)
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = `+milliseconds(s.cfg.Load)); err != nil {
		return err
	}
	return read(ctx, tx)
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
