package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"maskline/numberdb"
)

// Load reads one snapshot.
func (s *Store) Load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	if err := s.calls.begin(); err != nil {
		return numberdb.Snapshot{}, err
	}
	defer s.calls.done()
	doubts := s.feed.doubtCount()
	snapshot, err := s.load(ctx, put)
	if err != nil {
		return numberdb.Snapshot{}, fmt.Errorf("loading bindings: %w", err)
	}
	s.feed.settle(snapshot.Position, doubts)
	return snapshot, nil
}

func (s *Store) load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	var snapshot numberdb.Snapshot
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return snapshot, err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	// The first read takes the snapshot for both.
	var position int64
	if err := tx.QueryRowContext(ctx, `SELECT position FROM feed`).Scan(&position); err != nil {
		return snapshot, err
	}
	snapshot.Position = numberdb.Position(position)
	rows, err := tx.QueryContext(ctx, `SELECT `+columns+` FROM bindings`)
	if err != nil {
		return snapshot, err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	var scan rowScan
	targets, opener := scan.targets(), s.vault.Opener()
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return snapshot, err
		}
		b, err := opener.Open(scan.row(opener))
		if err != nil {
			snapshot.Refused++
			continue
		}
		put(b)
	}
	return snapshot, rows.Err()
}
