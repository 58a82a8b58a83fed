package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"maskline/numberdb"
	"maskline/seal"
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
	// Keys wraps the data key that the file keeps. Required where there is a
	// Dir; in memory nil is a key of the moment.
	Keys numberdb.KeyWrapper
	// Now is the clock by which a binding is over, so that another may take its
	// place; nil is time.Now.
	Now func() time.Time
}

// Store is numberdb.Store over one SQLite file.
type Store struct {
	now    func() time.Time
	vault  *numberdb.Vault
	lock   *fileLock // nil in memory
	writer *sql.DB   // one connection
	reader *sql.DB   // the writer itself in memory

	turn   chan struct{} // one token, held from a commit to its publication: both are in one order
	upsert *sql.Stmt
	remove *sql.Stmt
	next   *sql.Stmt // position
	feed   *feed
	calls  calls

	registry registry
	purging  purging

	eventPurging eventPurging
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
// numberdb.ErrInUse where another process has it open, and
// numberdb.ErrAnotherKey where Keys cannot unwrap its data key.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Dir == "" && cfg.Keys == nil {
		cfg.Keys = seal.Generate().Wrapper()
	}
	s := &Store{now: cfg.Now, turn: make(chan struct{}, 1)}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the embedded store: %w", err), s.release())
	}
	return s, nil
}

// Migrate creates or upgrades the schema of the store.
func Migrate(ctx context.Context, cfg Config) error {
	cfg.ManualMigrations = false
	s, err := Open(ctx, cfg)
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
	if err := migrate(ctx, s.writer, &cfg); err != nil {
		return err
	}
	if s.vault, err = openVault(ctx, s.writer, cfg.Keys); err != nil {
		return err
	}
	return s.prepare(ctx)
}

func (s *Store) prepare(ctx context.Context) (err error) {
	if s.upsert, err = s.writer.PrepareContext(ctx, upsertText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if s.remove, err = s.writer.PrepareContext(ctx, removeText); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if s.next, err = s.writer.PrepareContext(ctx, `UPDATE feed SET position = position + 1 RETURNING position`); err != nil {
		return fmt.Errorf("preparing a statement: %w", err)
	}
	if err := s.registry.prepare(ctx, s.writer); err != nil {
		return err
	}
	var position int64
	if err := s.writer.QueryRowContext(ctx, `SELECT position FROM feed`).Scan(&position); err != nil {
		return fmt.Errorf("reading the position: %w", err)
	}
	s.feed = newFeed(numberdb.Position(position))
	return nil
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
	for _, stmt := range append(s.registry.statements(), s.upsert, s.remove, s.next) {
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
