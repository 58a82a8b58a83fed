package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"maskline/numberdb"
)

const (
	rangePages  = 2048 // of one COPY: 16 MB
	mostLoaders = 8    // connections
	putRows     = 512  // told at once
)

// loading is the copy of the whole table under one exported snapshot, by several
// connections. They divide the table by its pages: that is even whatever the
// keys are, and reads the disk in order.
type loading struct {
	store    *Store
	snapshot string
	pages    int64
	next     atomic.Int64 // page

	mu      sync.Mutex
	put     func(numberdb.Binding)
	refused int
}

// copyAll calls put with every binding of the snapshot and returns how many rows
// make none.
func (s *Store) copyAll(ctx context.Context, snapshot string, put func(numberdb.Binding)) (refused int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Load, errors.New("the load took too long"))
	defer cancel()
	l := &loading{store: s, snapshot: snapshot, put: put}
	var version int
	// Rows that the snapshot sees lie in pages that are there by now.
	if err := s.pool.QueryRow(ctx, `SELECT pg_relation_size('maskline.bindings') / current_setting('block_size')::int,
		current_setting('server_version_num')::int`).Scan(&l.pages, &version); err != nil {
		return 0, fmt.Errorf("measuring the table: %w", err)
	}
	loaders := int(min(int64(runtime.GOMAXPROCS(0)), mostLoaders, l.pages/rangePages+1))
	if version < 140000 {
		loaders, l.pages = 1, 0 // it reads the whole table for each range of pages
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var group sync.WaitGroup
	for range loaders {
		group.Go(func() {
			if err := l.run(ctx); err != nil {
				stop(err)
			}
		})
	}
	group.Wait()
	return l.refused, context.Cause(ctx)
}

// run copies ranges on a connection of its own until none is left.
func (l *loading) run(ctx context.Context) error {
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		bye, cancel := l.store.deadline(context.WithoutCancel(ctx))
		defer cancel()
		_ = conn.Close(bye) // nothing is left in it
		<-conn.CleanupDone()
	}()
	rows := &copiedRows{loading: l, opener: l.store.vault.Opener(), batch: make([]numberdb.Binding, 0, putRows)}
	for {
		first := l.next.Add(rangePages) - rangePages
		if first > 0 && first >= l.pages {
			return nil
		}
		if err := rows.copy(ctx, conn, first, first+rangePages >= l.pages); err != nil {
			return fmt.Errorf("copying bindings: %w", err)
		}
	}
}

func (l *loading) connect(ctx context.Context) (*pgconn.PgConn, error) {
	bounded, cancel := l.store.deadline(ctx)
	defer cancel()
	cfg := l.store.pool.Config().ConnConfig.Config.Copy()
	cfg.RuntimeParams["statement_timeout"] = milliseconds(l.store.cfg.Load)
	conn, err := pgconn.ConnectConfig(bounded, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	conn.Frontend().SetMaxBodyLen(longestFrame)
	if _, err := conn.Exec(bounded, `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT '`+
		l.snapshot+`'`).ReadAll(); err != nil {
		return nil, errors.Join(fmt.Errorf("taking the snapshot: %w", err), conn.Close(bounded))
	}
	return conn, nil
}

// copiedRows opens what one connection copies.
type copiedRows struct {
	loading *loading
	opener  *numberdb.Opener
	stored  numberdb.Stored
	batch   []numberdb.Binding
	refused int
}

// copy reads one range of pages.
func (r *copiedRows) copy(ctx context.Context, conn *pgconn.PgConn, first int64, last bool) error {
	query := `SELECT ` + columns + ` FROM maskline.bindings WHERE ctid >= '(` + strconv.FormatInt(first, 10) + `,0)'`
	if !last {
		query += ` AND ctid < '(` + strconv.FormatInt(first+rangePages, 10) + `,0)'`
	}
	reader := newCopyReader(r.row)
	if _, err := conn.CopyTo(ctx, reader, `COPY (`+query+`) TO STDOUT (FORMAT binary)`); err != nil {
		return err
	}
	r.tell()
	return reader.close()
}

func (r *copiedRows) row(values [][]byte) error {
	if err := readRow(values, r.opener, &r.stored); err != nil {
		return err
	}
	b, err := r.opener.Open(&r.stored)
	if err != nil {
		r.refused++
		return nil //nolint:nilerr // one row that does not open leaves the others
	}
	if r.batch = append(r.batch, b); len(r.batch) == cap(r.batch) {
		r.tell()
	}
	return nil
}

func (r *copiedRows) tell() {
	r.loading.mu.Lock()
	defer r.loading.mu.Unlock()
	for i := range r.batch {
		r.loading.put(r.batch[i])
	}
	r.loading.refused += r.refused
	r.batch, r.refused = r.batch[:0], 0
}
