package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"maskline/numberdb"
)

var _ numberdb.RestrictionStore = (*Store)(nil)

const putRestriction = `INSERT INTO restrictions (kind, tenant, mask, party, peer, since, lifted, version)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (kind, tenant, mask, party, peer) DO UPDATE SET
	since = excluded.since, lifted = excluded.lifted, version = excluded.version`

// ApplyRestrictions commits the changes.
func (s *Store) ApplyRestrictions(ctx context.Context, changes []numberdb.RestrictionChange) error {
	if err := s.calls.begin(); err != nil {
		return err
	}
	defer s.calls.done()
	if err := numberdb.CheckRestrictions(changes); err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.putRestrictions(ctx, changes); err != nil {
		return fmt.Errorf("storing restrictions: %w", err)
	}
	return nil
}

func (s *Store) putRestrictions(ctx context.Context, changes []numberdb.RestrictionChange) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	var version int64
	err = tx.QueryRowContext(ctx, `UPDATE restrictions_feed SET version = version + 1 RETURNING version`).Scan(&version)
	for i := range changes {
		if err != nil {
			break
		}
		row := changes[i].Row()
		_, err = tx.ExecContext(ctx, putRestriction, row.Kind, row.Tenant, row.Mask, row.Party, row.Peer,
			row.Since.UnixMicro(), changes[i].Lifted, version)
	}
	if err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ReadRestrictions reads one snapshot. Nobody else writes the file, so nothing
// is ever deleted from it.
func (s *Store) ReadRestrictions(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (numberdb.Position, error) {
	if err := s.calls.begin(); err != nil {
		return 0, err
	}
	defer s.calls.done()
	position, err := s.readRestrictions(ctx, after, tell)
	if err != nil {
		return 0, fmt.Errorf("reading restrictions: %w", err)
	}
	return position, nil
}

func (s *Store) readRestrictions(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (numberdb.Position, error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	var version int64
	if err := tx.QueryRowContext(ctx, `SELECT version FROM restrictions_feed`).Scan(&version); err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT kind, tenant, mask, party, peer, since, lifted FROM restrictions
		WHERE version > ? AND (lifted = 0 OR ? > 0)`, int64(after), int64(after))
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	for rows.Next() {
		var row numberdb.RestrictionRow
		var since int64
		var c numberdb.RestrictionChange
		if err := rows.Scan(&row.Kind, &row.Tenant, &row.Mask, &row.Party, &row.Peer, &since, &c.Lifted); err != nil {
			return 0, err
		}
		row.Since = time.UnixMicro(since)
		if c.Restriction, err = row.Restriction(); err == nil {
			tell(c)
		}
	}
	return numberdb.Position(version), rows.Err()
}
