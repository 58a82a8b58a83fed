package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"maskline/numberdb"
)

const (
	sealedVersion = 4
	dataKey       = 1 // its id in keys
	// toScrub is a user_version: pages of the file may hold what stood there in
	// clear.
	toScrub = 4
)

// openVault reads the data key of the store.
func openVault(ctx context.Context, db *sql.DB, keys numberdb.KeyWrapper) (*numberdb.Vault, error) {
	var wrapped []byte
	if err := db.QueryRowContext(ctx, `SELECT wrapped FROM keys WHERE id = ?`, dataKey).Scan(&wrapped); err != nil {
		return nil, fmt.Errorf("reading the data key: %w", err)
	}
	return numberdb.OpenVault(ctx, keys, wrapped)
}

// sealing is migration 4: it makes the data key and takes over what earlier
// versions kept in clear. What makes no binding was never used and is left out.
type sealing struct {
	keys  numberdb.KeyWrapper
	vault *numberdb.Vault
}

func (m *sealing) run(ctx context.Context, tx *sql.Tx) (err error) {
	wrapped, err := numberdb.NewDataKey(ctx, m.keys)
	if err != nil {
		return err
	}
	if m.vault, err = numberdb.OpenVault(ctx, m.keys, wrapped); err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return execFile(ctx, tx, "migrations/sealed/begin.sql") },
		func() error {
			_, err := tx.ExecContext(ctx, `INSERT INTO keys (id, wrapped, made) VALUES (?, ?, ?)`, dataKey, wrapped, time.Now().UnixMicro())
			return err
		},
		func() error { return m.bindings(ctx, tx) },
		func() error { return m.restrictions(ctx, tx) },
		func() error { return execFile(ctx, tx, "migrations/sealed/end.sql") },
		func() error { return markUsed(ctx, tx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func execFile(ctx context.Context, tx *sql.Tx, name string) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, string(text))
	return err
}

func (m *sealing) bindings(ctx context.Context, tx *sql.Tx) error {
	upsert, err := tx.PrepareContext(ctx, upsertText)
	if err != nil {
		return err
	}
	defer func() { _ = upsert.Close() }() // with the transaction
	write := rowWriter{upsert: upsert, sealer: m.vault.Sealer()}
	rows, err := tx.QueryContext(ctx, `SELECT mask, party, to_kind, to_value, present, services, carriers, expires_at, tenant FROM clear_bindings`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	for rows.Next() {
		var row numberdb.Row
		var carriers string
		var expires sql.NullInt64
		if err := rows.Scan(&row.Mask, &row.Party, &row.ToKind, &row.ToValue, &row.Present, &row.Services, &carriers, &expires, &row.Tenant); err != nil {
			return err
		}
		if carriers != "" {
			row.Carriers = strings.Split(carriers, "|")
		}
		if expires.Valid {
			row.Expires = time.UnixMicro(expires.Int64)
		}
		b, err := row.Binding()
		if err != nil {
			continue
		}
		if err := write.change(ctx, &numberdb.Change{Binding: b}); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (m *sealing) restrictions(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT kind, tenant, mask, party, peer, since, lifted, version FROM clear_restrictions`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	for rows.Next() {
		var row numberdb.RestrictionRow
		var c numberdb.RestrictionChange
		var since, version int64
		if err := rows.Scan(&row.Kind, &row.Tenant, &row.Mask, &row.Party, &row.Peer, &since, &c.Lifted, &version); err != nil {
			return err
		}
		row.Since = time.UnixMicro(since)
		if c.Restriction, err = row.Restriction(); err != nil {
			continue
		}
		if err := writeRestriction(ctx, tx, m.vault, &c, version); err != nil {
			return err
		}
	}
	return rows.Err()
}

// markUsed notes what scrub is for, unless the file is new.
func markUsed(ctx context.Context, tx *sql.Tx) error {
	var used bool
	if err := tx.QueryRowContext(ctx, `SELECT position > 1 OR (SELECT version > 1 FROM restrictions_feed) FROM feed`).Scan(&used); err != nil || !used {
		return err
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, toScrub))
	return err
}

// scrub writes the file anew where pages that are no longer used may hold
// numbers in clear. A crash, or somebody else who reads the file, leaves it to the
// next start.
func scrub(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return fmt.Errorf("scrubbing the file: %w", err)
	}
	if version != toScrub {
		return nil
	}
	if _, err := db.ExecContext(ctx, `VACUUM`); err != nil {
		return fmt.Errorf("scrubbing the file: %w", err)
	}
	// It fails by a column that says so.
	var busy, frames, written int
	if err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &written); err != nil {
		return fmt.Errorf("scrubbing the file: %w", err)
	}
	if busy != 0 {
		return nil
	}
	if _, err := db.ExecContext(ctx, `PRAGMA user_version = 0`); err != nil {
		return fmt.Errorf("scrubbing the file: %w", err)
	}
	return nil
}
