package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"maskline/numberdb"
)

const (
	upsertText = `INSERT INTO bindings
		(mask, party, to_kind, to_value, present, services, carriers, expires_at, tenant, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (mask, party) DO UPDATE SET
		to_kind = excluded.to_kind, to_value = excluded.to_value, present = excluded.present,
		services = excluded.services, carriers = excluded.carriers, expires_at = excluded.expires_at,
		tenant = excluded.tenant, updated_at = excluded.updated_at`
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
		now:    s.now().UnixMicro(),
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
	now            int64 // microseconds
}

func (w *rowWriter) change(ctx context.Context, c *numberdb.Change) error {
	row := c.Binding.Row()
	if c.Deleted {
		_, err := w.remove.ExecContext(ctx, row.Mask, row.Party)
		return err
	}
	var expires sql.NullInt64
	if !row.Expires.IsZero() {
		expires = sql.NullInt64{Int64: row.Expires.UnixMicro(), Valid: true}
	}
	_, err := w.upsert.ExecContext(ctx, row.Mask, row.Party, row.ToKind, row.ToValue, row.Present, row.Services,
		strings.Join(row.Carriers, "|"), expires, row.Tenant, w.now)
	return err
}

// ignoreDone: a transaction whose context ended is rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
