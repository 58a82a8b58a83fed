package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"maskline/numberdb"
)

var _ numberdb.RestrictionStore = (*Store)(nil)

const putRestriction = `INSERT INTO restrictions (kind, tenant, mask, party, peer, sealed, since, lifted, version)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (kind, tenant, mask, party, peer) DO UPDATE SET
	sealed = excluded.sealed, since = excluded.since, lifted = excluded.lifted, version = excluded.version`

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
	if err := s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error { return s.putRestrictions(quietly(ctx), tx, changes) }); err != nil {
		return fmt.Errorf("storing restrictions: %w", err)
	}
	return nil
}

func (s *Store) putRestrictions(ctx context.Context, tx *sql.Tx, changes []numberdb.RestrictionChange) error {
	var version int64
	if err := tx.QueryRowContext(ctx, `UPDATE restrictions_feed SET version = version + 1 RETURNING version`).Scan(&version); err != nil {
		return err
	}
	for i := range changes {
		if err := writeRestriction(ctx, tx, s.vault, &changes[i], version); err != nil {
			return err
		}
	}
	return nil
}

func writeRestriction(ctx context.Context, tx *sql.Tx, vault *numberdb.Vault, c *numberdb.RestrictionChange, version int64) error {
	r := vault.StoreRestriction(c)
	_, err := tx.ExecContext(ctx, putRestriction, r.Kind, r.Tenant, r.Mask, r.Party[:], r.Peer, r.Sealed, r.Since, r.Lifted, version)
	return err
}

// ReadRestrictions reads one snapshot. Nobody else writes the file, so nothing
// is ever deleted from it.
func (s *Store) ReadRestrictions(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (numberdb.RestrictionsRead, error) {
	if err := s.calls.begin(); err != nil {
		return numberdb.RestrictionsRead{}, err
	}
	defer s.calls.done()
	read, err := s.readRestrictions(ctx, after, tell)
	if err != nil {
		return numberdb.RestrictionsRead{}, fmt.Errorf("reading restrictions: %w", err)
	}
	return read, nil
}

func (s *Store) readRestrictions(ctx context.Context, after numberdb.Position, tell func(numberdb.RestrictionChange)) (read numberdb.RestrictionsRead, err error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return read, err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	var version int64
	if err := tx.QueryRowContext(ctx, `SELECT version FROM restrictions_feed`).Scan(&version); err != nil {
		return read, err
	}
	read.Position = numberdb.Position(version)
	rows, err := tx.QueryContext(ctx, `SELECT kind, tenant, mask, party, peer, sealed, since, lifted FROM restrictions
		WHERE version > ? AND (lifted = 0 OR ? > 0)`, int64(after), int64(after))
	if err != nil {
		return read, err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	for rows.Next() {
		var stored numberdb.StoredRestriction
		var party, sealed sql.RawBytes
		if err := rows.Scan(&stored.Kind, &stored.Tenant, &stored.Mask, &party, &stored.Peer, &sealed, &stored.Since, &stored.Lifted); err != nil {
			return read, err
		}
		copy(stored.Party[:], party)
		stored.Sealed = sealed
		c, err := s.vault.OpenRestriction(&stored)
		if err != nil {
			read.Refused++
			continue
		}
		tell(c)
	}
	return read, rows.Err()
}
