package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"maskline/numberdb"
)

// Config of the embedded store.
type Config struct {
	// Dir is the data directory; it is made where it is missing. Empty: the
	// bindings live in memory and end with the store.
	Dir string
	// ManualMigrations leaves the schema alone: a database that is older than
	// this version needs is refused with numberdb.ErrSchemaOld. Default false:
	// Open creates and upgrades the schema.
	ManualMigrations bool
	// Now is the clock of updated_at; nil is time.Now.
	Now func() time.Time
}

// Store is numberdb.Store over one SQLite file.
type Store struct {
	now    func() time.Time
	lock   *fileLock // nil in memory
	writer *sql.DB   // one connection
	reader *sql.DB   // the writer itself in memory

	write  sync.Mutex // commits and publishes in one order
	upsert *sql.Stmt
	remove *sql.Stmt
	feed   *feed
	calls  calls
}

var _ numberdb.Store = (*Store)(nil)

// calls counts the calls under way, so that Close can wait for them.
type calls struct {
	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

func (c *calls) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return numberdb.ErrClosed
	}
	c.group.Add(1)
	return nil
}

func (c *calls) done() { c.group.Done() }

// close refuses new calls; it reports whether it did so before.
func (c *calls) close() (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	again, c.closed = c.closed, true
	return again
}

// Open opens the store, creating what is missing. It returns
// numberdb.ErrInUse where another process has it open.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{now: cfg.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the embedded store: %w", err), s.release())
	}
	return s, nil
}

// Migrate creates or upgrades the schema of the store in dir.
func Migrate(ctx context.Context, dir string) error {
	s, err := Open(ctx, Config{Dir: dir})
	if err != nil {
		return err
	}
	return s.Close()
}

func (s *Store) open(ctx context.Context, cfg Config) (err error) {
	if cfg.Dir == "" {
		s.writer, err = openMemory()
		s.reader = s.writer
	} else {
		err = s.openFile(ctx, cfg.Dir)
	}
	if err != nil {
		return err
	}
	if err := migrate(ctx, s.writer, cfg.ManualMigrations); err != nil {
		return err
	}
	return s.prepare(ctx)
}

const (
	upsertText = `INSERT INTO bindings
		(mask, party, to_kind, to_value, present, services, carriers, expires_at, tenant, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (mask, party) DO UPDATE SET
		to_kind = excluded.to_kind, to_value = excluded.to_value, present = excluded.present,
		services = excluded.services, carriers = excluded.carriers, expires_at = excluded.expires_at,
		tenant = excluded.tenant, updated_at = excluded.updated_at`
	removeText = `DELETE FROM bindings WHERE mask = ? AND party = ?`
)

func (s *Store) prepare(ctx context.Context) (err error) {
	if s.upsert, err = s.writer.PrepareContext(ctx, upsertText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if s.remove, err = s.writer.PrepareContext(ctx, removeText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	var position int64
	if err := s.writer.QueryRowContext(ctx, `SELECT position FROM feed`).Scan(&position); err != nil {
		return fmt.Errorf("reading the position: %w", err)
	}
	s.feed = newFeed(numberdb.Position(position))
	return nil
}

// Load reads one snapshot.
func (s *Store) Load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	if err := s.calls.begin(); err != nil {
		return numberdb.Snapshot{}, err
	}
	defer s.calls.done()
	doubts := s.feed.doubtCount()
	snapshot, err := s.load(ctx, put)
	if err != nil {
		return numberdb.Snapshot{}, fmt.Errorf("loading bindings: %w", err)
	}
	s.feed.settle(snapshot.Position, doubts)
	return snapshot, nil
}

func (s *Store) load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	var snapshot numberdb.Snapshot
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return snapshot, err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	// The first read takes the snapshot for both.
	var position int64
	if err := tx.QueryRowContext(ctx, `SELECT position FROM feed`).Scan(&position); err != nil {
		return snapshot, err
	}
	snapshot.Position = numberdb.Position(position)
	rows, err := tx.QueryContext(ctx, `SELECT mask, party, to_kind, to_value, present, services, carriers, expires_at, tenant FROM bindings`)
	if err != nil {
		return snapshot, err
	}
	defer func() { _ = rows.Close() }() // rows.Err is what counts
	var row numberdb.Row
	var carriers string
	var expires sql.NullInt64
	for rows.Next() {
		if err := rows.Scan(&row.Mask, &row.Party, &row.ToKind, &row.ToValue, &row.Present, &row.Services,
			&carriers, &expires, &row.Tenant); err != nil {
			return snapshot, err
		}
		row.Carriers, row.Expires = nil, time.Time{}
		if carriers != "" {
			row.Carriers = strings.Split(carriers, "|")
		}
		if expires.Valid {
			row.Expires = time.UnixMicro(expires.Int64)
		}
		b, err := row.Binding()
		if err != nil {
			snapshot.Refused++
			continue
		}
		put(b)
	}
	return snapshot, rows.Err()
}

// Follow tells the commits of this process, which are all there are.
func (s *Store) Follow(ctx context.Context, from numberdb.Position, apply func(numberdb.Batch)) error {
	if err := s.calls.begin(); err != nil {
		return err
	}
	defer s.calls.done()
	return s.feed.follow(ctx, from, apply)
}

// Apply commits the changes.
func (s *Store) Apply(ctx context.Context, changes []numberdb.Change) (numberdb.Position, error) {
	if err := s.calls.begin(); err != nil {
		return 0, err
	}
	defer s.calls.done()
	if err := numberdb.CheckChanges(changes); err != nil {
		return 0, err
	}
	// The feed keeps them after the caller has gone on.
	kept := append([]numberdb.Change(nil), changes...)
	for i := range kept {
		b := &kept[i].Binding
		b.Mask, b.Party = b.Mask.Canonical(), b.Party.Canonical()
	}
	s.write.Lock()
	defer s.write.Unlock()
	position, err := s.commit(ctx, kept)
	if errors.Is(err, numberdb.ErrOutcomeUnknown) {
		s.feed.lose()
	}
	if err != nil {
		return 0, fmt.Errorf("storing bindings: %w", err)
	}
	s.feed.publish(position, kept)
	return position, nil
}

func (s *Store) commit(ctx context.Context, changes []numberdb.Change) (numberdb.Position, error) {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	position, err := s.writeAll(ctx, tx, changes)
	if err != nil {
		err = errors.Join(err, ignoreDone(tx.Rollback()))
	} else if err = tx.Commit(); err != nil && !rolledBack(err) {
		return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, err)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return position, err
}

// rolledBack tells a commit that database/sql did not begin, since the context
// had ended, from one that the disk refused.
func rolledBack(err error) bool {
	return errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

const everyRows = 256 // between looks at the context

func (s *Store) writeAll(ctx context.Context, tx *sql.Tx, changes []numberdb.Change) (numberdb.Position, error) {
	// A context that can end costs the driver a goroutine for each statement.
	quiet := context.WithoutCancel(ctx)
	write := rowWriter{ // its statements are closed with the transaction
		upsert: tx.StmtContext(quiet, s.upsert),
		remove: tx.StmtContext(quiet, s.remove),
		now:    s.now().UnixMicro(),
	}
	for i := range changes {
		err := write.change(quiet, &changes[i])
		if err == nil && i%everyRows == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return 0, fmt.Errorf("change %d of %d: %w", i+1, len(changes), err)
		}
	}
	var position int64
	err := tx.QueryRowContext(ctx, `UPDATE feed SET position = position + 1 RETURNING position`).Scan(&position)
	return numberdb.Position(position), err
}

type rowWriter struct {
	upsert, remove *sql.Stmt
	now            int64 // microseconds
}

func (w *rowWriter) change(ctx context.Context, c *numberdb.Change) error {
	row := c.Binding.Row()
	if c.Deleted {
		_, err := w.remove.ExecContext(ctx, row.Mask, row.Party)
		return err
	}
	var expires sql.NullInt64
	if !row.Expires.IsZero() {
		expires = sql.NullInt64{Int64: row.Expires.UnixMicro(), Valid: true}
	}
	_, err := w.upsert.ExecContext(ctx, row.Mask, row.Party, row.ToKind, row.ToValue, row.Present, row.Services,
		strings.Join(row.Carriers, "|"), expires, row.Tenant, w.now)
	return err
}

// ignoreDone: a transaction whose context ended is rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Close ends Follow, waits for calls under way and closes the file.
func (s *Store) Close() error {
	if s.calls.close() {
		return nil
	}
	s.feed.close()
	s.calls.group.Wait()
	return s.release()
}

func (s *Store) release() error {
	var err error
	for _, stmt := range []*sql.Stmt{s.upsert, s.remove} {
		if stmt != nil {
			err = errors.Join(err, stmt.Close())
		}
	}
	if s.reader != nil && s.reader != s.writer {
		err = errors.Join(err, s.reader.Close())
	}
	if s.writer != nil {
		err = errors.Join(err, s.writer.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.release())
	}
	return err
}
