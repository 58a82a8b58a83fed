package sessionload

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

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
	"maskline/numberdb/sessions"
)

// Config of a run.
type Config struct {
	Sessions int // that live at once, two people each
	Masks    int // that they share
	People   int // 0: as many as sessions
	Clients  int // that ask at a time; 0: 64

	// Making is called before the first is made, and what it returns when the last
	// one is. Nil: nothing.
	Making func() (done func())
}

// Store is what the load needs of one.
type Store interface {
	sessions.Store
	numberdb.Store
}

// Numbers of the model: masks from +4420 0000 0000 on, people from +4470 0000 0000.
const (
	firstMask  = e164.Number(12<<50 + 442000000000)
	firstParty = e164.Number(12<<50 + 447000000000)
	most       = 10_000_000
	pool       = "testbench"
)

// Faults of a Config.
var (
	ErrConfig   = errors.New("expected 1 to 10,000,000 sessions and people, 2 to 10,000,000 masks and 1 to 10,000 clients")
	ErrNotEmpty = errors.New("the database is not empty")
)

func (c *Config) check() error {
	if c.People == 0 {
		c.People = max(c.Sessions, 2)
	}
	if c.Clients == 0 {
		c.Clients = 64
	}
	if c.Sessions < 1 || c.Sessions > most || c.People < 2 || c.People > most || c.Masks < 2 || c.Masks > most || c.Clients < 1 || c.Clients > 10_000 {
		return ErrConfig
	}
	return nil
}

// load is a run.
type load struct {
	Config
	owner *sessions.Owner
	made  atomic.Int64
	next  atomic.Int64

	mu       sync.Mutex
	told     map[numberdb.BindingKey]numberdb.ID
	times    []time.Duration
	doubles  int // by what the clients were told
	failures map[string]int
}

// Run makes the sessions and looks at what the store holds then.
func Run(ctx context.Context, cfg Config, store Store) (*Report, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	table := numberdb.NewTable()
	syncer, err := numberdb.NewSyncer(store, table, numberdb.SyncConfig{}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	owner, err := sessions.New(sessions.Config{Seed: rand.Uint64(), Quarantine: time.Hour}, store, syncer, table, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	syncer.Observe(owner.Observer())
	running, stop := context.WithCancel(ctx)
	var edge sync.WaitGroup
	defer edge.Wait()
	defer stop()
	edge.Go(func() { _ = syncer.Run(running) }) // a store that was closed; the sessions fail then
	edge.Go(func() { _ = owner.Run(running) })  // it has no error
	l := &load{Config: cfg, owner: owner, told: make(map[numberdb.BindingKey]numberdb.ID, 2*cfg.Sessions), failures: map[string]int{}}
	if err := owner.Ready(ctx); err != nil {
		return nil, err
	}
	if table.Len() > 0 || len(owner.Pools()) > 0 { // before anything is written: it may be somebody's
		return nil, ErrNotEmpty
	}
	if err := l.stock(ctx); err != nil {
		return nil, fmt.Errorf("adding the masks: %w", err)
	}
	made := func() {}
	if cfg.Making != nil {
		made = cfg.Making()
	}
	began := time.Now()
	l.run(ctx)
	took := time.Since(began)
	made()
	r := l.report(took)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r, l.verify(ctx, store, table, r)
}

// stock adds the masks.
func (l *load) stock(ctx context.Context) error {
	if err := l.owner.PutPools(ctx, []numberdb.Pool{{Name: pool}}); err != nil {
		return err
	}
	list := make([]numberdb.Mask, l.Masks)
	for i := range list {
		list[i] = numberdb.Mask{Number: firstMask + e164.Number(i), Pool: pool, Country: "GB", Services: numberdb.SMS | numberdb.Voice}
	}
	for len(list) > 0 {
		part := min(len(list), 10_000)
		if err := l.owner.PutMasks(ctx, list[:part], "", "testbench"); err != nil {
			return err
		}
		list = list[part:]
	}
	return nil
}

func (l *load) run(ctx context.Context) {
	var clients sync.WaitGroup
	for c := range l.Clients {
		clients.Go(func() { l.client(ctx, rand.New(rand.NewPCG(uint64(c), 1))) })
	}
	clients.Wait()
}

func (l *load) client(ctx context.Context, random *rand.Rand) {
	var times []time.Duration
	for ctx.Err() == nil && l.next.Add(1) <= int64(l.Sessions) {
		a := random.IntN(l.People)
		b := (a + 1 + random.IntN(l.People-1)) % l.People
		began := time.Now()
		s, err := l.owner.Create(ctx, &sessions.Request{Pool: pool, Sides: []sessions.Side{{Number: firstParty + e164.Number(a)}, {Number: firstParty + e164.Number(b)}}})
		if err != nil {
			l.failed(err)
			continue
		}
		times = append(times, time.Since(began))
		l.tell(&s)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times = append(l.times, times...)
}

func (l *load) tell(s *numberdb.Session) {
	l.made.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range s.Participants {
		key := numberdb.BindingKey{Mask: s.Participants[i].Dial.Canonical(), Party: s.Participants[i].Number.Canonical()}
		if _, taken := l.told[key]; taken {
			l.doubles++
		}
		l.told[key] = s.ID
	}
}

func (l *load) failed(err error) {
	var exhausted *allocator.Exhausted
	why := "store"
	if errors.As(err, &exhausted) {
		why = "no mask: " + exhausted.Reason.String()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures[why]++
}
