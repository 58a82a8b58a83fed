package sessions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// Config of an Owner.
type Config struct {
	// Seed of the parties' permutations: the same after a restart, and nobody
	// else's to know.
	Seed uint64
	// TTL of sessions where neither the request nor the pool says. Default 1h; 0
	// is the default.
	TTL time.Duration
	// MaxTTL bounds a session's whole life where the pool does not. Default 720h;
	// 0 is the default.
	MaxTTL time.Duration
	// Quarantine of pools that name none. 0: none.
	Quarantine time.Duration
	// Parties with one mask at most, in pools that do not say. 0: no limit.
	Parties int
	// Commit bounds the writing of one group, and the waiting for the table after
	// that. Default 10s; 0 is the default.
	Commit time.Duration
	// Events is told what was written for tenants. Nil: no events are written.
	Events Events
	// Alone says that no other edge uses the store, so that this one sees every contact:
	// only then does a reply slot out of use go to another caller.
	Alone bool
	// Refresh is how often the edge looks for pools and masks that another one has
	// changed. Default 1s; 0 is the default.
	Refresh time.Duration
	// Node is the name of the edge in the audit. Empty: nothing is audited.
	Node string
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		of    *time.Duration
		usual time.Duration
	}{
		{&c.TTL, time.Hour},
		{&c.MaxTTL, 720 * time.Hour},
		{&c.Commit, 10 * time.Second},
		{&c.Refresh, time.Second},
	} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
	return c
}

// Store is what an Owner needs of a store beside its registry.
type Store interface {
	numberdb.Registry
	numberdb.InventoryWatch
}

// Routed tells when the table has what was committed. numberdb.Syncer does.
type Routed interface {
	WaitFor(ctx context.Context, position numberdb.Position) error
}

// Table answers for the bindings. numberdb.Table does.
type Table interface {
	Lookup(mask, party e164.Number, now time.Time) (numberdb.Binding, numberdb.Status)
	IsMask(n e164.Number) bool
	Each(fn func(numberdb.Binding) bool)
}

// Owner gives out masks. It may be used by many goroutines while Run runs.
type Owner struct {
	cfg       Config
	store     Store
	table     Table
	engine    *allocator.Engine
	committer *committer
	ids       numberdb.IDs
	now       func() time.Time // in whole microseconds
	log       *zap.Logger
	metrics   *metrics
	uses      *uses

	feed    chan heard
	closed  chan struct{} // nobody listens to the feed any more
	ready   chan struct{} // closed when the inventory and the bindings are known
	isReady sync.Once
	stocked atomic.Bool         // the inventory was read
	copied  atomic.Bool         // the bindings were
	early   bool                // the copy began before the inventory was read; listen's own
	blind   bool                // the inventory could not be read of late; tend's own
	turns   [1024]chan struct{} // of one place: by session, who changes it

	passing       sync.Map // *slotDoubt by session
	mute          sync.Map // sessions whose public mask leads to who has no number to answer from
	shown         shown
	stock         sync.Mutex // guards what follows; and who changes what is shown holds it
	version       numberdb.InventoryVersion
	read          time.Time // of the inventory
	again         bool      // the pools are to be read again, whatever the version
	masks         map[e164.Number]numberdb.Mask
	pools         map[string]numberdb.Pool
	touched       map[e164.Number]time.Time // masks that this edge has changed, and not read since
	changed       map[string]time.Time      // pools likewise
	unsaved       []numberdb.Mask           // states that the store did not take; tend's own
	unsavedEvents []numberdb.Event          // and what they tell
	unaudited     []numberdb.AuditLine      // of what has ended, which the store did not take; tend's own

	doubtful doubts
	expiries expiries // tend's own
	openings openings
}

// Clock tells the time; tests replace it.
type Clock func() time.Time

// New makes an owner and registers its metrics. Run starts it.
func New(cfg Config, store Store, routed Routed, table Table, clock Clock, log *zap.Logger, reg prometheus.Registerer) (*Owner, error) {
	cfg = cfg.withDefaults()
	o := &Owner{
		cfg: cfg, store: store, table: table, log: log,
		now:    func() time.Time { return clock().Truncate(time.Microsecond) }, // as stores keep it
		engine: allocator.New(allocator.Config{Seed: cfg.Seed, Quarantine: cfg.Quarantine, Parties: cfg.Parties}),
		feed:   make(chan heard, heardQueue), closed: make(chan struct{}), ready: make(chan struct{}),
		masks: map[e164.Number]numberdb.Mask{}, pools: map[string]numberdb.Pool{}, touched: map[e164.Number]time.Time{}, changed: map[string]time.Time{},
		uses: newUses(),
	}
	for i := range o.turns {
		o.turns[i] = make(chan struct{}, 1)
	}
	atOnce := 1
	if p, is := store.(Parallel); is {
		atOnce = max(1, p.Parallel())
	}
	o.committer = newCommitter(bounded{store, cfg.Commit, o.committed}, routed, cfg.Commit, atOnce)
	o.expiries = newExpiries(&cfg, store)
	if cfg.Node != "" {
		o.committer.auditing, o.committer.now = &numberdb.Auditing{Node: cfg.Node}, o.now
	}
	var err error
	if o.metrics, err = newMetrics(reg, o); err != nil {
		return nil, fmt.Errorf("registering metrics of sessions: %w", err)
	}
	return o, nil
}

// bounded gives each commit a deadline, and marks what only the store is to blame
// for.
type bounded struct {
	store numberdb.Registry
	limit time.Duration
	done  func(*numberdb.Writes)
}

func (b bounded) Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	position, err := b.store.Commit(ctx, w)
	var conflict *numberdb.Conflict
	if err != nil && !errors.As(err, &conflict) && !inventoryFault(err) {
		err = storeError{err}
	}
	if err == nil {
		b.done(w)
	}
	return position, err
}

// ErrNotReady says that the edge has not read the store yet.
var ErrNotReady = errors.New("the edge has not read its masks and bindings from the store yet")

// Run owns until ctx ends; what waits to be written by then is written. The
// observer of the store's feed must be in place before (see Observer).
func (o *Owner) Run(ctx context.Context) error {
	var running sync.WaitGroup
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	running.Go(func() { o.committer.run(writing) })
	running.Go(func() { o.listen(ctx) })
	running.Go(func() { o.tend(ctx) })
	<-ctx.Done()
	o.openings.close()
	stop()
	running.Wait()
	return nil
}

// tend does what has to be done now and then.
func (o *Owner) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	refreshed := o.now()
	o.refresh(ctx)
	begun := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := o.now()
		if now.Sub(refreshed) >= o.cfg.Refresh || now.Before(refreshed) {
			refreshed = now
			o.refresh(ctx)
		}
		if !o.isReadyNow() {
			continue
		}
		if !begun {
			begun = o.begin(ctx)
		}
		o.expire(ctx, now)
		o.tellExpired(ctx, now)
		o.settleDoubts(ctx)
	}
}

func (o *Owner) isReadyNow() bool {
	select {
	case <-o.ready:
		return true
	default:
		return false
	}
}

const tendEvery = 250 * time.Millisecond

// alone keeps two changes of one session from meeting, until done is called.
func (o *Owner) alone(ctx context.Context, id numberdb.ID) (done func(), err error) {
	turn := o.turns[uint64(id)%uint64(len(o.turns))] // the low bits of an ID are chance
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// commit makes writes durable and returns when the table has them, or the time
// for that is over.
func (o *Owner) commit(ctx context.Context, writes numberdb.Writes) error {
	return o.committer.doRouted(ctx, writes)
}
