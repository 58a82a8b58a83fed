package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"maskline/numberdb"
)

// over is true of a binding b that may be deleted or replaced at the first
// parameter, as numberdb.Binding.Over says; the second is that less
// numberdb.KeepByHand.
const over = `(b.expires <> 0 AND b.expires <= %[1]s AND CASE WHEN b.keep <> 0 THEN b.keep <= %[1]s
	WHEN b.session = 0 THEN b.expires <= %[2]s ELSE true END)`

var (
	// claimFree costs the server less than claim, which also takes the place of what
	// is over.
	claimFree = `INSERT INTO maskline.bindings AS b (` + columns + `) SELECT * FROM unnest($1::maskline.claim[])`
	claim     = `WITH written AS (` + claimFree + `
			ON CONFLICT (mask, party) DO UPDATE SET
			sealed = excluded.sealed, present = excluded.present, second = excluded.second, services = excluded.services,
			carriers = excluded.carriers, expires = excluded.expires, tenant = excluded.tenant, session = excluded.session,
			counted = excluded.counted, keep = excluded.keep, digest = excluded.digest
			WHERE ` + fmt.Sprintf(over, "$2", "$3") + ` RETURNING 1)
		SELECT maskline.all_written((SELECT count(*) FROM written), cardinality($1), '` + bindingTaken + `')`
	taken = `SELECT b.mask, b.party FROM maskline.bindings b JOIN unnest($1::bigint[], $2::bytea[]) AS r(mask, party)
		ON b.mask = r.mask AND b.party = r.party WHERE NOT ` + fmt.Sprintf(over, "$3::bigint", "$4::bigint") + `
		AND NOT EXISTS (SELECT FROM unnest($5::bigint[], $6::bytea[], $7::bigint[]) AS r(mask, party, session)
			WHERE b.mask = r.mask AND b.party = r.party AND b.session = r.session AND b.expires <> 0 AND b.expires <= $3)`
)

// claimAndSession is claimFree and sessionNew in one statement: it saves the server the
// beginning and the end of another one. It tells the transaction. Groups that are
// audited or told to tenants have more statements, and are not joined.
const claimAndSession = `WITH claimed AS (INSERT INTO maskline.bindings (` + columns + `) SELECT * FROM unnest($1::maskline.claim[])),
	made AS (INSERT INTO maskline.sessions (` + sessionColumns + `, party1, party2) SELECT * FROM unnest($2::maskline.session[]))
	` + whichTransaction

const whichTransaction = `SELECT pg_current_xact_id()`

const (
	attempt = `WITH written AS (INSERT INTO maskline.attempts AS a (key, tenant, request, response, until)
			SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[])
			ON CONFLICT (key) DO UPDATE SET request = excluded.request, response = excluded.response, until = excluded.until
			WHERE a.until <= $6 RETURNING 1)
		SELECT maskline.all_written((SELECT count(*) FROM written), cardinality($1), '` + attemptTaken + `')`
	replaced = `DELETE FROM maskline.bindings WHERE ctid = ANY (ARRAY(
		SELECT b.ctid FROM maskline.bindings b JOIN unnest($1::bigint[], $2::bytea[], $3::bigint[]) AS r(mask, party, session)
		ON b.mask = r.mask AND b.party = r.party AND b.session = r.session WHERE b.expires <> 0 AND b.expires <= $4::bigint
		ORDER BY b.mask, b.party FOR UPDATE OF b))`
	attempted = `SELECT key FROM maskline.attempts WHERE key = ANY ($1::bytea[]) AND until > $2`
	// A session's participants may become more; tags of those that left find it
	// until it is deleted, and are compared.
	sessionNew = `INSERT INTO maskline.sessions (` + sessionColumns + `, party1, party2) SELECT * FROM unnest($1::maskline.session[])`
	// sessionOwn leaves a session that is there: it is the same, which the group has
	// written before, or another one of that ID, which unchanged tells then.
	sessionOwn = sessionNew + ` ON CONFLICT (id) DO NOTHING`
	session    = sessionNew + `
		ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, pool = excluded.pool, shape = excluded.shape,
		services = excluded.services, created = excluded.created, expires = excluded.expires, idle_ttl = excluded.idle_ttl,
		max_uses = excluded.max_uses, keep = excluded.keep, ended = excluded.ended, sealed = excluded.sealed,
		party1 = excluded.party1, party2 = excluded.party2`
	// unchanged locks the sessions that are to be as they were read, by their version:
	// octets 2 to 9 of what is sealed.
	unchanged = `SELECT maskline.all_written((SELECT count(*) FROM (SELECT 1 FROM maskline.sessions s
			JOIN unnest($1::bigint[], $2::bytea[]) AS r(id, version) ON s.id = r.id AND substr(s.sealed, 2, 8) = r.version
			ORDER BY s.id FOR UPDATE OF s) AS found), cardinality($1), '` + sessionChanged + `')`
	otherSessions = `SELECT r.id FROM unnest($1::bigint[], $2::bytea[]) AS r(id, version) WHERE EXISTS
		(SELECT FROM maskline.sessions s WHERE s.id = r.id AND substr(s.sealed, 2, 8) <> r.version)`
	changedSessions = `SELECT r.id FROM unnest($1::bigint[], $2::bytea[]) AS r(id, version) WHERE NOT EXISTS
		(SELECT FROM maskline.sessions s WHERE s.id = r.id AND substr(s.sealed, 2, 8) = r.version)`
	sessionColumns = `id, tenant, pool, shape, services, created, expires, idle_ttl, max_uses, keep, ended, sealed`
	further        = `INSERT INTO maskline.session_parties (party, session) SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING`
	goneParties    = `DELETE FROM maskline.session_parties WHERE session = ANY ($1::bigint[])`
	goneSessions   = `DELETE FROM maskline.sessions WHERE id IN
		(SELECT id FROM maskline.sessions WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE)`
)

// Parallel is how many commits at a time are faster than one: while one waits for
// the disk, the other is computed.
func (s *Store) Parallel() int { return min(2, s.cfg.Connections-1) }

// Commit makes the writes durable in one round trip: all statements are sent at
// once, and the server commits after the last or nothing.
func (s *Store) Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	if err := w.Check(); err != nil {
		return 0, err
	}
	if err := s.prepare(ctx); err != nil {
		return 0, err
	}
	g := s.group(w)
	for try := 1; ; try++ {
		position, err := s.send(ctx, g)
		if err == nil {
			return position, nil
		}
		again, err := s.judge(ctx, g, err)
		if again && try < tries {
			continue
		}
		if errors.Is(err, numberdb.ErrOutcomeUnknown) {
			return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, explain(ctx, "committing", err))
		}
		return 0, explain(ctx, "committing", err)
	}
}

// send sends the group, its end and the question for its position, and reads the
// answers. Once it is sent it is not left for a caller that gives up.
func (s *Store) send(ctx context.Context, g *group) (position numberdb.Position, err error) {
	conn, err := s.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Query*time.Duration(1+len(g.steps)))
	defer cancel()
	types, err := rowTypes(limited, conn.Conn())
	if err != nil {
		return 0, err // nothing was written
	}
	steps := g.sent()
	batch := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(steps)+3)}
	batch.Queue(`BEGIN`)
	for i := range steps {
		args := slices.Clone(steps[i].args)
		for k := range args {
			if rows, are := args[k].(*rowArray); are {
				args[k] = rows.binary(types[rows.of])
			}
		}
		batch.Queue(steps[i].text, args...)
	}
	batch.Queue(`COMMIT`)
	batch.Queue(walEnd)
	from, era := s.feeding()
	results := conn.SendBatch(limited, batch)
	xid, err := read(results, steps)
	if err != nil {
		_ = results.Close() // the first fault is the cause
		s.abort(limited, conn)
		return 0, err
	}
	var end uint64
	err = errors.Join(results.QueryRow().Scan(&end), results.Close())
	switch again, now := s.feeding(); {
	case again != from || now != era, err != nil && again.kind == numberdb.Logical:
		position = s.committed(ctx, xid)
	case again.kind == numberdb.Changelog:
		position = era | numberdb.Position(xid+1)
	default:
		return s.wroteBy(xid, era, era|numberdb.Position(end)), nil
	}
	s.wrote(position)
	return position, nil
}

// read reads the answers up to that of COMMIT, and returns the transaction that
// it was, which the last step tells.
func read(results pgx.BatchResults, steps []step) (xid uint64, err error) {
	if _, err := results.Exec(); err != nil {
		return 0, uncertain(err)
	}
	for i := range steps {
		if i == len(steps)-1 {
			err = results.QueryRow().Scan(&xid)
		} else {
			_, err = results.Exec()
		}
		if err != nil {
			return 0, &stepError{steps[i].fault, uncertain(err)}
		}
	}
	if _, err = results.Exec(); err != nil {
		return 0, uncertain(err)
	}
	return xid, nil
}

// abort ends the transaction of a group that was refused, so that its connection
// can be used on; a connection that is lost does it by itself.
func (s *Store) abort(ctx context.Context, conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() == 'E' {
		_, _ = conn.Exec(ctx, `ROLLBACK`) // a connection that cannot is not used again
	}
}

// acquire is a connection for what must not be left half way: up to here nothing
// is sent, so a caller that gives up, or Close, need not wait for one.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	return s.pool.Acquire(ctx)
}

// stepError is what a statement met.
type stepError struct {
	fault func(*ServerError) error // what a refusal means; nil: itself
	err   error
}

func (e *stepError) Error() string { return e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// uncertain marks what may have been committed: all but refusals and what was
// not sent.
func uncertain(err error) error {
	if refused(err) || pgconn.SafeToRetry(err) {
		return err
	}
	return fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, err)
}

// judge says what the error of a group means and whether to send it again.
func (s *Store) judge(ctx context.Context, g *group, err error) (again bool, meaning error) {
	var server *ServerError
	if errors.As(clean(err), &server) {
		var step *stepError
		switch {
		case server.retry():
			return true, err
		case server.State == bindingTaken || server.State == attemptTaken || server.State == sessionChanged:
			return s.conflict(ctx, g)
		case server.State == uniqueViolation && g.hopes:
			again, meaning := s.conflict(ctx, g)
			if again { // what is over was in the way
				g.anyhow()
				s.anyhow.Store(hopeless)
			}
			return again, meaning
		case errors.As(err, &step) && step.fault != nil:
			if meaning := step.fault(server); meaning != nil {
				return false, meaning
			}
		}
		return false, err
	}
	var unreachable *pgconn.ConnectError
	return pgconn.SafeToRetry(err) && !errors.As(err, &unreachable) && ctx.Err() == nil, err
}

// conflict reads which keys are taken and which sessions have changed. None of
// them may be any more: then the group is sent again.
func (s *Store) conflict(ctx context.Context, g *group) (again bool, meaning error) {
	query, cancel := s.deadline(ctx)
	defer cancel()
	var c numberdb.Conflict
	if len(g.claims) > 0 {
		args := append(writeKeys(g.claims), g.now.UnixMicro(), g.now.Add(-numberdb.KeepByHand).UnixMicro())
		rows, err := s.pool.Query(query, taken, append(args, g.replaced...)...)
		if err != nil {
			return false, err
		}
		var mask int64
		var party []byte
		if _, err := pgx.ForEachRow(rows, []any{&mask, &party}, func() error {
			key, err := s.vault.Key(mask, numberdb.HiddenParty(party))
			c.Keys = append(c.Keys, key)
			return err
		}); err != nil {
			return false, err
		}
	}
	if len(g.attempts) > 0 {
		rows, err := s.pool.Query(query, attempted, g.attemptKeys(), g.now.UnixMicro())
		if err != nil {
			return false, err
		}
		var key []byte
		if _, err := pgx.ForEachRow(rows, []any{&key}, func() error {
			c.Attempts = append(c.Attempts, g.attemptNames[numberdb.HiddenKey(key)])
			return nil
		}); err != nil {
			return false, err
		}
	}
	for text, versions := range map[string][]any{changedSessions: g.unchanged, otherSessions: g.made} {
		if len(versions) == 0 {
			continue
		}
		rows, err := s.pool.Query(query, text, versions...)
		if err != nil {
			return false, err
		}
		var id int64
		if _, err := pgx.ForEachRow(rows, []any{&id}, func() error {
			c.Sessions = append(c.Sessions, numberdb.ID(id))
			return nil
		}); err != nil {
			return false, err
		}
	}
	if c.Empty() {
		return true, errVanished
	}
	return false, &c
}

var errVanished = errors.New("keys were taken and free again, time after time")
