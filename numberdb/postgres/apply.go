package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

const (
	chunk  = 5000 // rows of one statement
	tries  = 5    // of a transaction that met a deadlock
	upsert = `INSERT INTO maskline.bindings (` + columns + `)
		SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::smallint[], $7::text[],
			$8::bigint[], $9::text[], $10::bigint[], $11::boolean[], $12::bigint[], $13::bigint[])
		ON CONFLICT (mask, party) DO UPDATE SET
		sealed = excluded.sealed, present = excluded.present, second = excluded.second, services = excluded.services,
		carriers = excluded.carriers, expires = excluded.expires, tenant = excluded.tenant, session = excluded.session,
		counted = excluded.counted, keep = excluded.keep, digest = excluded.digest`
	// Where a transaction deletes too, all rows that it meets are locked in the
	// order of keys first, so that two of them do not deadlock.
	lockRows = `SELECT FROM maskline.bindings b JOIN unnest($1::bigint[], $2::bytea[]) AS r(mask, party)
		ON b.mask = r.mask AND b.party = r.party ORDER BY b.mask, b.party FOR UPDATE OF b`
	remove = `DELETE FROM maskline.bindings b USING unnest($1::bigint[], $2::bytea[]) AS r(mask, party)
		WHERE b.mask = r.mask AND b.party = r.party`
)

// Apply commits the changes in one transaction.
func (s *Store) Apply(ctx context.Context, changes []numberdb.Change) (numberdb.Position, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	if err := numberdb.CheckChanges(changes); err != nil {
		return 0, err
	}
	if err := s.prepare(ctx); err != nil {
		return 0, err
	}
	rows := byKey(s.vault, changes)
	for try := 1; ; try++ {
		xid, err := s.commit(ctx, rows)
		if err == nil {
			position := s.committed(ctx, xid)
			s.wrote(position)
			return position, nil
		}
		var server *ServerError
		if try < tries && errors.As(clean(err), &server) && server.retry() {
			continue
		}
		if errors.Is(err, numberdb.ErrOutcomeUnknown) {
			return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, explain(ctx, "storing bindings", err))
		}
		return 0, explain(ctx, "storing bindings", err)
	}
}

// writes is what a transaction does: rows in the order of keys, which all
// writers follow.
type writes struct{ puts, deletes []numberdb.Stored }

// with is all rows, and others, in the order of keys.
func (w *writes) with(others []numberdb.Stored) []numberdb.Stored {
	all := slices.Concat(w.puts, w.deletes, others)
	sortByKey(all)
	return all
}

// byKey keeps the last change of each key.
func byKey(vault *numberdb.Vault, changes []numberdb.Change) writes {
	last := make(map[numberdb.BindingKey]int, len(changes))
	for i := range changes {
		b := &changes[i].Binding
		last[numberdb.BindingKey{Mask: b.Mask.Canonical(), Party: b.Party.Canonical()}] = i
	}
	var w writes
	sealer := vault.Sealer()
	for key, i := range last {
		if changes[i].Deleted {
			w.deletes = append(w.deletes, numberdb.Stored{Mask: int64(key.Mask), Party: sealer.Hide(key.Party)})
			continue
		}
		w.puts = append(w.puts, sealer.Store(&changes[i].Binding))
	}
	sortByKey(w.puts)
	sortByKey(w.deletes)
	return w
}

func sortByKey(rows []numberdb.Stored) {
	slices.SortFunc(rows, func(a, b numberdb.Stored) int {
		return cmp.Or(cmp.Compare(a.Mask, b.Mask), bytes.Compare(a.Party[:], b.Party[:]))
	})
}

func (s *Store) commit(ctx context.Context, rows writes) (xid uint64, err error) {
	tx, err := s.beginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return 0, err
	}
	if xid, err = s.write(ctx, tx, rows); err != nil {
		s.rollback(ctx, tx)
		return 0, err
	}
	// The commit is not left half way for a caller that gives up.
	end, cancel := s.deadline(context.WithoutCancel(ctx))
	defer cancel()
	if err := tx.Commit(end); err != nil {
		s.rollback(ctx, tx)
		if refused(err) {
			return 0, err
		}
		return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, err)
	}
	return xid, nil
}

func (s *Store) write(ctx context.Context, tx pgx.Tx, rows writes) (xid uint64, err error) {
	if len(rows.deletes) > 0 {
		for part := range slices.Chunk(rows.with(nil), chunk) {
			if err := s.exec(ctx, tx, lockRows, writeKeys(part)...); err != nil {
				return 0, err
			}
		}
	}
	for part := range slices.Chunk(rows.puts, chunk) {
		if err := s.exec(ctx, tx, upsert, writeRows(part)...); err != nil {
			return 0, err
		}
	}
	for part := range slices.Chunk(rows.deletes, chunk) {
		if err := s.exec(ctx, tx, remove, writeKeys(part)...); err != nil {
			return 0, err
		}
	}
	query, cancel := s.deadline(ctx)
	defer cancel()
	err = tx.QueryRow(query, `SELECT pg_current_xact_id()`).Scan(&xid)
	return xid, err
}

func (s *Store) exec(ctx context.Context, tx pgx.Tx, text string, args ...any) error {
	query, cancel := s.deadline(ctx)
	defer cancel()
	_, err := tx.Exec(query, text, args...)
	return err
}
