package webhook

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
)

// Config of an Engine.
type Config struct {
	// Holder names this process among those that share the store. Required.
	Holder string
	// Concurrency is how many posts are under way at most. Default 64; 0 is the
	// default.
	Concurrency int
	// Timeout bounds one post; the same as that of the Sender. Default 15s; 0 is the
	// default.
	Timeout time.Duration
	// Schedule are the pauses before each attempt. Default DefaultSchedule; nil is
	// the default.
	Schedule []time.Duration
	// Poll is how often the store is asked for events of other edges. Default 1s; 0
	// is the default.
	Poll time.Duration
	// Renew is how often the leases of endpoints are renewed; they last for three times
	// that and the longest post. Default 5s; 0 is the default.
	Renew time.Duration
	// Settle gathers what was done before it is written. Default 50ms; 0 is the
	// default.
	Settle time.Duration
	// Keep is for how long events and the log are kept. Default 168h; 0 is the
	// default.
	Keep time.Duration
	// Mode is where the events are from. Default Live.
	Mode Mode
}

func (c Config) withDefaults() Config {
	c.Concurrency = cmp.Or(c.Concurrency, 64)
	c.Timeout = cmp.Or(c.Timeout, 15*time.Second)
	c.Poll = cmp.Or(c.Poll, time.Second)
	c.Renew = cmp.Or(c.Renew, 5*time.Second)
	c.Settle = cmp.Or(c.Settle, 50*time.Millisecond)
	c.Keep = cmp.Or(c.Keep, 168*time.Hour)
	if c.Schedule == nil {
		c.Schedule = DefaultSchedule()
	}
	return c
}

// Bounds of what is in memory.
const (
	mostUnsettled = 512 // events of an endpoint that were read and do not stand in its log
	pageSize      = 128 // events of one reading
	mostEach      = 16  // posts under way to one endpoint
)

// Poster posts. *Sender does.
type Poster interface {
	Post(ctx context.Context, to *numberdb.WebhookEndpoint, id string, body []byte) Result
}

// Purger deletes old events.
type Purger interface {
	PurgeEvents(ctx context.Context, before time.Time) (deleted int, round bool, err error)
}

// Store is what an engine needs of a store.
type Store interface {
	numberdb.DeliveryStore
	Purger
}

// Engine delivers events to the endpoints that this edge holds. One goroutine
// decides (Run); others post, read and write for it.
type Engine struct {
	cfg     Config
	store   Store
	poster  Poster
	now     func() time.Time
	random  func() float64
	log     *zap.Logger
	metrics *metrics
	ids     numberdb.IDs

	mu    sync.Mutex
	dirty map[string]struct{} // tenants with new events
	anew  bool                // endpoints were changed
	woken chan struct{}       // of one place

	// What follows is Run's own.
	endpoints map[numberdb.ID]*endpoint
	ring      []*endpoint // those that may have something to post, in turn
	inFlight  int
	slow      int            // of those, to slow endpoints
	slowOf    map[string]int // the same by tenant
	alarms    alarms
	jobs      chan *job
	posted    chan *job
	under     sync.WaitGroup
	keeper    keeper
	seen      map[string]bool // tenants whose events are to be read
	readAll   bool
	noted     bool // something is to be settled
	settling  bool // and will be soon
	stopping  bool
}

// job is a post.
type job struct {
	of     *endpoint
	to     numberdb.WebhookEndpoint
	item   *item
	event  *numberdb.Event
	slow   bool
	result Result
}

// NewEngine makes an engine and registers its metrics. Run starts it.
func NewEngine(cfg Config, store Store, poster Poster, now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Engine, error) {
	cfg = cfg.withDefaults()
	e := &Engine{
		cfg: cfg, store: store, poster: poster, now: now, random: chance, log: log,
		dirty: map[string]struct{}{}, woken: make(chan struct{}, 1), endpoints: map[numberdb.ID]*endpoint{}, seen: map[string]bool{}, slowOf: map[string]int{},
		jobs: make(chan *job, cfg.Concurrency), posted: make(chan *job, cfg.Concurrency),
	}
	e.keeper = newKeeper(e)
	var err error
	e.metrics, err = newMetrics(reg)
	return e, err
}

// Wake tells that a tenant has new events. It never waits.
func (e *Engine) Wake(tenant string) {
	e.mu.Lock()
	e.dirty[tenant] = struct{}{}
	e.mu.Unlock()
	e.signal()
}

// Changed tells that endpoints were changed, or events are to be posted again.
func (e *Engine) Changed() {
	e.mu.Lock()
	e.anew = true
	e.mu.Unlock()
	e.signal()
}

func (e *Engine) signal() {
	select {
	case e.woken <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends; then it waits a moment for what is under way and
// writes what was done.
func (e *Engine) Run(ctx context.Context) error {
	posting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	for range e.cfg.Concurrency {
		e.under.Go(func() { e.work(posting) })
	}
	e.keeper.start(keeping)
	e.loop(ctx)
	e.stopping = true
	e.finish(cancel)
	close(e.jobs)
	cancel()
	e.under.Wait()
	stop()
	e.keeper.wait()
	return e.last(ctx)
}

// work posts until there are no more jobs.
func (e *Engine) work(ctx context.Context) {
	for j := range e.jobs {
		j.result = e.poster.Post(ctx, &j.to, j.event.ID.Text(numberdb.EventPrefix), Body(j.event, e.cfg.Mode))
		e.posted <- j
	}
}

// loop decides, event by event.
func (e *Engine) loop(ctx context.Context) {
	poll := time.NewTicker(e.cfg.Poll)
	defer poll.Stop()
	settle := time.NewTimer(time.Hour)
	defer settle.Stop()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	e.keeper.hold()
	e.readAll = true
	for {
		e.dispatch()
		e.read()
		alarm.Reset(e.alarms.next(e.now()))
		if e.noted && !e.settling {
			e.settling = true
			settle.Reset(e.cfg.Settle)
		}
		select {
		case <-ctx.Done():
			return
		case j := <-e.posted:
			e.result(j)
		case answer := <-e.keeper.answers:
			answer()
		case <-e.woken:
			e.wake()
		case <-settle.C:
			e.settling, e.noted = false, false
			e.settle()
		case <-poll.C:
			e.readAll, e.noted = true, true
			e.keeper.tick()
		case <-alarm.C:
		}
		e.ring = e.alarms.due(e.now(), e.ring)
	}
}

// wake takes in what Wake and Changed have told.
func (e *Engine) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for tenant := range e.dirty {
		e.seen[tenant] = true
	}
	clear(e.dirty)
	if e.anew {
		e.anew = false
		e.keeper.hold()
	}
}

// finish waits for the posts under way; those that take too long are cut off and
// made again by whoever holds the endpoint then.
func (e *Engine) finish(cut context.CancelFunc) {
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	for e.inFlight > 0 {
		select {
		case j := <-e.posted:
			e.result(j)
		case <-grace.C:
			cut()
		}
	}
}

const (
	stopGrace = 3 * time.Second
	lastWrite = 5 * time.Second
)

// last writes what was done and gives the endpoints back.
func (e *Engine) last(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	var err error
	for _, done := range [][]numberdb.Settlement{e.keeper.pending, e.collect(true)} { // an event may stand in both
		if len(done) > 0 && err == nil {
			_, err = e.store.Settle(ctx, done)
		}
	}
	_, released := e.store.HoldEndpoints(ctx, e.cfg.Holder, 0)
	if err = errors.Join(err, released); err != nil {
		e.log.Warn("the end of the webhooks could not be written; what was delivered of late is delivered again", zap.Error(err))
	}
	return nil
}
