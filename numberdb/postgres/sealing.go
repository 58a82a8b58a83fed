package postgres

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
	selectKey     = `SELECT wrapped FROM maskline.keys WHERE id = $1`
)

// openVault reads the data key of the store.
func (s *Store) openVault(ctx context.Context) (*numberdb.Vault, error) {
	query, cancel := s.deadline(ctx)
	defer cancel()
	var wrapped []byte
	if err := s.pool.QueryRow(query, selectKey, dataKey).Scan(&wrapped); err != nil {
		return nil, explain(ctx, "reading the data key", err)
	}
	return numberdb.OpenVault(ctx, s.cfg.Keys, wrapped)
}

const checkTime = 3 * time.Second // for the database, before an edge starts without it

// CheckKey reports where the database's data key cannot be unwrapped, so that an
// edge that can never serve does not start. It changes nothing, and a database
// that is away or has no key yet is no fault.
func (s *Store) CheckKey(ctx context.Context) error {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	query, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var wrapped []byte
	if err := s.pool.QueryRow(query, selectKey, dataKey).Scan(&wrapped); err != nil {
		return nil // Load tells what comes of it
	}
	_, err = numberdb.OpenVault(ctx, s.cfg.Keys, wrapped)
	return err
}

// sealing is migration 4: it makes the data key and takes over what earlier
// versions kept in clear. What makes no binding was never used and is left out.
// The migrations' lock keeps a second edge from making a key too.
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
			_, err := tx.ExecContext(ctx, `INSERT INTO maskline.keys (id, wrapped, made) VALUES ($1, $2, $3)`, dataKey, wrapped, time.Now().UnixMicro())
			return err
		},
		func() error { return m.bindings(ctx, tx) },
		func() error { return m.restrictions(ctx, tx) },
		func() error { return execFile(ctx, tx, "migrations/sealed/end.sql") },
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

// fetch reads a query to its end by a cursor of that name, a chunk at a time.
func fetch(ctx context.Context, tx *sql.Tx, name, query string, scan func(*sql.Rows) error, write func() error) error {
	if _, err := tx.ExecContext(ctx, `DECLARE `+name+` NO SCROLL CURSOR FOR `+query); err != nil {
		return err
	}
	for read := chunk; read > 0; {
		var err error
		if read, err = fetchChunk(ctx, tx, name, scan); err == nil {
			err = write()
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `CLOSE `+name)
	return err
}

func fetchChunk(ctx context.Context, tx *sql.Tx, name string, scan func(*sql.Rows) error) (read int, err error) {
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(`FETCH %d FROM %s`, chunk, name))
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	for ; rows.Next(); read++ {
		if err := scan(rows); err != nil {
			return read, err
		}
	}
	return read, rows.Err()
}

func (m *sealing) bindings(ctx context.Context, tx *sql.Tx) error {
	var stored []numberdb.Stored
	scan := func(rows *sql.Rows) error {
		var row numberdb.Row
		var carriers string
		var expires sql.NullTime
		if err := rows.Scan(&row.Mask, &row.Party, &row.ToKind, &row.ToValue, &row.Present, &row.Services, &carriers, &expires, &row.Tenant); err != nil {
			return err
		}
		if carriers != "" {
			row.Carriers = strings.Split(carriers, "|")
		}
		if expires.Valid {
			row.Expires = expires.Time
		}
		if b, err := row.Binding(); err == nil {
			stored = append(stored, m.vault.Store(&b))
		}
		return nil
	}
	return fetch(ctx, tx, "all_bindings", `SELECT mask, party, to_kind, to_value, present, services, array_to_string(carriers, '|'), expires_at, tenant
		FROM maskline.clear_bindings`, scan, func() error {
		_, err := tx.ExecContext(ctx, upsert, writeRows(stored)...)
		stored = stored[:0]
		return err
	})
}

func (m *sealing) restrictions(ctx context.Context, tx *sql.Tx) error {
	var stored []numberdb.StoredRestriction
	scan := func(rows *sql.Rows) error {
		var row numberdb.RestrictionRow
		var c numberdb.RestrictionChange
		err := rows.Scan(&row.Kind, &row.Tenant, &row.Mask, &row.Party, &row.Peer, &row.Since, &c.Lifted)
		if err != nil {
			return err
		}
		if c.Restriction, err = row.Restriction(); err == nil {
			stored = append(stored, m.vault.StoreRestriction(&c))
		}
		return nil
	}
	return fetch(ctx, tx, "all_restrictions", `SELECT kind, tenant, mask, party, peer, since, lifted FROM maskline.clear_restrictions`, scan, func() error {
		_, err := tx.ExecContext(ctx, putRestrictions, restrictionColumns(stored)...)
		stored = stored[:0]
		return err
	})
}
