package sqlite

import (
	"context"
	"database/sql"
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
	told := changes
	if keeps(len(changes)) { // after the caller has gone on
		told = append([]numberdb.Change(nil), changes...)
		canonical(told)
	}
	position, err := s.transact(ctx, &told, func(ctx context.Context, tx *sql.Tx) error { return s.writeChanges(ctx, tx, changes) })
	if err != nil {
		return 0, fmt.Errorf("storing bindings: %w", err)
	}
	return position, nil
}

// canonical gives the changes the keys that the feed tells.
func canonical(changes []numberdb.Change) {
	for i := range changes {
		b := &changes[i].Binding
		b.Mask, b.Party = b.Mask.Canonical(), b.Party.Canonical()
	}
}

const everyRows = 256 // between looks at the context

func (s *Store) writeChanges(ctx context.Context, tx *sql.Tx, changes []numberdb.Change) error {
	quiet := quietly(ctx)
	write := rowWriter{ // its statements are closed with the transaction
		upsert: tx.StmtContext(quiet, s.upsert),
		remove: tx.StmtContext(quiet, s.remove),
		sealer: s.vault.Sealer(),
	}
	for i := range changes {
		err := write.change(quiet, &changes[i])
		if err == nil && i%everyRows == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("change %d of %d: %w", i+1, len(changes), err)
		}
	}
	return nil
}

type rowWriter struct {
	upsert, remove *sql.Stmt
	sealer         *numberdb.Sealer
	args           []any // of one row after the other
}

func (w *rowWriter) change(ctx context.Context, c *numberdb.Change) error {
	if c.Deleted {
		party := w.sealer.Hide(c.Binding.Party)
		_, err := w.remove.ExecContext(ctx, int64(c.Binding.Mask.Canonical()), party[:])
		return err
	}
	stored := w.sealer.Store(&c.Binding)
	w.args = values(w.args[:0], &stored)
	_, err := w.upsert.ExecContext(ctx, w.args...)
	return err
}
