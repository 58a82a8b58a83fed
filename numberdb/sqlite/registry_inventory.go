package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"maskline/numberdb"
)

const (
	tenantText = `INSERT INTO tenants (name, state, created) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state`
	poolText   = `INSERT INTO pools (` + poolColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET tenant = excluded.tenant, selection = excluded.selection, quarantine = excluded.quarantine,
		parties = excluded.parties, ttl = excluded.ttl, min_ttl = excluded.min_ttl, max_ttl = excluded.max_ttl,
		idle_ttl = excluded.idle_ttl, max_uses = excluded.max_uses, second = excluded.second`
	poolColumns = `name, tenant, selection, quarantine, parties, ttl, min_ttl, max_ttl, idle_ttl, max_uses, second`
	shelvedText = `INSERT INTO masks (` + maskColumns + `, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT version FROM inventory))
		ON CONFLICT (number) DO UPDATE SET pool = excluded.pool, kind = excluded.kind, country = excluded.country,
		region = excluded.region, services = excluded.services, carrier = excluded.carrier, presents = excluded.presents,
		cost = excluded.cost, flags = excluded.flags, version = excluded.version`
	maskText    = shelvedText + `, state = excluded.state, since = excluded.since`
	maskColumns = `number, pool, kind, country, region, services, carrier, presents, cost, flags, state, since`
	eventText   = `INSERT INTO mask_history (mask, at, what, why, actor) VALUES (?, ?, ?, ?, ?)`
	// changedText tells whether the mask is new or in another state.
	changedText = `SELECT NOT EXISTS (SELECT 1 FROM masks WHERE number = ? AND state = ?)`
)

// writeInventory writes tenants, pools, masks and the history.
func (g *group) writeInventory(ctx context.Context, tx *sql.Tx) error {
	w := g.writes
	if len(w.Pools)+len(w.Masks)+len(w.Shelved)+len(w.Gone.Pools) > 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE inventory SET version = version + 1`); err != nil {
			return err
		}
	}
	for i := range w.Tenants {
		t := &w.Tenants[i]
		if _, err := tx.ExecContext(ctx, tenantText, t.Name, t.State, t.Created.UnixMicro()); err != nil {
			return fmt.Errorf("writing tenants: %w", err)
		}
	}
	for i := range w.Pools {
		name, p := &w.Pools[i], &w.Pools[i].Policy
		if _, err := tx.ExecContext(ctx, poolText, name.Name, name.Tenant, p.Selection, p.Quarantine.Microseconds(), p.Parties,
			p.TTL.Microseconds(), p.MinTTL.Microseconds(), p.MaxTTL.Microseconds(), p.IdleTTL.Microseconds(), p.MaxUses, p.Second); err != nil {
			return fmt.Errorf("writing pools: %w", err)
		}
	}
	if err := writeMasks(ctx, tx, w); err != nil {
		return err
	}
	for _, name := range w.Gone.Pools {
		if err := deletePool(ctx, tx, name); err != nil {
			return err
		}
	}
	return nil
}

func writeMasks(ctx context.Context, tx *sql.Tx, w *numberdb.Writes) error {
	if len(w.Masks)+len(w.Shelved)+len(w.Events) == 0 {
		return nil
	}
	event, err := tx.PrepareContext(ctx, eventText)
	if err != nil {
		return err
	}
	defer func() { _ = event.Close() }() // the transaction ends it too
	mask, err := tx.PrepareContext(ctx, maskText)
	if err != nil {
		return err
	}
	defer func() { _ = mask.Close() }()
	explained := w.Explained()
	for i := range w.Masks {
		m := &w.Masks[i]
		var changed bool
		if err := tx.QueryRowContext(ctx, changedText, int64(m.Number.Canonical()), m.State).Scan(&changed); err != nil {
			return err
		}
		if err := writeMask(ctx, tx, mask, m); err != nil {
			return err
		}
		if changed && !explained(m) {
			if err := writeEvent(ctx, event, numberdb.StateEvent(m)); err != nil {
				return err
			}
		}
	}
	if len(w.Shelved) > 0 {
		if err := shelve(ctx, tx, w.Shelved); err != nil {
			return err
		}
	}
	for i := range w.Events {
		if err := writeEvent(ctx, event, w.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// shelve writes masks whose states are not its own to say.
func shelve(ctx context.Context, tx *sql.Tx, masks []numberdb.Mask) error {
	shelved, err := tx.PrepareContext(ctx, shelvedText)
	if err != nil {
		return err
	}
	defer func() { _ = shelved.Close() }()
	for i := range masks {
		if err := writeMask(ctx, tx, shelved, &masks[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeMask(ctx context.Context, tx *sql.Tx, text *sql.Stmt, m *numberdb.Mask) error {
	if err := checkPool(ctx, tx, m.Pool); err != nil {
		return err
	}
	if _, err := text.ExecContext(ctx, int64(m.Number.Canonical()), sql.NullString{String: m.Pool, Valid: m.Pool != ""}, m.Kind, m.Country,
		m.Region, m.Services, m.Carrier, strings.Join(m.Presents, "|"), m.Cost, m.Flags, m.State, m.Since.UnixMicro()); err != nil {
		return fmt.Errorf("writing masks: %w", err)
	}
	return nil
}

func writeEvent(ctx context.Context, event *sql.Stmt, e numberdb.MaskEvent) error {
	if _, err := event.ExecContext(ctx, int64(e.Mask.Canonical()), e.At.UnixMicro(), e.What, e.Why, e.Actor); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	return nil
}

func checkPool(ctx context.Context, tx *sql.Tx, name string) error {
	if name == "" {
		return nil
	}
	var exists bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pools WHERE name = ?)`, name).Scan(&exists); err != nil {
		return err
	}
	if !exists {
		return numberdb.ErrNoPool
	}
	return nil
}

func deletePool(ctx context.Context, tx *sql.Tx, name string) error {
	var used bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM masks WHERE pool = ?)`, name).Scan(&used); err != nil {
		return err
	}
	if used {
		return numberdb.ErrPoolInUse
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM pools WHERE name = ?`, name); err != nil {
		return fmt.Errorf("deleting pools: %w", err)
	}
	return nil
}
