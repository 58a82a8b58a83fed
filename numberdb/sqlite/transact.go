package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"maskline/numberdb"
)

// transact runs write in a transaction, makes it the next position and tells the
// feed what it has changed of bindings. It waits for its turn as long as ctx
// lets it.
func (s *Store) transact(ctx context.Context, told *[]numberdb.Change, write func(ctx context.Context, tx *sql.Tx) error) (numberdb.Position, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-s.turn }()
	var position int64
	err := s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := write(ctx, tx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		return tx.StmtContext(quietly(ctx), s.next).QueryRowContext(quietly(ctx)).Scan(&position) //nolint:sqlclosecheck // the transaction closes it
	})
	if errors.Is(err, numberdb.ErrOutcomeUnknown) {
		s.feed.lose()
	}
	if err != nil {
		return 0, err
	}
	var changes []numberdb.Change
	if told != nil {
		changes = *told
	}
	s.feed.publish(numberdb.Position(position), changes)
	return numberdb.Position(position), nil
}

// transaction runs write in a transaction that tells nothing.
func (s *Store) transaction(ctx context.Context, write func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err = write(ctx, tx); err != nil {
		err = errors.Join(err, ignoreDone(tx.Rollback()))
	} else if err = tx.Commit(); err != nil && !rolledBack(err) {
		return fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, err)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return err
}

// change runs a transaction that tells the table nothing.
func (s *Store) change(ctx context.Context, doing string, run func(ctx context.Context, tx *sql.Tx) error) error {
	if err := s.calls.begin(); err != nil {
		return err
	}
	defer s.calls.done()
	if err := s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error { return run(quietly(ctx), tx) }); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// quietly is for the statements of a transaction, which ends with its own
// context: one that can end costs the driver a goroutine for each.
func quietly(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// rolledBack tells a commit that database/sql did not begin, since the context
// had ended, from one that the disk refused.
func rolledBack(err error) bool {
	return errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// ignoreDone: a transaction whose context ended is rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
