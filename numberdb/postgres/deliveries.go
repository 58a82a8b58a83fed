package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

var (
	_ numberdb.DeliveryStore = (*Store)(nil)
	_ numberdb.DeliveryLog   = (*Store)(nil)
)

const (
	serverNow = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	hold      = `UPDATE maskline.webhook_endpoints SET epoch = CASE WHEN holder = $1 THEN epoch ELSE epoch + 1 END, holder = $1, lease = ` + serverNow + ` + $2
		WHERE id IN (SELECT id FROM maskline.webhook_endpoints WHERE state = 0 AND (holder = $1 OR lease <= ` + serverNow + `) ORDER BY id FOR UPDATE)
		RETURNING ` + endpointColumns + `, epoch, xid, line, replay`
	letGo           = `UPDATE maskline.webhook_endpoints SET holder = '', lease = 0 WHERE holder = $1`
	deliveryColumns = `endpoint, event, xid, line, session, type, state, attempts, next, at, took, status, outcome`
	// settle writes for those endpoints alone whose lease is still that of their
	// epoch, and returns them.
	settle = `WITH of AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[]) AS r(id, epoch, xid, line, gone)),
			held AS (SELECT e.id FROM maskline.webhook_endpoints e JOIN of ON of.id = e.id AND of.epoch = e.epoch ORDER BY e.id FOR UPDATE OF e),
			mine AS (UPDATE maskline.webhook_endpoints e SET xid = of.xid, line = of.line, state = CASE WHEN of.gone THEN 2 ELSE e.state END,
				version = CASE WHEN of.gone THEN e.version + 1 ELSE e.version END
				FROM of, held WHERE e.id = of.id AND e.id = held.id RETURNING e.id),
			written AS (INSERT INTO maskline.webhook_deliveries (` + deliveryColumns + `)
				SELECT r.* FROM unnest($6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::smallint[], $13::int[],
					$14::bigint[], $15::bigint[], $16::bigint[], $17::int[], $18::text[]) AS r(` + deliveryColumns + `) JOIN mine ON mine.id = r.endpoint
				ON CONFLICT (endpoint, event) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, next = excluded.next,
				at = excluded.at, took = excluded.took, status = excluded.status, outcome = excluded.outcome)
		SELECT id FROM mine`
	replayOne = `INSERT INTO maskline.webhook_deliveries (` + deliveryColumns + `)
		SELECT $1::bigint, e.id, e.xid, e.line, e.session, e.type, 0, 0, $4::bigint, 0, 0, 0, '` + numberdb.OutcomeReplay + `' FROM maskline.events e
		WHERE e.id = $3 AND e.tenant = $2 LIMIT 1
		ON CONFLICT (endpoint, event) DO UPDATE SET state = 0, attempts = 0, next = excluded.next, outcome = excluded.outcome`
	replaySince = `UPDATE maskline.webhook_deliveries SET state = 0, attempts = 0, next = $4, outcome = '` + numberdb.OutcomeReplay + `'
		WHERE endpoint = $1 AND event IN (SELECT d.event FROM maskline.webhook_deliveries d JOIN maskline.events e ON e.id = d.event AND e.tenant = $2
			WHERE d.endpoint = $1 AND d.event >= $3 AND d.state <> 1 ORDER BY d.event LIMIT $5)`
)

// HoldEndpoints takes what is free by the server's clock.
func (s *Store) HoldEndpoints(ctx context.Context, holder string, lease time.Duration) (held []numberdb.HeldEndpoint, err error) {
	err = s.read(ctx, "taking webhook endpoints", s.cfg.Query, func(ctx context.Context) error {
		if lease == 0 {
			_, err := s.pool.Exec(ctx, letGo, holder)
			return err
		}
		rows, err := s.pool.Query(ctx, hold, holder, lease.Microseconds())
		if err != nil {
			return err
		}
		var r numberdb.StoredEndpoint
		var h numberdb.HeldEndpoint
		_, err = pgx.ForEachRow(rows, []any{
			&r.ID, &r.Tenant, &r.Types, &r.State, &r.Created, &r.Version, &r.Sealed, &h.Epoch, &h.Done.Transaction, &h.Done.Line, &h.Replay,
		}, func() error {
			e, err := s.vault.OpenEndpoint(&r)
			if err != nil {
				return nil //nolint:nilerr // one that does not open is posted nothing
			}
			h.WebhookEndpoint = e
			held = append(held, h)
			return nil
		})
		return err
	})
	return held, err
}

// WaitingDeliveries reads by the index of those that wait, and the whole log for
// those beyond.
func (s *Store) WaitingDeliveries(ctx context.Context, endpoint numberdb.ID) ([]numberdb.Delivery, error) {
	return s.deliveries(ctx, ` d WHERE endpoint = $1 AND (state = 0 OR EXISTS
		(SELECT FROM maskline.webhook_endpoints e WHERE e.id = $1 AND (d.xid, d.line) > (e.xid, e.line))) ORDER BY xid, line LIMIT $2`,
		int64(endpoint), 2*numberdb.MostWaiting)
}

// Deliveries reads a page of the log.
func (s *Store) Deliveries(ctx context.Context, q numberdb.DeliveryQuery) ([]numberdb.Delivery, error) {
	return s.deliveries(ctx, ` WHERE endpoint = $1 AND ($2 = 0 OR event < $2) ORDER BY event DESC LIMIT $3`,
		int64(q.Endpoint), int64(q.Before), numberdb.PageLimit(q.Limit))
}

func (s *Store) deliveries(ctx context.Context, where string, args ...any) (all []numberdb.Delivery, err error) {
	err = s.read(ctx, "reading deliveries", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, `SELECT `+deliveryColumns+` FROM maskline.webhook_deliveries`+where, args...)
		if err != nil {
			return err
		}
		var endpoint, event, session, next, at, took int64
		var state int16
		var d numberdb.Delivery
		_, err = pgx.ForEachRow(rows, []any{
			&endpoint, &event, &d.Position.Transaction, &d.Position.Line, &session, &d.Type, &state, &d.Attempts, &next, &at, &took, &d.Status, &d.Outcome,
		}, func() error {
			d.Endpoint, d.Event, d.Session, d.State = numberdb.ID(endpoint), numberdb.ID(event), numberdb.ID(session), numberdb.DeliveryState(state)
			d.Next, d.At, d.Took = numberdb.FromMicros(next), numberdb.FromMicros(at), duration(took)
			all = append(all, d)
			return nil
		})
		return err
	})
	return all, err
}

// Settle is one statement; only an endpoint that is gone takes more.
func (s *Store) Settle(ctx context.Context, done []numberdb.Settlement) (lost []numberdb.ID, err error) {
	mine := make(map[int64]bool, len(done))
	err = s.inTransaction(ctx, "settling deliveries", func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, settle, settleArrays(done)...)
		if err != nil {
			return err
		}
		var id int64
		if _, err := pgx.ForEachRow(rows, []any{&id}, func() error { mine[id] = true; return nil }); err != nil {
			return err
		}
		return tellGone(ctx, tx, done, mine)
	})
	if err != nil {
		return nil, err
	}
	for i := range done {
		if !mine[int64(done[i].Endpoint)] {
			lost = append(lost, done[i].Endpoint)
		}
	}
	return lost, nil
}

func tellGone(ctx context.Context, tx pgx.Tx, done []numberdb.Settlement, mine map[int64]bool) error {
	var gone []int64
	var events []numberdb.Event
	for i := range done {
		if e := done[i].Gone; e != nil && mine[int64(done[i].Endpoint)] {
			if err := e.Check(); err != nil {
				return err
			}
			gone, events = append(gone, int64(done[i].Endpoint)), append(events, *e)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, outbox, outboxArrays(events)...)
	if err == nil {
		_, err = tx.Exec(ctx, giveUp, gone)
	}
	return err
}

func settleArrays(done []numberdb.Settlement) []any {
	n, m := len(done), 0
	for i := range done {
		m += len(done[i].Deliveries)
	}
	ids, epochs, xids, lines, gone := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]bool, n)
	var wide [8][]int64 // endpoint, event, xid, line, session, next, at, took
	for i := range wide {
		wide[i] = make([]int64, 0, m)
	}
	types, outcomes := make([]string, 0, m), make([]string, 0, m)
	states, attempts, statuses := make([]int16, 0, m), make([]int32, 0, m), make([]int32, 0, m)
	for i := range done {
		of := &done[i]
		ids[i], epochs[i], xids[i], lines[i], gone[i] = int64(of.Endpoint), of.Epoch, of.Done.Transaction, of.Done.Line, of.Gone != nil
		for k := range of.Deliveries {
			d := &of.Deliveries[k]
			for c, value := range [...]int64{
				int64(of.Endpoint), int64(d.Event), d.Position.Transaction, d.Position.Line, int64(d.Session),
				numberdb.Micros(d.Next), numberdb.Micros(d.At), d.Took.Microseconds(),
			} {
				wide[c] = append(wide[c], value)
			}
			types, outcomes = append(types, d.Type), append(outcomes, d.Outcome)
			states, attempts, statuses = append(states, int16(d.State)), append(attempts, int32(d.Attempts)), append(statuses, int32(d.Status))
		}
	}
	return []any{
		ids, epochs, xids, lines, gone, wide[0], wide[1], wide[2], wide[3], wide[4], types, states, attempts, wide[5], wide[6], wide[7], statuses, outcomes,
	}
}

// Replay makes events wait, and tells the edge that posts to the endpoint.
func (s *Store) Replay(ctx context.Context, r *numberdb.Replay) (count int, err error) {
	err = s.inTransaction(ctx, "replaying events", func(ctx context.Context, tx pgx.Tx) error {
		err := one(ctx, tx, numberdb.ErrWebhook, `UPDATE maskline.webhook_endpoints SET replay = replay + 1 WHERE id = $1 AND tenant = $2`, int64(r.Endpoint), r.Tenant)
		if err != nil {
			return err
		}
		if r.Event != 0 {
			count = 1
			return one(ctx, tx, numberdb.ErrNoEvent, replayOne, int64(r.Endpoint), r.Tenant, int64(r.Event), r.Now.UnixMicro())
		}
		tag, err := tx.Exec(ctx, replaySince, int64(r.Endpoint), r.Tenant, int64(numberdb.IDAt(r.Since)), r.Now.UnixMicro(), r.Most)
		count = int(tag.RowsAffected())
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}
