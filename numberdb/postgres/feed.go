package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

// Sync says how changes reach the table in memory.
type Sync uint8

// The ways.
const (
	Auto      Sync = iota // logical replication where it is to be had, else the changelog
	Logical               // logical replication or nothing
	Changelog             // the changelog
)

// Positions are LSNs or transaction ids, with the era in front: it grows with
// each change between the two and with each other cluster or timeline, so that
// positions of one store always grow.
const (
	eraShift = 56
	rawMask  = 1<<eraShift - 1
	// never is reached by no feed but one of a later store.
	never numberdb.Position = math.MaxUint64
)

// Pauses until a feed by the changelog ends, to try logical replication again
// where what forbids it may have passed.
const (
	retryLogical     = time.Minute
	retryLogicalMost = 16 * time.Minute
)

// source is what positions are of.
type source struct {
	kind     numberdb.FeedKind
	cluster  string // the system's identifier, of logical replication
	timeline int32
}

// enter returns the era of a source, a new one where it is not the last feed's.
func (s *Store) enter(from source) (era numberdb.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != from {
		// The first source is what Apply took it for, if it is of that kind.
		if s.source.kind != from.kind || s.source.cluster != "" {
			s.era++
		}
		s.source = from
	}
	return s.era << eraShift
}

// now is a raw position in the era of now.
func (s *Store) now(raw numberdb.Position) numberdb.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.era<<eraShift | raw
}

// Feed opens logical replication or the changelog, as Config.Sync says and the
// server allows.
func (s *Store) Feed(ctx context.Context, held numberdb.Position) (numberdb.Feed, error) {
	ctx, done, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if s.cfg.Sync == Changelog {
		return s.changelog(nil), nil
	}
	feed, err := s.openLogical(ctx, held)
	if err == nil {
		s.mu.Lock()
		s.retry = 0
		s.mu.Unlock()
		return feed, nil
	}
	reason := unavailable(err)
	if ctx.Err() != nil || reason == nil || s.cfg.Sync == Logical {
		if reason != nil {
			err = reason
		}
		return nil, explain(ctx, "opening the change feed", err)
	}
	return s.changelog(reason), nil
}

// polled is the feed by the changelog.
type polled struct {
	store *Store
	info  numberdb.FeedInfo
	era   numberdb.Position // in front of every position
	from  numberdb.Position // without it
	until time.Duration     // then logical replication is tried again; 0: not
}

func (s *Store) changelog(reason *unavailableError) *polled {
	f := &polled{store: s, info: numberdb.FeedInfo{Kind: numberdb.Changelog}}
	f.era = s.enter(source{kind: numberdb.Changelog})
	if reason != nil {
		f.info.Reason = reason.reason
	}
	if reason != nil && reason.passes {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.retry = min(cmp.Or(2*s.retry, retryLogical), retryLogicalMost)
		f.until = s.retry
	}
	return f
}

func (f *polled) About() numberdb.FeedInfo { return f.info }

func (f *polled) Load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	snapshot, err := f.store.Load(ctx, put)
	f.from = snapshot.Position
	snapshot.Position |= f.era
	return snapshot, err
}

// errTryLogical ends a feed by the changelog.
var errTryLogical = fmt.Errorf("logical replication may be possible now: %w", numberdb.ErrFeedLost)

func (f *polled) Follow(ctx context.Context, apply func(numberdb.Batch)) error {
	tell := func(batch numberdb.Batch) {
		batch.Position |= f.era
		apply(batch)
	}
	if f.until == 0 {
		return f.store.Follow(ctx, f.from, tell)
	}
	bounded, cancel := context.WithTimeout(ctx, f.until)
	defer cancel()
	err := f.store.Follow(bounded, f.from, tell)
	if ctx.Err() == nil && errors.Is(bounded.Err(), context.DeadlineExceeded) {
		return errTryLogical
	}
	return err
}

func (f *polled) Close() error { return nil }

// committed is the position in the feed of a transaction that has just
// committed. A feed of a later era was loaded after the commit.
func (s *Store) committed(ctx context.Context, xid uint64) numberdb.Position {
	ctx, cancel := s.deadline(context.WithoutCancel(ctx))
	defer cancel()
	position, err := s.reachedBy(ctx, s.pool, xid+1)
	if err != nil {
		return never
	}
	return position
}

// asker is a connection, or some.
type asker interface {
	QueryRow(ctx context.Context, text string, args ...any) pgx.Row
}

// walEnd is the end of the WAL after a commit. Commits are flushed, unless the
// server was told not to wait for that.
const walEnd = `SELECT (CASE current_setting('synchronous_commit') WHEN 'off'
	THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END - '0/0')::bigint`

// feeding is what positions are of now, and the era in front of them.
func (s *Store) feeding() (from source, era numberdb.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source, s.era << eraShift
}

// reachedBy is the position at which a feed has told all transactions that have
// ended by now and are below xid.
func (s *Store) reachedBy(ctx context.Context, from asker, xid uint64) (numberdb.Position, error) {
	source, era := s.feeding()
	if source.kind == numberdb.Changelog {
		return era | numberdb.Position(xid), nil
	}
	var end uint64
	err := from.QueryRow(ctx, walEnd).Scan(&end)
	return era | numberdb.Position(end), err
}
