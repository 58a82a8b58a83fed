package numberdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// SyncConfig of a Syncer.
type SyncConfig struct {
	// MaxStale is the age of the last proof of life from the store beyond which
	// the table counts as stale: shown, while traffic goes on. Default 30s; 0
	// is the default.
	MaxStale time.Duration
	// BackoffMin and BackoffMax bound the pause between two loads after the
	// store or its feed was lost; it doubles from one to the other and is
	// jittered. Defaults 100ms and 5s; 0 is the default.
	BackoffMin, BackoffMax time.Duration
	// Wait bounds how long Apply waits, after the commit, for the table to hold
	// its changes. Default 5s; 0 is the default.
	Wait time.Duration
	// Compare is the pause, more or less a tenth, between comparisons of the
	// table with a store that is a Comparer. Default 0: never.
	Compare time.Duration
}

func (c SyncConfig) withDefaults() SyncConfig {
	if c.MaxStale == 0 {
		c.MaxStale = 30 * time.Second
	}
	if c.BackoffMin == 0 {
		c.BackoffMin = 100 * time.Millisecond
	}
	if c.BackoffMax == 0 {
		c.BackoffMax = 5 * time.Second
	}
	c.BackoffMax = max(c.BackoffMin, c.BackoffMax)
	c.Wait = cmp.Or(c.Wait, 5*time.Second)
	return c
}

// Syncer keeps a Table equal to a Store. It is the table's only writer.
type Syncer struct {
	store   Store
	table   *Table
	cfg     SyncConfig
	log     *zap.Logger
	metrics *syncMetrics

	observer Observer // nil: none

	started time.Time
	loaded  atomic.Bool
	up      atomic.Bool
	alive   atomic.Int64 // the last proof of life, nanoseconds since started
	delay   atomic.Int64 // Batch.Delay of the last batch
	info    atomic.Pointer[FeedInfo]
	slots   atomic.Pointer[Slots]
	held    Position      // where the next feed may go on, 0: by a load; Run's own
	took    time.Duration // the last load; Run's own

	// One token, held by who writes into the table what was read from the store
	// before: between the two nothing newer may be written. Only a repair holds it
	// for long, repairTime at most; that waits no longer either.
	applying chan struct{}
	again    chan struct{}

	mu       sync.Mutex
	position Position
	reached  map[Position]struct{} // above position, by themselves
	waiting  waiters
}

// Observer learns what the table learns, one call after the other, from whoever
// writes it. What it is given is valid during the call only; while it is called
// the table waits.
type Observer interface {
	Begin()             // a whole copy of the store follows
	Put(b *Binding)     // a binding of the copy
	End(ok bool)        // the copy is over; it is not whole unless ok
	Changed(c []Change) // what was committed since
}

// Observe sets the observer. It is called before Run.
func (s *Syncer) Observe(o Observer) { s.observer = o }

// Freshness is how well the table follows the store.
type Freshness struct {
	Loaded   bool          // the table holds a whole snapshot
	Up       bool          // the store is being followed
	Position Position      // applied last
	Lag      time.Duration // since the last proof of life, plus what the store holds back
	Stale    bool          // not loaded, or Lag is beyond MaxStale
}

// longestSpread bounds the chance in the time of a whole load.
const longestSpread = 30 * time.Second

// NewSyncer makes a syncer and registers its metrics. Run starts it.
func NewSyncer(store Store, table *Table, cfg SyncConfig, log *zap.Logger, reg prometheus.Registerer) (*Syncer, error) {
	s := &Syncer{
		store: store, table: table, cfg: cfg.withDefaults(), log: log,
		started: time.Now(), again: make(chan struct{}, 1), applying: make(chan struct{}, 1), reached: map[Position]struct{}{},
	}
	if err := s.register(reg); err != nil {
		return nil, fmt.Errorf("registering metrics of the sync: %w", err)
	}
	return s, nil
}

// Run loads the table and follows the store until ctx ends, which is no error,
// or the store is closed. Whatever else is lost on the way is loaded again; the
// old table serves meanwhile.
func (s *Syncer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var comparing sync.WaitGroup
	defer comparing.Wait()
	defer cancel()
	if store, ok := s.store.(Comparer); ok && s.cfg.Compare > 0 {
		comparing.Go(func() { s.comparing(ctx, store) })
	}
	pause := s.cfg.BackoffMin
	for {
		followed, err := s.once(ctx)
		wasUp := s.up.Swap(false)
		switch {
		case ctx.Err() != nil:
			return nil // whatever the store said, it was told to stop
		case errors.Is(err, ErrClosed):
			return fmt.Errorf("following the store: %w", err)
		case followed > s.cfg.BackoffMax:
			pause = s.cfg.BackoffMin
		}
		wait := pause/2 + rand.N(pause/2+1)
		if followed > 0 && (s.held == 0 || !s.info.Load().Durable) {
			// Whatever ended this feed may have ended those of all edges: their
			// loads are spread over the time that one takes.
			wait += rand.N(min(s.took, longestSpread) + 1)
		}
		s.tellLoss(err, wasUp || pause == s.cfg.BackoffMin, wait)
		pause = min(2*pause, s.cfg.BackoffMax)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// tellLoss logs why the table is loaded again, once for each outage.
func (s *Syncer) tellLoss(err error, first bool, wait time.Duration) {
	switch {
	case errors.Is(err, ErrFeedLost):
		s.log.Info("the change feed cannot tell every change; loading the bindings again", zap.Error(err), zap.Duration("in", wait))
	case first:
		s.log.Warn("lost the store of bindings; the table in memory serves on", zap.Error(err), zap.Duration("retry_in", wait))
	default:
		s.log.Debug("the store of bindings is still away", zap.Error(err), zap.Duration("retry_in", wait))
	}
}

// once loads and follows until something is lost; it returns how long it could
// follow.
func (s *Syncer) once(ctx context.Context) (time.Duration, error) {
	feed, err := s.store.Feed(ctx, s.held)
	if err != nil {
		return 0, fmt.Errorf("opening the feed: %w", err)
	}
	defer func() { _ = feed.Close() }() // whatever it could not release, the store's server does
	s.tellFeed(feed.About())
	if feed.About().Resumes {
		s.log.Info("the change feed goes on where it ended")
	} else if err := s.load(ctx, feed); err != nil {
		return 0, fmt.Errorf("loading: %w", err)
	}
	s.up.Store(true)
	started := time.Now()
	err = s.followOrReload(ctx, feed)
	if s.held = s.applied(); errors.Is(err, ErrFeedLost) {
		s.held = 0
	}
	return time.Since(started), fmt.Errorf("following: %w", err)
}

// observed also shows the observer what is put.
func (s *Syncer) observed(put func(Binding)) func(Binding) {
	if s.observer == nil {
		return put
	}
	s.observer.Begin()
	return func(b Binding) {
		put(b)
		s.observer.Put(&b)
	}
}

// load replaces the table's content by the feed's snapshot.
func (s *Syncer) load(ctx context.Context, feed Feed) error {
	s.applying <- struct{}{}
	defer func() { <-s.applying }()
	started := time.Now()
	var snapshot Snapshot
	err := s.table.Replace(func(put func(Binding)) (err error) {
		snapshot, err = feed.Load(ctx, s.observed(put))
		return err
	})
	if s.observer != nil {
		s.observer.End(err == nil)
	}
	if err != nil {
		s.held = 0
		return err
	}
	s.took = time.Since(started)
	s.metrics.reloads.Inc()
	s.refused(snapshot.Refused)
	s.loaded.Store(true)
	s.proof(0)
	s.advance(snapshot.Position, nil)
	s.log.Info("loaded the bindings", zap.Int("bindings", s.table.Len()), zap.Duration("took", s.took))
	return nil
}

// tellFeed says, when it changes, how changes reach the table and why not in a
// better way.
func (s *Syncer) tellFeed(info FeedInfo) {
	info.Resumes = false
	if last := s.info.Swap(&info); last != nil && *last == info {
		return
	}
	s.log.Info("opened the change feed", zap.Stringer("feed", info.Kind))
	if info.Reason != "" {
		s.log.Warn("the bindings are not fed by logical replication", zap.String("reason", info.Reason))
	}
	if info.Warning != "" {
		s.log.Warn("the change feed needs a look", zap.String("reason", info.Warning))
	}
}

// reload makes the feed end as if it had lost changes.
func (s *Syncer) reload() {
	select {
	case s.again <- struct{}{}:
	default:
	}
}

// followOrReload follows until the feed ends or reload was called.
func (s *Syncer) followOrReload(ctx context.Context, feed Feed) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel(nil)
	waiting.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.again:
			cancel(ErrFeedLost)
		}
	})
	err := feed.Follow(ctx, s.follow)
	if errors.Is(context.Cause(ctx), ErrFeedLost) {
		return ErrFeedLost
	}
	return err
}

func (s *Syncer) follow(batch Batch) {
	s.applying <- struct{}{}
	s.table.Apply(batch.Changes)
	if s.observer != nil {
		s.observer.Changed(batch.Changes)
	}
	<-s.applying
	s.refused(batch.Refused)
	if batch.Slots.Seen {
		s.slots.Store(&batch.Slots)
	}
	s.proof(batch.Delay)
	s.advance(batch.Position, batch.Reached)
}

func (s *Syncer) proof(delay time.Duration) {
	s.alive.Store(int64(time.Since(s.started)))
	s.delay.Store(int64(delay))
}

func (s *Syncer) refused(rows int) {
	if rows == 0 {
		return
	}
	s.metrics.refused.Add(float64(rows))
	s.log.Warn("rows in the store make no binding and are left out", zap.Int("rows", rows))
}

// Apply commits the changes to the store and returns once the table holds them,
// so that what the caller learns is routable. Where only the waiting failed, for
// SyncConfig.Wait at most, the changes are committed; the error then wraps
// ErrNotYetRouted.
func (s *Syncer) Apply(ctx context.Context, changes []Change) error {
	position, err := s.store.Apply(ctx, changes)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Wait)
	defer cancel()
	if err := s.WaitFor(bounded, position); err != nil {
		return fmt.Errorf("%w: %w", ErrNotYetRouted, err)
	}
	return nil
}

// ErrNotYetRouted says that changes are committed but not yet in the table.
var ErrNotYetRouted = errors.New("the changes are stored, but this edge does not route by them yet")

func (s *Syncer) applied() Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position
}

// Fresh tells how well the table follows the store now.
func (s *Syncer) Fresh() Freshness {
	f := Freshness{
		Loaded: s.loaded.Load(), Up: s.up.Load(), Position: s.applied(),
		Lag: time.Since(s.started) - time.Duration(s.alive.Load()) + time.Duration(s.delay.Load()),
	}
	f.Stale = !f.Loaded || f.Lag > s.cfg.MaxStale
	return f
}
