package sqlite

import (
	"context"
	"database/sql"
	"time"

	"maskline/numberdb"
)

var (
	_ numberdb.EndpointStore = (*Store)(nil)
	_ numberdb.DeliveryStore = (*Store)(nil)
	_ numberdb.DeliveryLog   = (*Store)(nil)
)

const (
	endpointColumns = `id, tenant, types, state, created, version, sealed`
	endpointNew     = `INSERT INTO webhook_endpoints (` + endpointColumns + `, line, epoch, replay)
		VALUES (?, ?, ?, ?, ?, 1, ?, ` + endOfEvents + `, 1, 0) ON CONFLICT DO NOTHING`
	// One that is on again begins at the end, with another epoch: what is still
	// under way for it is not settled any more.
	endpointChanged = `UPDATE webhook_endpoints SET types = ?3, version = version + 1, sealed = ?5,
			line = CASE WHEN state <> 0 AND ?4 = 0 THEN ` + endOfEvents + ` ELSE line END,
			epoch = CASE WHEN state <> ?4 THEN epoch + 1 ELSE epoch END, state = ?4
		WHERE id = ?1 AND tenant = ?2 AND version = ?6`
	// giveUp comes with each change to or from on.
	giveUp = `UPDATE webhook_deliveries SET state = 2, outcome = '` + numberdb.OutcomeOff + `'
		WHERE endpoint = ?1 AND state = 0 AND (SELECT state FROM webhook_endpoints WHERE id = ?1) <> 0`
	deliveryColumns = `endpoint, event, line, session, type, state, attempts, next, at, took, status, outcome`
	deliveryText    = `INSERT INTO webhook_deliveries (` + deliveryColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (endpoint, event) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, next = excluded.next,
		at = excluded.at, took = excluded.took, status = excluded.status, outcome = excluded.outcome`
	replayOne = `INSERT INTO webhook_deliveries (` + deliveryColumns + `)
		SELECT ?1, id, line, session, type, 0, 0, ?4, 0, 0, 0, '` + numberdb.OutcomeReplay + `' FROM events WHERE id = ?3 AND tenant = ?2 LIMIT 1
		ON CONFLICT (endpoint, event) DO UPDATE SET state = 0, attempts = 0, next = excluded.next, outcome = excluded.outcome`
	replaySince = `UPDATE webhook_deliveries SET state = 0, attempts = 0, next = ?4, outcome = '` + numberdb.OutcomeReplay + `'
		WHERE endpoint = ?1 AND event IN (SELECT d.event FROM webhook_deliveries d JOIN events e ON e.id = d.event AND e.tenant = ?2
			WHERE d.endpoint = ?1 AND d.event >= ?3 AND d.state <> 1 ORDER BY d.event LIMIT ?5)`
)

// affected runs a statement and returns how many rows it has changed.
func affected(ctx context.Context, tx *sql.Tx, text string, args ...any) (int, error) {
	result, err := tx.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	rows, err := result.RowsAffected()
	return int(rows), err
}

// one is affected where a row has to be there.
func one(ctx context.Context, tx *sql.Tx, fault error, text string, args ...any) error {
	rows, err := affected(ctx, tx, text, args...)
	if err == nil && rows == 0 {
		err = fault
	}
	return err
}

// Endpoints reads a tenant's.
func (s *Store) Endpoints(ctx context.Context, tenant string, id numberdb.ID) (all []numberdb.WebhookEndpoint, err error) {
	err = s.read(ctx, "reading webhook endpoints", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var r numberdb.StoredEndpoint
			if err := rows.Scan(&r.ID, &r.Tenant, &r.Types, &r.State, &r.Created, &r.Version, &r.Sealed); err != nil {
				return err
			}
			e, err := s.vault.OpenEndpoint(&r)
			all = append(all, e)
			return err
		}, `SELECT `+endpointColumns+` FROM webhook_endpoints WHERE tenant = ?1 AND (?2 = 0 OR id = ?2) ORDER BY id`, tenant, int64(id))
	})
	return all, err
}

// PutEndpoint adds or changes one.
func (s *Store) PutEndpoint(ctx context.Context, e *numberdb.WebhookEndpoint) (version int64, err error) {
	if err := e.Check(); err != nil {
		return 0, err
	}
	r, err := s.vault.StoreEndpoint(e)
	if err != nil {
		return 0, err
	}
	err = s.change(ctx, "writing a webhook endpoint", func(ctx context.Context, tx *sql.Tx) error {
		text, args := endpointNew, []any{r.ID, r.Tenant, r.Types, r.State, r.Created, r.Sealed}
		if e.Version != 0 {
			text, args = endpointChanged, []any{r.ID, r.Tenant, r.Types, r.State, r.Sealed, e.Version}
		}
		if err := one(ctx, tx, numberdb.ErrWebhook, text, args...); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, giveUp, r.ID)
		return err
	})
	return e.Version + 1, err
}

// RemoveEndpoint deletes the endpoint and its log.
func (s *Store) RemoveEndpoint(ctx context.Context, tenant string, id numberdb.ID) error {
	return s.change(ctx, "deleting a webhook endpoint", func(ctx context.Context, tx *sql.Tx) error {
		err := one(ctx, tx, numberdb.ErrWebhook, `DELETE FROM webhook_endpoints WHERE id = ? AND tenant = ?`, int64(id), tenant)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM webhook_deliveries WHERE endpoint = ?`, int64(id))
		}
		return err
	})
}

// WantedEvents looks at all endpoints that are on.
func (s *Store) WantedEvents(ctx context.Context) (wanted []numberdb.WantedEvents, err error) {
	err = s.read(ctx, "reading what endpoints want", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var w numberdb.WantedEvents
			var types string
			err := rows.Scan(&w.Tenant, &types)
			w.Types = numberdb.Listed(types)
			wanted = append(wanted, w)
			return err
		}, `SELECT DISTINCT tenant, types FROM webhook_endpoints WHERE state = 0 ORDER BY tenant, types`)
	})
	return wanted, err
}

// HoldEndpoints returns those that are on: one process has the file, so it holds
// all of them.
func (s *Store) HoldEndpoints(ctx context.Context, _ string, lease time.Duration) (held []numberdb.HeldEndpoint, err error) {
	if lease == 0 {
		return nil, nil
	}
	err = s.read(ctx, "reading webhook endpoints", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var r numberdb.StoredEndpoint
			var h numberdb.HeldEndpoint
			if err := rows.Scan(&r.ID, &r.Tenant, &r.Types, &r.State, &r.Created, &r.Version, &r.Sealed, &h.Epoch, &h.Done.Line, &h.Replay); err != nil {
				return err
			}
			e, err := s.vault.OpenEndpoint(&r)
			if err != nil {
				return nil //nolint:nilerr // one that does not open is posted nothing
			}
			h.WebhookEndpoint = e
			held = append(held, h)
			return nil
		}, `SELECT `+endpointColumns+`, epoch, line, replay FROM webhook_endpoints WHERE state = 0 ORDER BY id`)
	})
	return held, err
}

// WaitingDeliveries reads by the index of those that wait, and the whole log for
// those beyond.
func (s *Store) WaitingDeliveries(ctx context.Context, endpoint numberdb.ID) ([]numberdb.Delivery, error) {
	return s.deliveries(ctx, ` WHERE endpoint = ?1 AND (state = 0 OR line > (SELECT e.line FROM webhook_endpoints e WHERE e.id = ?1))
		ORDER BY line LIMIT ?2`, int64(endpoint), 2*numberdb.MostWaiting)
}

// Deliveries reads a page of the log.
func (s *Store) Deliveries(ctx context.Context, q numberdb.DeliveryQuery) ([]numberdb.Delivery, error) {
	return s.deliveries(ctx, ` WHERE endpoint = ?1 AND (?2 = 0 OR event < ?2) ORDER BY event DESC LIMIT ?3`,
		int64(q.Endpoint), int64(q.Before), numberdb.PageLimit(q.Limit))
}

func (s *Store) deliveries(ctx context.Context, where string, args ...any) (all []numberdb.Delivery, err error) {
	err = s.read(ctx, "reading deliveries", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var endpoint, event, session, state, next, at, took int64
			var d numberdb.Delivery
			err := rows.Scan(&endpoint, &event, &d.Position.Line, &session, &d.Type, &state, &d.Attempts, &next, &at, &took, &d.Status, &d.Outcome)
			d.Endpoint, d.Event, d.Session, d.State = numberdb.ID(endpoint), numberdb.ID(event), numberdb.ID(session), numberdb.DeliveryState(state)
			d.Next, d.At, d.Took = numberdb.FromMicros(next), numberdb.FromMicros(at), time.Duration(took)*time.Microsecond
			all = append(all, d)
			return err
		}, `SELECT `+deliveryColumns+` FROM webhook_deliveries`+where, args...)
	})
	return all, err
}

// Settle writes what was done.
func (s *Store) Settle(ctx context.Context, done []numberdb.Settlement) (lost []numberdb.ID, err error) {
	err = s.change(ctx, "settling deliveries", func(ctx context.Context, tx *sql.Tx) error {
		lost = nil
		delivery := tx.StmtContext(ctx, s.registry.delivery)
		defer func() { _ = delivery.Close() }() // the transaction ends it too
		for i := range done {
			of := &done[i]
			rows, err := affected(ctx, tx, `UPDATE webhook_endpoints SET line = ?3, state = CASE WHEN ?4 THEN 2 ELSE state END,
				version = CASE WHEN ?4 THEN version + 1 ELSE version END WHERE id = ?1 AND epoch = ?2`,
				int64(of.Endpoint), of.Epoch, of.Done.Line, of.Gone != nil)
			if err != nil {
				return err
			}
			if rows == 0 {
				lost = append(lost, of.Endpoint)
				continue
			}
			for k := range of.Deliveries {
				d := &of.Deliveries[k]
				if _, err := delivery.ExecContext(ctx, int64(of.Endpoint), int64(d.Event), d.Position.Line, int64(d.Session), d.Type, int(d.State), d.Attempts,
					numberdb.Micros(d.Next), numberdb.Micros(d.At), d.Took.Microseconds(), d.Status, d.Outcome); err != nil {
					return err
				}
			}
			if of.Gone != nil {
				if err := s.tellGone(ctx, tx, of); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return lost, err
}

func (s *Store) tellGone(ctx context.Context, tx *sql.Tx, of *numberdb.Settlement) error {
	if err := of.Gone.Check(); err != nil {
		return err
	}
	if err := writeOutboxEvent(ctx, tx.StmtContext(ctx, s.registry.outbox), of.Gone); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, giveUp, int64(of.Endpoint))
	return err
}

// Replay makes events wait, and tells who posts to the endpoint.
func (s *Store) Replay(ctx context.Context, r *numberdb.Replay) (count int, err error) {
	err = s.change(ctx, "replaying events", func(ctx context.Context, tx *sql.Tx) error {
		err := one(ctx, tx, numberdb.ErrWebhook, `UPDATE webhook_endpoints SET replay = replay + 1 WHERE id = ? AND tenant = ?`, int64(r.Endpoint), r.Tenant)
		if err != nil {
			return err
		}
		if r.Event != 0 {
			count = 1
			return one(ctx, tx, numberdb.ErrNoEvent, replayOne, int64(r.Endpoint), r.Tenant, int64(r.Event), r.Now.UnixMicro())
		}
		count, err = affected(ctx, tx, replaySince, int64(r.Endpoint), r.Tenant, int64(numberdb.IDAt(r.Since)), r.Now.UnixMicro(), r.Most)
		return err
	})
	return count, err
}
