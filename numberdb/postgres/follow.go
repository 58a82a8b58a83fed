package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"maskline/numberdb"
)

const (
	batchRows = 1024                 // changes told at once
	soon      = 2 * time.Millisecond // first pause while an own write is not yet told
)

// pollText reads, in one statement and so in one snapshot, how far the feed
// reaches and all keys changed since $1 with their current rows. The lateral
// subqueries make it an index lookup for each key, whatever the planner thinks
// of the sizes. Its first row is there even where nothing changed.
const pollText = `SELECT h.upto, h.trimmed, h.delay, c.xid IS NOT NULL, b.mask IS NOT NULL, c.mask, c.party, b.*
	FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS upto, f.trimmed,
			(SELECT extract(epoch FROM clock_timestamp() - w.at)::float8 FROM maskline.changelog w
			WHERE w.xid >= pg_snapshot_xmin(pg_current_snapshot()) ORDER BY w.xid LIMIT 1) AS delay
		FROM maskline.feed f) h
	LEFT JOIN LATERAL (SELECT w.xid, k.mask, k.party FROM maskline.changelog w, LATERAL (
			SELECT w.mask, w.party WHERE w.masks IS NULL UNION ALL SELECT * FROM unnest(w.masks, w.parties)) k
		WHERE w.xid >= $1 AND w.xid < h.upto ORDER BY w.xid OFFSET 0) c ON true
	LEFT JOIN LATERAL (SELECT ` + columns + ` FROM maskline.bindings w WHERE w.mask = c.mask AND w.party = c.party OFFSET 0) b ON true`

// pollColumns come before those of the row.
const pollColumns = 7

// Follow polls the changelog on a connection of its own.
func (s *Store) Follow(ctx context.Context, from numberdb.Position, apply func(numberdb.Batch)) error {
	ctx, done, err := s.ready(ctx)
	if err != nil {
		return err
	}
	defer done()
	err = s.follow(ctx, from, apply)
	return explain(ctx, "following the changelog", err)
}

func (s *Store) follow(ctx context.Context, from numberdb.Position, apply func(numberdb.Batch)) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		bye, cancel := s.deadline(context.WithoutCancel(ctx))
		defer cancel()
		_ = conn.Close(bye) // nothing is left in it
	}()
	wake := s.addFollower()
	defer s.removeFollower(wake)
	f := follower{store: s, conn: conn, position: from, apply: apply}
	pause := time.NewTimer(0)
	defer pause.Stop()
	nextTrim := time.Now().Add(s.cfg.Keep / 10)
	quick := soon
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
			quick = soon
		case <-pause.C:
		}
		if err := f.poll(ctx); err != nil {
			return err
		}
		if now := time.Now(); now.After(nextTrim) {
			nextTrim = now.Add(s.cfg.Keep / 10)
			if err := f.trim(ctx); err != nil {
				return err
			}
		}
		wait := s.cfg.Poll
		if s.now(f.position) < s.lastWritten() && quick < wait {
			wait, quick = quick, 2*quick
		}
		pause.Reset(wait)
	}
}

// connect makes the connection of one Follow. Its planner may use indices only:
// the polls are many and small.
func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := s.deadline(ctx)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off`); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// follower is one Follow.
type follower struct {
	store    *Store
	conn     *pgx.Conn
	position numberdb.Position // transactions below it were told
	apply    func(numberdb.Batch)
	changes  []numberdb.Change
}

// poll tells what can be told since the last one.
func (f *follower) poll(ctx context.Context) error {
	ctx, cancel := f.store.deadline(ctx)
	defer cancel()
	rows, err := f.conn.Query(ctx, pollText, pgx.QueryExecModeCacheStatement, binaryForm(), uint64(f.position))
	if err != nil {
		return err
	}
	defer rows.Close()
	var upto, trimmed uint64
	var delay pgtype.Float8
	var changed, present bool
	targets := make([]any, pollColumns+columnCount) // nil: read from its binary form
	copy(targets, []any{&upto, &trimmed, &delay, &changed, &present})
	opener := f.store.vault.Opener()
	var stored numberdb.Stored
	batch := numberdb.Batch{Position: f.position}
	told := false
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		told = true
		values := rows.RawValues()[pollColumns-2:]
		if numberdb.Position(trimmed) >= f.position || changed && values[0] == nil {
			return numberdb.ErrFeedLost // trimmed, or the table was truncated
		}
		if !changed {
			continue
		}
		change := numberdb.Change{Deleted: true}
		if present {
			if err := readRow(values[2:], opener, &stored); err != nil {
				return err
			}
			change.Binding, err = opener.Open(&stored)
			change.Deleted = err != nil
		}
		if change.Deleted {
			if change.Binding, err = deletedKey(values, opener); err != nil {
				batch.Refused++
				continue
			}
			if present {
				batch.Refused++
			}
		}
		f.changes = append(f.changes, change)
		if len(f.changes) == batchRows {
			f.tell(&batch)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	// A table without its one row, or a counter that went back: another
	// cluster stands behind the address.
	if !told || numberdb.Position(upto) < f.position {
		return numberdb.ErrFeedLost
	}
	f.position = numberdb.Position(upto)
	batch.Position, batch.Delay = f.position, seconds(delay)
	f.tell(&batch)
	return nil
}

// deletedKey is a binding of nothing but its key.
func deletedKey(values [][]byte, opener *numberdb.Opener) (numberdb.Binding, error) {
	mask, party, err := readKey(values)
	if err != nil {
		return numberdb.Binding{}, err
	}
	key, err := opener.Key(mask, &party)
	return numberdb.Binding{Mask: key.Mask, Party: key.Party}, err
}

func (f *follower) tell(batch *numberdb.Batch) {
	batch.Changes = f.changes
	f.apply(*batch)
	f.changes = f.changes[:0]
	batch.Refused = 0
}

// wrote wakes the followers of this store for a commit of its own.
func (s *Store) wrote(position numberdb.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if position != never {
		s.written = max(s.written, position)
	}
	s.wake()
}

// wake is called with mu held.
func (s *Store) wake() {
	for wake := range s.wakes {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// wroteBy is wrote for a transaction that the stream tells, and returns its position.
func (s *Store) wroteBy(xid uint64, era, position numberdb.Position) numberdb.Position {
	exact, known := s.own.committed(uint32(xid), era, position)
	if !known {
		s.wrote(position)
		return position
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake()
	return exact
}

func (s *Store) lastWritten() numberdb.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

func (s *Store) addFollower() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	wake := make(chan struct{}, 1)
	s.wakes[wake] = struct{}{}
	return wake
}

func (s *Store) removeFollower(wake chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.wakes, wake)
}
