package sessions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sqlite"
	"maskline/numberdb/storetest"
)

// clock is the time of a test: the real one, and what was added to it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// fault is what becomes of a commit.
type fault int32

const (
	noFault    fault = iota
	refused_         // it fails, and says so
	lost             // it is not written, and nobody knows
	unanswered       // it is written, and nobody knows
	faults           // the count of them
)

var errFault = errors.New("the store is away")

// database is a store whose commits a test lets fail.
type database interface {
	Store
	numberdb.Store
	numberdb.Purger
	numberdb.EventStore
	numberdb.ExpiryStore
}

type faulty struct {
	database
	fault atomic.Int32
	only  atomic.Pointer[func(*numberdb.Writes) bool] // which commits; nil: all
	blind atomic.Bool                                 // pools and masks cannot be read
	stuck atomic.Pointer[chan struct{}]               // the feed tells nothing until it is closed
	gone  atomic.Uint64                               // a mask that somebody has deleted
	told  atomic.Int64                                // masks that were read
	whole atomic.Int64                                // readings of all masks
	deaf  atomic.Bool                                 // what expired untold is not found
	scans atomic.Int64                                // searches for it
}

func (f *faulty) ExpiredSessions(ctx context.Context, now time.Time, after numberdb.ID, limit int) ([]numberdb.ID, error) {
	f.scans.Add(1)
	if f.deaf.Load() {
		return nil, errFault
	}
	return f.database.ExpiredSessions(ctx, now, after, limit)
}

func (f *faulty) Inventory(ctx context.Context, query numberdb.InventoryQuery, pool func(numberdb.Pool), mask func(numberdb.Mask)) (numberdb.InventoryRead, error) {
	gone := e164.Number(f.gone.Load())
	if gone != 0 {
		query = numberdb.InventoryQuery{}
	}
	read, err := f.database.Inventory(ctx, query, pool, func(m numberdb.Mask) {
		if m.Number != gone {
			f.told.Add(1)
			mask(m)
		}
	})
	if read.Whole {
		f.whole.Add(1)
	}
	return read, err
}

func (f *faulty) Feed(ctx context.Context, held numberdb.Position) (numberdb.Feed, error) {
	feed, err := f.database.Feed(ctx, held)
	return sticky{feed, f}, err
}

// sticky is a feed that a test lets wait.
type sticky struct {
	numberdb.Feed
	store *faulty
}

func (s sticky) Follow(ctx context.Context, apply func(numberdb.Batch)) error {
	return s.Feed.Follow(ctx, func(b numberdb.Batch) {
		if gate := s.store.stuck.Load(); gate != nil {
			<-*gate
		}
		apply(b)
	})
}

func (f *faulty) InventoryVersion(ctx context.Context) (numberdb.InventoryVersion, error) {
	if f.blind.Load() {
		return 0, errFault
	}
	return f.database.InventoryVersion(ctx)
}

func (f *faulty) Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	kind := fault(f.fault.Load())
	if only := f.only.Load(); only != nil && !(*only)(w) {
		kind = noFault
	}
	switch kind {
	case refused_:
		return 0, errFault
	case lost:
		return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, errFault)
	case unanswered:
		if _, err := f.database.Commit(ctx, w); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("%w: %w", numberdb.ErrOutcomeUnknown, errFault)
	default:
		return f.database.Commit(ctx, w)
	}
}

// world is a store and its time.
type world struct {
	*clock
	store *faulty
	cfg   Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: &clock{}, cfg: Config{Quarantine: time.Hour, Commit: 5 * time.Second, Refresh: 100 * time.Millisecond}}
	store, err := sqlite.Open(t.Context(), sqlite.Config{Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w.store = &faulty{database: store}
	return w
}

// running is an owner with the table that it fills.
type running struct {
	*Owner
	table *numberdb.Table
	stop  func()
}

// edge starts an owner on the world's store.
func (w *world) edge(t *testing.T) *running {
	t.Helper()
	table := numberdb.NewTable()
	syncer, err := numberdb.NewSyncer(w.store, table, numberdb.SyncConfig{}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	owner, err := New(w.cfg, w.store, syncer, table, w.now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	syncer.Observe(owner.Observer())
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := syncer.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	ended.Go(func() {
		if err := owner.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop := sync.OnceFunc(func() {
		cancel()
		ended.Wait()
	})
	t.Cleanup(stop)
	return &running{owner, table, stop}
}

func party(i int) e164.Number { return e164.MustParse(fmt.Sprintf("+4477009%05d", i)) }
func mask(i int) e164.Number  { return e164.MustParse(fmt.Sprintf("+4420794%05d", i)) }

// stock adds a pool with masks.
func (r *running) stock(t *testing.T, pool numberdb.Pool, masks int) {
	t.Helper()
	if err := r.PutPools(t.Context(), []numberdb.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	var list []numberdb.Mask
	for i := range masks {
		list = append(list, numberdb.Mask{
			Number: mask(i), Pool: pool.Name, Country: "GB", Services: numberdb.SMS | numberdb.Voice, Carrier: []string{"alfa", "bravo"}[i%2],
		})
	}
	if err := r.PutMasks(t.Context(), list, "import", "test"); err != nil {
		t.Fatal(err)
	}
}

// start is an edge with the pool "uk".
func start(t *testing.T, masks int) (*world, *running) {
	t.Helper()
	w := newWorld(t)
	r := w.edge(t)
	r.stock(t, numberdb.Pool{Name: "uk"}, masks)
	return w, r
}

func between(parties ...int) *Request {
	r := &Request{Pool: "uk"}
	for _, p := range parties {
		r.Sides = append(r.Sides, Side{Number: party(p)})
	}
	return r
}

func create(t *testing.T, r *running, q *Request) numberdb.Session {
	t.Helper()
	s, err := r.Create(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hears is what a participant meets who contacts the mask.
func (r *running) hears(w *world, s *numberdb.Session, side int) (numberdb.Status, e164.Number) {
	p := &s.Participants[side]
	b, status := r.table.Lookup(p.Dial, p.Number, w.now())
	return status, b.To.Number
}

func wantHears(t *testing.T, w *world, r *running, s *numberdb.Session, want numberdb.Status) {
	t.Helper()
	for side := range s.Participants {
		if status, _ := r.hears(w, s, side); status != want {
			t.Errorf("side %d: status %v, want %v", side, status, want)
		}
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	storetest.Eventually(t, what, is)
}

// poolReport is what the engine holds of a pool.
func (r *running) poolReport(name string) (live, kept int, masks [numberdb.Retired + 1]int) {
	report := r.Report()
	for i := range report.Pools {
		if p := &report.Pools[i]; p.Name == name {
			return p.Live, p.Kept, p.Masks
		}
	}
	return 0, 0, masks
}

// rows are the bindings of the store.
func (w *world) rows(t *testing.T) map[numberdb.BindingKey]numberdb.Binding {
	t.Helper()
	rows := map[numberdb.BindingKey]numberdb.Binding{}
	for _, b := range storetest.Rows(t, w.store) {
		rows[b.Key()] = b
	}
	return rows
}
