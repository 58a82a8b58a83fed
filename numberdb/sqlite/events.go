package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"maskline/numberdb"
)

var (
	_ numberdb.EventStore  = (*Store)(nil)
	_ numberdb.ExpiryStore = (*Store)(nil)
)

const (
	outboxText = `INSERT INTO events (id, tenant, type, session, sequence, at, once, data) SELECT ?1, ?2, ?3, ?4, CASE ?4 WHEN 0 THEN 0 ELSE
		coalesce((SELECT max(sequence) FROM events WHERE session = ?4 AND session <> 0), 0) + 1 END, ?5, ?6, ?7 WHERE true ON CONFLICT DO NOTHING`
	expiredText = `INSERT INTO events (id, tenant, type, session, sequence, at, once, data)
		SELECT ?1, s.tenant, CASE s.shape WHEN ?2 THEN '` + numberdb.LeaseExpired + `' ELSE '` + numberdb.SessionExpired + `' END, s.id,
			coalesce((SELECT max(sequence) FROM events WHERE session = ?3 AND session <> 0), 0) + 1, s.expires, ?4, ''
		FROM sessions s WHERE s.id = ?3 AND s.ended = 0 AND s.expires <= ?5 ON CONFLICT DO NOTHING`
	eventColumns = `line, id, session, sequence, at, type, once, data`
)

// writeOutbox comes last: it looks at the sessions as they are by then.
func (g *group) writeOutbox(ctx context.Context, tx *sql.Tx, now time.Time) error {
	w := g.writes
	if len(w.Outbox)+len(w.Expired) == 0 {
		return nil
	}
	statement := tx.StmtContext(ctx, g.store.registry.outbox)
	for i := range w.Outbox {
		if err := writeOutboxEvent(ctx, statement, &w.Outbox[i]); err != nil {
			return err
		}
	}
	for i := range w.Expired {
		x := &w.Expired[i]
		if _, err := tx.ExecContext(ctx, expiredText, int64(x.Event), int64(numberdb.Lease), int64(x.Session), x.Once(), now.UnixMicro()); err != nil {
			return fmt.Errorf("writing events: %w", err)
		}
	}
	return nil
}

func writeOutboxEvent(ctx context.Context, statement *sql.Stmt, e *numberdb.Event) error {
	_, err := statement.ExecContext(ctx, int64(e.ID), e.Tenant, e.Type, int64(e.Session), e.At.UnixMicro(), e.Once, string(e.Data))
	if err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	return nil
}

// Events reads a page.
func (s *Store) Events(ctx context.Context, q numberdb.EventQuery) ([]numberdb.Event, error) {
	pages, err := s.NextEvents(ctx, []numberdb.Wanted{{Tenant: q.Tenant, After: q.After, Limit: numberdb.PageLimit(q.Limit)}})
	if err != nil {
		return nil, err
	}
	return pages[0], nil
}

// NextEvents answers the wishes from one snapshot.
func (s *Store) NextEvents(ctx context.Context, wanted []numberdb.Wanted) (pages [][]numberdb.Event, err error) {
	pages = make([][]numberdb.Event, len(wanted))
	err = s.read(ctx, "reading events", func(tx *sql.Tx) error {
		for i := range wanted {
			w := &wanted[i]
			if err := each(ctx, tx, func(rows *sql.Rows) error {
				e := numberdb.Event{Tenant: w.Tenant}
				var id, session, at int64
				var data string
				err := rows.Scan(&e.Position.Line, &id, &session, &e.Sequence, &at, &e.Type, &e.Once, &data)
				e.ID, e.Session, e.At = numberdb.ID(id), numberdb.ID(session), numberdb.FromMicros(at)
				if data != "" {
					e.Data = []byte(data)
				}
				pages[i] = append(pages[i], e)
				return err
			}, `SELECT `+eventColumns+` FROM events WHERE tenant = ? AND line > ? ORDER BY line LIMIT ?`, w.Tenant, w.After.Line, w.Limit); err != nil {
				return err
			}
		}
		return nil
	})
	return pages, err
}

// EventPosition looks an event up.
func (s *Store) EventPosition(ctx context.Context, tenant string, id numberdb.ID) (p numberdb.EventPosition, err error) {
	err = s.read(ctx, "finding an event", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT line FROM events WHERE id = ? AND tenant = ? ORDER BY line LIMIT 1`, int64(id), tenant).Scan(&p.Line)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return p, numberdb.ErrNoEvent
	}
	return p, err
}

const endOfEvents = `(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events')`

// EndOfEvents is the last line that there ever was.
func (s *Store) EndOfEvents(ctx context.Context) (p numberdb.EventPosition, err error) {
	err = s.read(ctx, "finding the end of events", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT `+endOfEvents).Scan(&p.Line)
	})
	return p, err
}

// eventPurging is where PurgeEvents goes on.
type eventPurging struct {
	mu       sync.Mutex // held by the one that runs
	log      bool       // of deliveries: the events are done
	line     int64
	endpoint int64
}

const purgeEventRows = 2_000

// PurgeEvents goes on with the events, then with the logs.
func (s *Store) PurgeEvents(ctx context.Context, before time.Time) (deleted int, round bool, err error) {
	if err := s.calls.begin(); err != nil {
		return 0, false, err
	}
	defer s.calls.done()
	p := &s.eventPurging
	if !p.mu.TryLock() {
		return 0, true, nil
	}
	defer p.mu.Unlock()
	purge := s.purgeEvents
	if p.log {
		purge = s.purgeLog
	}
	if deleted, round, err = purge(ctx, before); err != nil {
		return 0, false, fmt.Errorf("purging events: %w", err)
	}
	return deleted, round, nil
}

func (s *Store) purgeEvents(ctx context.Context, before time.Time) (deleted int, _ bool, err error) {
	p := &s.eventPurging
	var looked, last int64
	if err := s.snapshot(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*), coalesce(max(line), 0) FROM (SELECT line FROM events WHERE line > ? AND at < ? ORDER BY line LIMIT ?)`,
			p.line, before.UnixMicro(), purgeEventRows).Scan(&looked, &last)
	}); err != nil {
		return 0, false, err
	}
	if looked > 0 {
		// A session's last line tells its next one the sequence.
		deleted, err = s.execute(ctx, `DELETE FROM events WHERE line > ?1 AND line <= ?2 AND at < ?3 AND (session = 0
			OR EXISTS (SELECT 1 FROM events n WHERE n.session = events.session AND n.session <> 0 AND n.sequence > events.sequence)
			OR NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = events.session))`, p.line, last, before.UnixMicro())
		if err != nil {
			return 0, false, err
		}
	}
	if p.line = last; looked < purgeEventRows {
		p.log, p.line = true, 0
	}
	return deleted, false, nil
}

// purgeLog looks at one endpoint.
func (s *Store) purgeLog(ctx context.Context, before time.Time) (deleted int, round bool, err error) {
	p := &s.eventPurging
	var last int64
	var none bool
	if err := s.snapshot(ctx, func(tx *sql.Tx) error {
		none, err = missing(tx.QueryRowContext(ctx, `SELECT id FROM webhook_endpoints WHERE id > ? ORDER BY id LIMIT 1`, p.endpoint).Scan(&p.endpoint))
		if err != nil || none {
			return err
		}
		_, err = missing(tx.QueryRowContext(ctx, `SELECT event FROM webhook_deliveries WHERE endpoint = ? ORDER BY event DESC LIMIT 1 OFFSET ?`,
			p.endpoint, numberdb.KeptDeliveries).Scan(&last))
		return err
	}); err != nil {
		return 0, false, err
	}
	if none {
		p.log, p.endpoint = false, 0
		return 0, true, nil
	}
	deleted, err = s.execute(ctx, `DELETE FROM webhook_deliveries WHERE endpoint = ? AND event <= ? AND state <> 0`,
		p.endpoint, max(last, int64(numberdb.IDAt(before))))
	return deleted, false, err
}

func (s *Store) execute(ctx context.Context, text string, args ...any) (deleted int, err error) {
	err = s.transaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(quietly(ctx), text, args...)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		deleted = int(rows)
		return err
	})
	return deleted, err
}

// ExpiredSessions looks through all sessions.
func (s *Store) ExpiredSessions(ctx context.Context, now time.Time, after numberdb.ID, limit int) (found []numberdb.ID, err error) {
	err = s.read(ctx, "looking for sessions that have expired", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			found = append(found, numberdb.ID(id))
			return err
		}, `SELECT id FROM sessions WHERE id > ? AND ended = 0 AND expires <= ? AND expires >= (SELECT expired FROM events_told) ORDER BY id LIMIT ?`,
			int64(after), now.UnixMicro(), limit)
	})
	return found, err
}

// ToldExpiries never goes back.
func (s *Store) ToldExpiries(ctx context.Context, until time.Time) error {
	return s.change(ctx, "noting what was told", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE events_told SET expired = ?1 WHERE expired < ?1`, until.UnixMicro())
		return err
	})
}
