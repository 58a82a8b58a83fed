package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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

// read runs a call in its time.
func (s *Store) read(ctx context.Context, doing string, limit time.Duration, run func(ctx context.Context) error) error {
	ctx, done, err := s.ready(ctx)
	if err != nil {
		return err
	}
	defer done()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(bounded); err != nil {
		return explain(ctx, doing, err)
	}
	return nil
}

// inTransaction is read of a transaction. What run reports is not the server's fault,
// and comes as it is.
func (s *Store) inTransaction(ctx context.Context, doing string, run func(ctx context.Context, tx pgx.Tx) error) error {
	return s.read(ctx, doing, s.cfg.Query, func(ctx context.Context) error { return s.transaction(ctx, run) })
}

// transaction commits what run has done. A commit that is sent is not left for a
// caller that gives up.
func (s *Store) transaction(ctx context.Context, run func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := s.beginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return err
	}
	defer s.rollback(ctx, tx) // where it was not committed
	if err := run(ctx, tx); err != nil {
		return err
	}
	end, cancel := s.deadline(context.WithoutCancel(ctx))
	defer cancel()
	return tx.Commit(end)
}

// Inventory reads pools and masks.
func (s *Store) Inventory(ctx context.Context, query numberdb.InventoryQuery, pool func(numberdb.Pool), mask func(numberdb.Mask)) (read numberdb.InventoryRead, err error) {
	err = s.read(ctx, "reading the inventory", s.cfg.Load, func(ctx context.Context) error {
		return s.longRead(ctx, func(ctx context.Context, tx pgx.Tx) error {
			var version, whole int64
			if err := tx.QueryRow(ctx, `SELECT version, whole FROM maskline.inventory`).Scan(&version, &whole); err != nil {
				return err
			}
			read.Version = numberdb.InventoryVersion(version)
			read.Whole = query.WholeInventory(read.Version, numberdb.InventoryVersion(whole))
			if err := readPools(ctx, tx, func(p numberdb.Pool) {
				if p.Check() != nil {
					read.Refused++
					return
				}
				pool(p)
			}); err != nil {
				return err
			}
			return readMasks(ctx, tx, &query, read.Whole, func(m numberdb.Mask) {
				if m.Check() != nil {
					read.Refused++
					return
				}
				mask(m)
			})
		})
	})
	return read, err
}

// InventoryVersion reads the one row.
func (s *Store) InventoryVersion(ctx context.Context) (version numberdb.InventoryVersion, err error) {
	err = s.read(ctx, "reading the inventory's version", s.cfg.Query, func(ctx context.Context) error {
		var v int64
		err := s.pool.QueryRow(ctx, `SELECT version FROM maskline.inventory`).Scan(&v)
		version = numberdb.InventoryVersion(v)
		return err
	})
	return version, err
}

func readPools(ctx context.Context, tx pgx.Tx, tell func(numberdb.Pool)) error {
	rows, err := tx.Query(ctx, `SELECT `+poolColumns+` FROM maskline.pools ORDER BY name`)
	if err != nil {
		return err
	}
	var p numberdb.Pool
	var selection int64
	var quarantine, parties, ttl, least, most, idle, uses int64
	_, err = pgx.ForEachRow(rows, []any{&p.Name, &p.Tenant, &selection, &quarantine, &parties, &ttl, &least, &most, &idle, &uses, &p.Policy.Second}, func() error {
		p.Policy.Selection, p.Policy.Quarantine, p.Policy.Parties = numberdb.Selection(numberdb.Octet(selection)), duration(quarantine), int(parties)
		p.Policy.TTL, p.Policy.MinTTL, p.Policy.MaxTTL = duration(ttl), duration(least), duration(most)
		p.Policy.IdleTTL, p.Policy.MaxUses = duration(idle), int(uses)
		tell(p)
		return nil
	})
	return err
}

func readMasks(ctx context.Context, tx pgx.Tx, q *numberdb.InventoryQuery, whole bool, tell func(numberdb.Mask)) error {
	text, args := ` ORDER BY number`, []any(nil)
	if !whole {
		numbers := make([]int64, len(q.Masks))
		for i, n := range q.Masks {
			numbers[i] = int64(n.Canonical())
		}
		text, args = ` WHERE version > $1 OR number = ANY ($2::bigint[])`, []any{int64(q.After), numbers}
	}
	rows, err := tx.Query(ctx, `SELECT `+maskColumns+` FROM maskline.masks`+text, args...)
	if err != nil {
		return err
	}
	var m numberdb.Mask
	var number, since int64
	var kind, services, flags, state int64
	var pool pgtype.Text
	var presents string
	_, err = pgx.ForEachRow(rows, []any{
		&number, &pool, &kind, &m.Country, &m.Region, &services, &m.Carrier, &presents, &m.Cost, &flags, &state, &since,
	}, func() error {
		m.Number, m.Pool, m.Kind, m.Services = e164.Number(number), pool.String, numberdb.MaskKind(numberdb.Octet(kind)), numberdb.Services(numberdb.Octet(services))
		m.Flags, m.State, m.Since = numberdb.MaskFlags(numberdb.Octet(flags)), numberdb.MaskState(numberdb.Octet(state)), time.UnixMicro(since).UTC()
		m.Presents = numberdb.Listed(presents)
		tell(m)
		return nil
	})
	return err
}

func duration(microseconds int64) time.Duration {
	return time.Duration(microseconds) * time.Microsecond
}

// History reads the lines of a mask.
func (s *Store) History(ctx context.Context, mask e164.Number, limit int) (events []numberdb.MaskEvent, err error) {
	err = s.read(ctx, "reading the history", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, `SELECT at, what, why, actor FROM maskline.mask_history WHERE mask = $1 ORDER BY line DESC LIMIT $2`,
			int64(mask.Canonical()), numberdb.PageLimit(limit))
		if err != nil {
			return err
		}
		var at int64
		var what int16
		e := numberdb.MaskEvent{Mask: mask.Canonical()}
		_, err = pgx.ForEachRow(rows, []any{&at, &what, &e.Why, &e.Actor}, func() error {
			e.At, e.What = time.UnixMicro(at).UTC(), numberdb.MaskState(what)
			events = append(events, e)
			return nil
		})
		return err
	})
	return events, err
}

// Tenants reads all tenants.
func (s *Store) Tenants(ctx context.Context) (all []numberdb.Tenant, err error) {
	err = s.read(ctx, "reading tenants", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, `SELECT name, state, created FROM maskline.tenants ORDER BY name`)
		if err != nil {
			return err
		}
		var t numberdb.Tenant
		var state int16
		var created int64
		_, err = pgx.ForEachRow(rows, []any{&t.Name, &state, &created}, func() error {
			t.State, t.Created = numberdb.TenantState(state), time.UnixMicro(created).UTC()
			all = append(all, t)
			return nil
		})
		return err
	})
	return all, err
}

// Attempted looks a key up.
func (s *Store) Attempted(ctx context.Context, a *numberdb.Attempt, now time.Time) (response numberdb.ID, ok bool, err error) {
	var request []byte
	var id int64
	var want numberdb.HiddenKey
	err = s.read(ctx, "looking up an idempotency key", s.cfg.Query, func(ctx context.Context) error {
		key := s.vault.HideKey(a.Tenant, a.Key)
		want = s.vault.HideRequest(a.Tenant, a.Fingerprint)
		return s.pool.QueryRow(ctx, `SELECT request, response FROM maskline.attempts WHERE key = $1 AND until > $2`, key[:], now.UnixMicro()).
			Scan(&request, &id)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	case !want.SameRequest(request):
		return 0, false, numberdb.ErrOtherRequest
	}
	return numberdb.ID(id), true, nil
}
