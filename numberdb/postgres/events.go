package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

var (
	_ numberdb.EventStore  = (*Store)(nil)
	_ numberdb.ExpiryStore = (*Store)(nil)
)

const (
	// lockSessions makes the events of a session follow one another: its next
	// sequence is read under its lock.
	lockSessions = `SELECT 1 FROM maskline.sessions WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE`
	outbox       = `INSERT INTO maskline.events (id, tenant, type, session, sequence, at, once, data)
		SELECT r.id, r.tenant, r.type, r.session, CASE r.session WHEN 0 THEN 0 ELSE
			coalesce((SELECT max(e.sequence) FROM maskline.events e WHERE e.session = r.session AND e.session <> 0), 0)
			+ row_number() OVER (PARTITION BY r.session ORDER BY r.place) END, r.at, r.once, r.data
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
			WITH ORDINALITY AS r(id, tenant, type, session, at, once, data, place)
		ORDER BY r.place ON CONFLICT DO NOTHING`
	expired = `INSERT INTO maskline.events (id, tenant, type, session, sequence, at, once, data)
		SELECT r.id, s.tenant, CASE s.shape WHEN $5 THEN '` + numberdb.LeaseExpired + `' ELSE '` + numberdb.SessionExpired + `' END, s.id,
			coalesce((SELECT max(e.sequence) FROM maskline.events e WHERE e.session = s.id AND e.session <> 0), 0) + 1, s.expires, r.once, ''
		FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS r(session, id, once) JOIN maskline.sessions s ON s.id = r.session
		WHERE s.ended = 0 AND s.expires <= $4 ORDER BY s.id FOR NO KEY UPDATE OF s ON CONFLICT DO NOTHING`
	// horizon is the oldest transaction that still runs: below it nothing appears
	// any more.
	horizon      = `pg_snapshot_xmin(pg_current_snapshot())::text::bigint`
	eventColumns = `e.xid, e.line, e.id, e.session, e.sequence, e.at, e.type, e.once, e.data`
	nextEvents   = `SELECT w.place, ` + eventColumns + ` FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::int[])
			WITH ORDINALITY AS w(tenant, xid, line, most, place)
		CROSS JOIN LATERAL (SELECT * FROM maskline.events e WHERE e.tenant = w.tenant AND (e.xid, e.line) > (w.xid, w.line)
			AND e.xid < ` + horizon + ` ORDER BY e.xid, e.line LIMIT w.most) e ORDER BY w.place, e.xid, e.line`
	// A session's last line tells its next one the sequence.
	purgeEvents = `WITH looked AS (SELECT ctid, id, session, sequence FROM maskline.events WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3),
			gone AS (DELETE FROM maskline.events e USING looked l WHERE e.ctid = l.ctid AND (l.session = 0
				OR EXISTS (SELECT FROM maskline.events n WHERE n.session = l.session AND n.session <> 0 AND n.sequence > l.sequence)
				OR NOT EXISTS (SELECT FROM maskline.sessions s WHERE s.id = l.session)) RETURNING 1)
		SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM looked), coalesce((SELECT max(id) FROM looked), 0)`
	purgeLog = `WITH of AS (SELECT e.id, greatest($2, coalesce((SELECT d.event FROM maskline.webhook_deliveries d WHERE d.endpoint = e.id
				ORDER BY d.event DESC OFFSET $3 LIMIT 1), 0)) AS last FROM maskline.webhook_endpoints e WHERE e.id > $1 ORDER BY e.id LIMIT $4),
			gone AS (DELETE FROM maskline.webhook_deliveries d USING of WHERE d.endpoint = of.id AND d.event <= of.last AND d.state <> 0 RETURNING 1)
		SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM of), coalesce((SELECT max(id) FROM of), 0)`
)

// addOutbox comes after the sessions: their rows are locked by then, or do not
// exist for others yet.
func (g *group) addOutbox(w *numberdb.Writes) {
	held := make(map[numberdb.ID]bool, len(w.Sessions))
	for i := range w.Sessions {
		held[w.Sessions[i].ID] = true
	}
	var lock []int64
	for i := range w.Outbox {
		if id := w.Outbox[i].Session; id != 0 && !held[id] {
			held[id] = true
			lock = append(lock, int64(id))
		}
	}
	if len(lock) > 0 {
		g.add(lockSessions, lock)
	}
	for part := range slices.Chunk(w.Outbox, chunk) {
		g.add(outbox, outboxArrays(part)...)
	}
	for part := range slices.Chunk(w.Expired, chunk) {
		sessions, ids, once := make([]int64, len(part)), make([]int64, len(part)), make([]string, len(part))
		for i := range part {
			sessions[i], ids[i], once[i] = int64(part[i].Session), int64(part[i].Event), part[i].Once()
		}
		g.add(expired, sessions, ids, once, g.now.UnixMicro(), int16(numberdb.Lease))
	}
}

func outboxArrays(events []numberdb.Event) []any {
	n := len(events)
	ids, sessions, at := make([]int64, n), make([]int64, n), make([]int64, n)
	tenants, types, once, data := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i := range events {
		e := &events[i]
		ids[i], sessions[i], at[i] = int64(e.ID), int64(e.Session), e.At.UnixMicro()
		tenants[i], types[i], once[i], data[i] = e.Tenant, e.Type, e.Once, string(e.Data)
	}
	return []any{ids, tenants, types, sessions, at, once, data}
}

// Events reads a page.
func (s *Store) Events(ctx context.Context, q numberdb.EventQuery) ([]numberdb.Event, error) {
	pages, err := s.NextEvents(ctx, []numberdb.Wanted{{Tenant: q.Tenant, After: q.After, Limit: numberdb.PageLimit(q.Limit)}})
	if err != nil {
		return nil, err
	}
	return pages[0], nil
}

// NextEvents answers all wishes by one statement.
func (s *Store) NextEvents(ctx context.Context, wanted []numberdb.Wanted) (pages [][]numberdb.Event, err error) {
	n := len(wanted)
	tenants, xids, lines, most := make([]string, n), make([]int64, n), make([]int64, n), make([]int32, n)
	for i := range wanted {
		w := &wanted[i]
		tenants[i], xids[i], lines[i], most[i] = w.Tenant, w.After.Transaction, w.After.Line, int32(w.Limit)
	}
	pages = make([][]numberdb.Event, n)
	err = s.read(ctx, "reading events", s.cfg.Query, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, nextEvents, tenants, xids, lines, most)
		if err != nil {
			return err
		}
		var place, id, session, at int64
		var e numberdb.Event
		var data string
		_, err = pgx.ForEachRow(rows, []any{
			&place, &e.Position.Transaction, &e.Position.Line, &id, &session, &e.Sequence, &at, &e.Type, &e.Once, &data,
		}, func() error {
			e.ID, e.Session, e.At, e.Data = numberdb.ID(id), numberdb.ID(session), numberdb.FromMicros(at), nil
			if data != "" {
				e.Data = []byte(data)
			}
			e.Tenant = wanted[place-1].Tenant
			pages[place-1] = append(pages[place-1], e)
			return nil
		})
		return err
	})
	return pages, err
}

// EventPosition looks an event up.
func (s *Store) EventPosition(ctx context.Context, tenant string, id numberdb.ID) (p numberdb.EventPosition, err error) {
	err = s.read(ctx, "finding an event", s.cfg.Query, func(ctx context.Context) error {
		return s.pool.QueryRow(ctx, `SELECT xid, line FROM maskline.events WHERE id = $1 AND tenant = $2 ORDER BY xid, line LIMIT 1`, int64(id), tenant).
			Scan(&p.Transaction, &p.Line)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return p, numberdb.ErrNoEvent
	}
	return p, err
}

// EndOfEvents is the horizon.
func (s *Store) EndOfEvents(ctx context.Context) (p numberdb.EventPosition, err error) {
	err = s.read(ctx, "finding the end of events", s.cfg.Query, func(ctx context.Context) error {
		return s.pool.QueryRow(ctx, `SELECT `+horizon).Scan(&p.Transaction)
	})
	return p, err
}

// eventPurging is where PurgeEvents goes on.
type eventPurging struct {
	mu       sync.Mutex // held by the one that runs
	log      bool       // of deliveries: the events are done
	event    int64
	endpoint int64
}

const (
	purgeEventRows = 5_000
	purgeEndpoints = 50
)

// PurgeEvents goes on with the events, then with the logs.
func (s *Store) PurgeEvents(ctx context.Context, before time.Time) (deleted int, round bool, err error) {
	p := &s.eventPurging
	if !p.mu.TryLock() {
		return 0, true, nil
	}
	defer p.mu.Unlock()
	var looked int
	var last int64
	err = s.read(ctx, "purging events", s.cfg.Query, func(ctx context.Context) error {
		if p.log {
			return s.pool.QueryRow(ctx, purgeLog, p.endpoint, int64(numberdb.IDAt(before)), numberdb.KeptDeliveries, purgeEndpoints).Scan(&deleted, &looked, &last)
		}
		return s.pool.QueryRow(ctx, purgeEvents, p.event, int64(numberdb.IDAt(before)), purgeEventRows).Scan(&deleted, &looked, &last)
	})
	if err != nil {
		return 0, false, err
	}
	if !p.log {
		if p.event = last; looked < purgeEventRows {
			p.log, p.event = true, 0
		}
		return deleted, false, nil
	}
	if p.endpoint = last; looked < purgeEndpoints {
		p.log, p.endpoint = false, 0
	}
	return deleted, !p.log, nil
}

// ExpiredSessions looks through all sessions: no index leads it, since it is asked
// once at a start.
func (s *Store) ExpiredSessions(ctx context.Context, now time.Time, after numberdb.ID, limit int) (found []numberdb.ID, err error) {
	err = s.read(ctx, "looking for sessions that have expired", s.cfg.Load, func(ctx context.Context) error {
		return s.longRead(ctx, func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `SELECT s.id FROM maskline.sessions s, maskline.events_told t
				WHERE s.id > $1 AND s.ended = 0 AND s.expires <= $2 AND s.expires >= t.expired ORDER BY s.id LIMIT $3`, int64(after), now.UnixMicro(), limit)
			if err != nil {
				return err
			}
			found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (numberdb.ID, error) {
				var id int64
				err := row.Scan(&id)
				return numberdb.ID(id), err
			})
			return err
		})
	})
	return found, err
}

// ToldExpiries never goes back.
func (s *Store) ToldExpiries(ctx context.Context, until time.Time) error {
	return s.read(ctx, "noting what was told", s.cfg.Query, func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, `UPDATE maskline.events_told SET expired = $1 WHERE expired < $1`, until.UnixMicro())
		return err
	})
}
