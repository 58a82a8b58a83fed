package numberdb

import (
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

	mu       sync.Mutex
	position Position
	advanced chan struct{} // closed and replaced when position changes
}

// Observer learns what the table learns, from the goroutine that writes it. What
// it is given is valid during the call only; while it is called the table waits.
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

// NewSyncer makes a syncer and registers its metrics. Run starts it.
func NewSyncer(store Store, table *Table, cfg SyncConfig, log *zap.Logger, reg prometheus.Registerer) (*Syncer, error) {
	s := &Syncer{
		store: store, table: table, cfg: cfg.withDefaults(), log: log,
		started: time.Now(), advanced: make(chan struct{}),
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
	pause := s.cfg.BackoffMin
	for {
		followed, err := s.once(ctx)
		wasUp := s.up.Swap(false)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // whatever the store said, it was told to stop
		case errors.Is(err, ErrClosed):
			return fmt.Errorf("following the store: %w", err)
		case followed > s.cfg.BackoffMax:
			pause = s.cfg.BackoffMin
		}
		wait := pause/2 + rand.N(pause/2+1)
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
		s.log.Info("the change feed cannot tell every change; loading the bindings again", zap.Duration("in", wait))
	case first:
		s.log.Warn("lost the store of bindings; the table in memory serves on", zap.Error(err), zap.Duration("retry_in", wait))
	default:
		s.log.Debug("the store of bindings is still away", zap.Error(err), zap.Duration("retry_in", wait))
	}
}

// once loads and follows until something is lost; it returns how long it could
// follow.
func (s *Syncer) once(ctx context.Context) (time.Duration, error) {
	started := time.Now()
	var snapshot Snapshot
	err := s.table.Replace(func(put func(Binding)) (err error) {
		snapshot, err = s.store.Load(ctx, s.observed(put))
		return err
	})
	if s.observer != nil {
		s.observer.End(err == nil)
	}
	if err != nil {
		return 0, fmt.Errorf("loading: %w", err)
	}
	s.metrics.reloads.Inc()
	s.refused(snapshot.Refused)
	s.loaded.Store(true)
	s.up.Store(true)
	s.proof(0)
	s.advance(snapshot.Position)
	s.log.Info("loaded the bindings", zap.Int("bindings", s.table.Len()), zap.Duration("took", time.Since(started)))
	started = time.Now()
	err = s.store.Follow(ctx, snapshot.Position, s.follow)
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

func (s *Syncer) follow(batch Batch) {
	s.table.Apply(batch.Changes)
	if s.observer != nil {
		s.observer.Changed(batch.Changes)
	}
	s.refused(batch.Refused)
	s.proof(batch.Delay)
	s.advance(batch.Position)
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

func (s *Syncer) advance(position Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if position == s.position {
		return
	}
	s.position = position
	close(s.advanced)
	s.advanced = make(chan struct{})
}

// WaitFor returns once the table holds everything up to the position.
func (s *Syncer) WaitFor(ctx context.Context, position Position) error {
	for {
		s.mu.Lock()
		reached, advanced := s.position >= position && s.loaded.Load(), s.advanced
		s.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the table: %w", ctx.Err())
		case <-advanced:
		}
	}
}

// Apply commits the changes to the store and returns once the table holds them,
// so that what the caller learns is routable. Where only the waiting failed the
// changes are committed; the error then wraps ErrNotYetRouted.
func (s *Syncer) Apply(ctx context.Context, changes []Change) error {
	position, err := s.store.Apply(ctx, changes)
	if err != nil {
		return err
	}
	if err := s.WaitFor(ctx, position); err != nil {
		return fmt.Errorf("%w: %w", ErrNotYetRouted, err)
	}
	return nil
}

// ErrNotYetRouted says that changes are committed but not yet in the table.
var ErrNotYetRouted = errors.New("the changes are stored, but this edge does not route by them yet")

// Fresh tells how well the table follows the store now.
func (s *Syncer) Fresh() Freshness {
	s.mu.Lock()
	position := s.position
	s.mu.Unlock()
	f := Freshness{
		Loaded: s.loaded.Load(), Up: s.up.Load(), Position: position,
		Lag: time.Since(s.started) - time.Duration(s.alive.Load()) + time.Duration(s.delay.Load()),
	}
	f.Stale = !f.Loaded || f.Lag > s.cfg.MaxStale
	return f
}
