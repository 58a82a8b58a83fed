package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"maskline/numberdb"
)

// Config of the store.
type Config struct {
	// URL of the database, postgres://USER:PASSWORD@HOST/DATABASE?…, with the
	// parameters of libpq. It must lead to the server itself and not through a
	// pooler in transaction mode.
	URL string
	// Keys wraps the data key that the database keeps. Required.
	Keys numberdb.KeyWrapper
	// ManualMigrations leaves the schema alone: one that is older than this
	// version needs is refused with numberdb.ErrSchemaOld. Default false: the
	// schema is created and upgraded when the store is first used.
	ManualMigrations bool
	// Connections bounds the pool, from 2; each Follow has one more. Default 4;
	// 0 is the default.
	Connections int
	// Query bounds each statement and each poll. Default 10s; 0 is the default.
	Query time.Duration
	// Load bounds the reading of the whole table. Default 10m; 0 is the default.
	Load time.Duration
	// Poll is the pause between two looks at the changelog. Default 100ms; 0 is
	// the default.
	Poll time.Duration
	// Watch is the pause between two looks at what a replication stream does not
	// tell. Default 5s; 0 is the default.
	Watch time.Duration
	// Sync says how changes reach the table. Default Auto.
	Sync Sync
	// Slot names a replication slot that outlives the connection, so that a feed
	// goes on where it ended. Each edge needs one of its own. Default empty: a
	// temporary slot for each feed.
	Slot string
	// Keep is how long changelog rows stay. Default 10m; 0 is the default.
	Keep time.Duration
	// Now is the clock by which a binding is over, so that another may take its
	// place; nil is time.Now.
	Now func() time.Time
}

// ErrURL says that Config.URL cannot be understood. It does not say why, since
// the reason might quote the password.
var ErrURL = errors.New("the database url is not of the form postgres://USER:PASSWORD@HOST/DATABASE")

// Store is numberdb.Store over a Postgres database.
type Store struct {
	cfg      Config
	pool     *pgxpool.Pool
	prepared chan struct{} // one token, held while the schema is prepared
	isReady  atomic.Bool
	vault    *numberdb.Vault // from when it is ready

	mu      sync.Mutex
	closed  bool
	calls   sync.WaitGroup
	ending  context.Context // ended by Close
	end     context.CancelFunc
	written numberdb.Position          // the newest position that Apply returned
	wakes   map[chan struct{}]struct{} // one for each Follow

	own          own
	lookups      lookups
	anyhow       atomic.Int64 // groups whose claims may take the places of what is over
	purging      purging
	eventPurging eventPurging
	source       source // what positions are of
	era          numberdb.Position
	resume       resumable
	retry        time.Duration // of the last feed by the changelog, 0: it was none
}

var _ numberdb.Store = (*Store)(nil)

// Open makes the store. It does not connect: an edge starts with its database
// away, and Load, Apply and Prepare report what they meet.
func Open(cfg Config) (*Store, error) {
	if cfg.Keys == nil {
		return nil, numberdb.ErrNoKey
	}
	cfg.Query = cmp.Or(cfg.Query, 10*time.Second)
	cfg.Load = cmp.Or(cfg.Load, 10*time.Minute)
	cfg.Poll = cmp.Or(cfg.Poll, 100*time.Millisecond)
	cfg.Keep = cmp.Or(cfg.Keep, 10*time.Minute)
	cfg.Watch = cmp.Or(cfg.Watch, 5*time.Second)
	cfg.Connections = max(2, cmp.Or(cfg.Connections, 4))
	pool, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, ErrURL // err may quote the password
	}
	pool.MaxConns = int32(cfg.Connections)
	pool.ConnConfig.ConnectTimeout = cfg.Query
	for name, value := range map[string]string{
		"application_name": "maskline",
		// The server gives up by itself where this end has vanished. An open
		// transaction would hold back everybody's feed.
		"statement_timeout":                   milliseconds(cfg.Query),
		"lock_timeout":                        milliseconds(cfg.Query),
		"idle_in_transaction_session_timeout": milliseconds(2 * cfg.Query),
	} {
		if _, set := pool.ConnConfig.RuntimeParams[name]; !set {
			pool.ConnConfig.RuntimeParams[name] = value
		}
	}
	s := &Store{cfg: cfg, prepared: make(chan struct{}, 1), wakes: map[chan struct{}]struct{}{}}
	s.source.kind = numberdb.Logical
	if cfg.Sync == Changelog {
		s.source.kind = numberdb.Changelog
	}
	s.prepared <- struct{}{}
	s.ending, s.end = context.WithCancel(context.Background())
	// The pool connects when it is used.
	if s.pool, err = pgxpool.NewWithConfig(context.Background(), pool); err != nil {
		return nil, ErrURL
	}
	return s, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Prepare creates, upgrades or checks the schema and opens the data key, once;
// numberdb.ErrAnotherKey where Keys cannot unwrap it. Load, Apply and Follow
// do it too; a start that wants to fail early calls it first.
func (s *Store) Prepare(ctx context.Context) error {
	_, done, err := s.ready(ctx)
	if err == nil {
		done()
	}
	return err
}

func (s *Store) prepare(ctx context.Context) error {
	if s.isReady.Load() {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.prepared:
	}
	defer func() { s.prepared <- struct{}{} }()
	if s.isReady.Load() {
		return nil
	}
	var err error
	if s.cfg.ManualMigrations {
		err = s.checkSchema(ctx)
	} else {
		err = migrate(ctx, s.pool.Config().ConnConfig, s.cfg.Keys)
	}
	if err == nil {
		s.vault, err = s.openVault(ctx)
	}
	s.isReady.Store(err == nil)
	return err
}

// Migrate creates or upgrades the schema in the database, and makes the
// publication if the role may.
func Migrate(ctx context.Context, cfg Config) error {
	cfg.ManualMigrations = false
	s, err := Open(cfg) //nolint:contextcheck // it connects nothing
	if err != nil {
		return err
	}
	err = s.Prepare(ctx)
	if err == nil {
		err = s.makePublication(ctx)
	}
	return errors.Join(err, s.Close())
}

// count counts a call, until calls.Done.
func (s *Store) count() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return numberdb.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

// begin counts a call; its context also ends when the store is closed.
func (s *Store) begin(ctx context.Context) (context.Context, func(), error) {
	if err := s.count(); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(s.ending, func() { cancel(numberdb.ErrClosed) })
	return ctx, func() {
		unlink()
		cancel(nil)
		s.calls.Done()
	}, nil
}

// ready is begin for a call that needs the schema.
func (s *Store) ready(ctx context.Context) (_ context.Context, done func(), err error) {
	if ctx, done, err = s.begin(ctx); err != nil {
		return nil, nil, err
	}
	if err = s.prepare(ctx); err != nil {
		done()
		return nil, nil, err
	}
	return ctx, done, nil
}

// explain names the cause of a context's end; all other errors are cleared of
// what they may quote.
func explain(ctx context.Context, doing string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%s: %w", doing, clean(err))
}

// Close ends Follow and all else under way and closes the connections.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.calls.Wait()
	s.pool.Close()
	return nil
}

// rollback ends a transaction that failed, with a deadline of its own; a
// connection that is lost rolls back by itself.
func (s *Store) rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Query)
	defer cancel()
	_ = tx.Rollback(ctx) // what made it necessary is reported
}
