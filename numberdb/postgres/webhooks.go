package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

var _ numberdb.EndpointStore = (*Store)(nil)

const (
	endpointColumns = `id, tenant, types, state, created, version, sealed`
	// One that is on again begins at the end, with another epoch: what is still
	// under way for it is not settled any more.
	endpointNew = `INSERT INTO maskline.webhook_endpoints (` + endpointColumns + `, xid, line, epoch, lease, replay, holder)
		VALUES ($1, $2, $3, $4, $5, 1, $6, ` + horizon + `, 0, 1, 0, 0, '') ON CONFLICT (id) DO NOTHING`
	endpointChanged = `UPDATE maskline.webhook_endpoints SET types = $3, version = version + 1, sealed = $5,
			xid = CASE WHEN state <> 0 AND $4 = 0 THEN ` + horizon + ` ELSE xid END, line = CASE WHEN state <> 0 AND $4 = 0 THEN 0 ELSE line END,
			epoch = CASE WHEN state <> $4 THEN epoch + 1 ELSE epoch END, state = $4
		WHERE id = $1 AND tenant = $2 AND version = $6`
	// giveUp comes with each change to or from on.
	giveUp = `UPDATE maskline.webhook_deliveries d SET state = 2, outcome = '` + numberdb.OutcomeOff + `'
		FROM maskline.webhook_endpoints e WHERE e.id = d.endpoint AND e.id = ANY ($1::bigint[]) AND e.state <> 0 AND d.state = 0`
)

// Endpoints reads a tenant's.
func (s *Store) Endpoints(ctx context.Context, tenant string, id numberdb.ID) (all []numberdb.WebhookEndpoint, err error) {
	err = s.read(ctx, "reading webhook endpoints", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, `SELECT `+endpointColumns+` FROM maskline.webhook_endpoints WHERE tenant = $1 AND ($2 = 0 OR id = $2) ORDER BY id`,
			tenant, int64(id))
		if err != nil {
			return err
		}
		var r numberdb.StoredEndpoint
		_, err = pgx.ForEachRow(rows, []any{&r.ID, &r.Tenant, &r.Types, &r.State, &r.Created, &r.Version, &r.Sealed}, func() error {
			e, err := s.vault.OpenEndpoint(&r)
			all = append(all, e)
			return err
		})
		return err
	})
	return all, err
}

// PutEndpoint adds or changes one.
func (s *Store) PutEndpoint(ctx context.Context, e *numberdb.WebhookEndpoint) (version int64, err error) {
	if err := e.Check(); err != nil {
		return 0, err
	}
	err = s.inTransaction(ctx, "writing a webhook endpoint", func(ctx context.Context, tx pgx.Tx) error {
		r, err := s.vault.StoreEndpoint(e)
		if err != nil {
			return err
		}
		text, args := endpointNew, []any{r.ID, r.Tenant, r.Types, r.State, r.Created, r.Sealed}
		if e.Version != 0 {
			text, args = endpointChanged, []any{r.ID, r.Tenant, r.Types, r.State, r.Sealed, e.Version}
		}
		if err := one(ctx, tx, numberdb.ErrWebhook, text, args...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, giveUp, []int64{r.ID})
		return err
	})
	return e.Version + 1, err
}

// WantedEvents looks at all endpoints that are on.
func (s *Store) WantedEvents(ctx context.Context) (wanted []numberdb.WantedEvents, err error) {
	err = s.read(ctx, "reading what endpoints want", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, `SELECT DISTINCT tenant, types FROM maskline.webhook_endpoints WHERE state = 0 ORDER BY tenant, types`)
		if err != nil {
			return err
		}
		var tenant, types string
		_, err = pgx.ForEachRow(rows, []any{&tenant, &types}, func() error {
			wanted = append(wanted, numberdb.WantedEvents{Tenant: tenant, Types: numberdb.Listed(types)})
			return nil
		})
		return err
	})
	return wanted, err
}

// RemoveEndpoint deletes the endpoint, then its log.
func (s *Store) RemoveEndpoint(ctx context.Context, tenant string, id numberdb.ID) error {
	return s.inTransaction(ctx, "deleting a webhook endpoint", func(ctx context.Context, tx pgx.Tx) error {
		err := one(ctx, tx, numberdb.ErrWebhook, `DELETE FROM maskline.webhook_endpoints WHERE id = $1 AND tenant = $2`, int64(id), tenant)
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM maskline.webhook_deliveries WHERE endpoint = $1`, int64(id))
		}
		return err
	})
}

// one runs a statement that has to change a row.
func one(ctx context.Context, tx pgx.Tx, fault error, text string, args ...any) error {
	tag, err := tx.Exec(ctx, text, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = fault
	}
	return err
}
