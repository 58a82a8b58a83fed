package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

var (
	_ numberdb.Registry       = (*Store)(nil)
	_ numberdb.InventoryWatch = (*Store)(nil)
	_ numberdb.TenantStore    = (*Store)(nil)
	_ numberdb.AttemptStore   = (*Store)(nil)
	_ numberdb.Purger         = (*Store)(nil)
)

// read runs a read transaction as a call.
func (s *Store) read(ctx context.Context, doing string, run func(tx *sql.Tx) error) error {
	if err := s.calls.begin(); err != nil {
		return err
	}
	defer s.calls.done()
	if err := s.snapshot(ctx, run); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// snapshot runs a read transaction.
func (s *Store) snapshot(ctx context.Context, run func(tx *sql.Tx) error) error {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	return run(tx)
}

// missing turns the absence of a row into an answer.
func missing(err error) (bool, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// each runs a query and calls scan for each row.
func each(ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) error, text string, args ...any) error {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Inventory reads pools and masks.
func (s *Store) Inventory(ctx context.Context, query numberdb.InventoryQuery, pool func(numberdb.Pool), mask func(numberdb.Mask)) (read numberdb.InventoryRead, err error) {
	err = s.read(ctx, "reading the inventory", func(tx *sql.Tx) error {
		var whole numberdb.InventoryVersion
		if err := tx.QueryRowContext(ctx, `SELECT version, whole FROM inventory`).Scan(&read.Version, &whole); err != nil {
			return err
		}
		read.Whole = query.WholeInventory(read.Version, whole)
		err := each(ctx, tx, func(rows *sql.Rows) error {
			p, err := scanPool(rows)
			switch {
			case err != nil:
			case p.Check() != nil:
				read.Refused++
			default:
				pool(p)
			}
			return err
		}, `SELECT `+poolColumns+` FROM pools ORDER BY name`)
		if err != nil {
			return err
		}
		take := func(rows *sql.Rows) error {
			m, err := scanMask(rows)
			switch {
			case err != nil:
			case m.Check() != nil:
				read.Refused++
			default:
				mask(m)
			}
			return err
		}
		if read.Whole {
			return each(ctx, tx, take, `SELECT `+maskColumns+` FROM masks ORDER BY number`)
		}
		return readSince(ctx, tx, &query, take)
	})
	return read, err
}

// readSince reads the masks that were written after a version, and then others that
// are asked for.
func readSince(ctx context.Context, tx *sql.Tx, q *numberdb.InventoryQuery, take func(*sql.Rows) error) error {
	if err := each(ctx, tx, take, `SELECT `+maskColumns+` FROM masks WHERE version > ? ORDER BY version`, int64(q.After)); err != nil {
		return err
	}
	for _, n := range q.Masks {
		if err := each(ctx, tx, take, `SELECT `+maskColumns+` FROM masks WHERE number = ? AND version <= ?`, int64(n.Canonical()), int64(q.After)); err != nil {
			return err
		}
	}
	return nil
}

// InventoryVersion reads the one row.
func (s *Store) InventoryVersion(ctx context.Context) (version numberdb.InventoryVersion, err error) {
	err = s.read(ctx, "reading the inventory's version", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT version FROM inventory`).Scan(&version)
	})
	return version, err
}

func scanPool(rows *sql.Rows) (numberdb.Pool, error) {
	var p numberdb.Pool
	var selection, quarantine, ttl, least, most, idle int64
	err := rows.Scan(&p.Name, &p.Tenant, &selection, &quarantine, &p.Policy.Parties, &ttl, &least, &most, &idle,
		&p.Policy.MaxUses, &p.Policy.Second)
	p.Policy.Selection = numberdb.Selection(numberdb.Octet(selection))
	p.Policy.Quarantine, p.Policy.TTL, p.Policy.IdleTTL = duration(quarantine), duration(ttl), duration(idle)
	p.Policy.MinTTL, p.Policy.MaxTTL = duration(least), duration(most)
	return p, err
}

func scanMask(rows *sql.Rows) (numberdb.Mask, error) {
	var m numberdb.Mask
	var number, kind, services, flags, state, since int64
	var pool sql.NullString
	var presents string
	err := rows.Scan(&number, &pool, &kind, &m.Country, &m.Region, &services, &m.Carrier, &presents, &m.Cost, &flags, &state, &since)
	m.Kind, m.Services = numberdb.MaskKind(numberdb.Octet(kind)), numberdb.Services(numberdb.Octet(services))
	m.Flags, m.State = numberdb.MaskFlags(numberdb.Octet(flags)), numberdb.MaskState(numberdb.Octet(state))
	m.Number, m.Pool, m.Since, m.Presents = e164.Number(number), pool.String, time.UnixMicro(since).UTC(), numberdb.Listed(presents)
	return m, err
}

func duration(microseconds int64) time.Duration {
	return time.Duration(microseconds) * time.Microsecond
}

// History reads the lines of a mask.
func (s *Store) History(ctx context.Context, mask e164.Number, limit int) (events []numberdb.MaskEvent, err error) {
	err = s.read(ctx, "reading the history", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			e := numberdb.MaskEvent{Mask: mask.Canonical()}
			var at int64
			err := rows.Scan(&at, &e.What, &e.Why, &e.Actor)
			e.At = time.UnixMicro(at).UTC()
			events = append(events, e)
			return err
		}, `SELECT at, what, why, actor FROM mask_history WHERE mask = ? ORDER BY line DESC LIMIT ?`,
			int64(mask.Canonical()), numberdb.PageLimit(limit))
	})
	return events, err
}

// Tenants reads all tenants.
func (s *Store) Tenants(ctx context.Context) (tenants []numberdb.Tenant, err error) {
	err = s.read(ctx, "reading tenants", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var t numberdb.Tenant
			var created int64
			err := rows.Scan(&t.Name, &t.State, &created)
			t.Created = time.UnixMicro(created).UTC()
			tenants = append(tenants, t)
			return err
		}, `SELECT name, state, created FROM tenants ORDER BY name`)
	})
	return tenants, err
}

// Attempted looks a key up.
func (s *Store) Attempted(ctx context.Context, a *numberdb.Attempt, now time.Time) (response numberdb.ID, ok bool, err error) {
	key, want := s.vault.HideKey(a.Tenant, a.Key), s.vault.HideRequest(a.Tenant, a.Fingerprint)
	var request []byte
	var id int64
	err = s.read(ctx, "looking up an idempotency key", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT request, response FROM attempts WHERE key = ? AND until > ?`, key[:], now.UnixMicro()).
			Scan(&request, &id)
	})
	none, err := missing(err)
	switch {
	case err != nil || none:
		return 0, false, err
	case !want.SameRequest(request):
		return 0, false, numberdb.ErrOtherRequest
	}
	return numberdb.ID(id), true, nil
}
