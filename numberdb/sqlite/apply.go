package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"maskline/numberdb"
)

const (
	upsertText = `INSERT INTO bindings (` + columns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (mask, party) DO UPDATE SET
		sealed = excluded.sealed, present = excluded.present, second = excluded.second, services = excluded.services,
		carriers = excluded.carriers, expires = excluded.expires, tenant = excluded.tenant, session = excluded.session,
		counted = excluded.counted, keep = excluded.keep, digest = excluded.digest`
	removeText = `DELETE FROM bindings WHERE mask = ? AND party = ?`
)

// Apply commits the changes.
func (s *Store) Apply(ctx context.Context, changes []numberdb.Change) (numberdb.Position, error) {
	if err := s.calls.begin(); err != nil {
		return 0, err
	}
	defer s.calls.done()
	if err := numberdb.CheckChanges(changes); err != nil {
		return 0, err
	}
	// The feed keeps them after the caller has gone on.
	kept := append([]numberdb.Change(nil), changes...)
	for i := range kept {
		b := &kept[i].Binding
		b.Mask, b.Party = b.Mask.Canonical(), b.Party.Canonical()
	}
	s.write.Lock()
	defer s.write.Unlock()
	position, err := s.commit(ctx, kept)
	if errors.Is(err, numberdb.ErrOutcomeUnknown) {
		s.feed.lose()
	}
	if err != nil {
		return 0, fmt.Errorf("storing bindings: %w", err)
	}
	s.feed.publish(position, kept)
	return position, nil
}

func (s *Store) commit(ctx context.Context, changes []numberdb.Change) (numberdb.Position, error) {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	position, err := s.writeAll(ctx, tx, changes)
	if err != nil {
		err = errors.Join(err, ignoreDone(tx.Rollback()))
	} else if err = tx.Commit(); err != nil && !rolledBack(err) {
		return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, err)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return position, err
}

// rolledBack tells a commit that database/sql did not begin, since the context
// had ended, from one that the disk refused.
func rolledBack(err error) bool {
	return errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

const everyRows = 256 // between looks at the context

func (s *Store) writeAll(ctx context.Context, tx *sql.Tx, changes []numberdb.Change) (numberdb.Position, error) {
	// A context that can end costs the driver a goroutine for each statement.
	quiet := context.WithoutCancel(ctx)
	write := rowWriter{ // its statements are closed with the transaction
		upsert: tx.StmtContext(quiet, s.upsert),
		remove: tx.StmtContext(quiet, s.remove),
		vault:  s.vault,
	}
	for i := range changes {
		err := write.change(quiet, &changes[i])
		if err == nil && i%everyRows == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return 0, fmt.Errorf("change %d of %d: %w", i+1, len(changes), err)
		}
	}
	var position int64
	err := tx.QueryRowContext(ctx, `UPDATE feed SET position = position + 1 RETURNING position`).Scan(&position)
	return numberdb.Position(position), err
}

type rowWriter struct {
	upsert, remove *sql.Stmt
	vault          *numberdb.Vault
	sealed         []byte // of one row after the other
}

func (w *rowWriter) change(ctx context.Context, c *numberdb.Change) error {
	if c.Deleted {
		party := w.vault.Hide(c.Binding.Party)
		_, err := w.remove.ExecContext(ctx, int64(c.Binding.Mask.Canonical()), party[:])
		return err
	}
	stored := w.vault.Store(&c.Binding, w.sealed[:0])
	w.sealed = stored.Sealed
	_, err := w.upsert.ExecContext(ctx, values(&stored)...)
	return err
}

// ignoreDone: a transaction whose context ended is rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
