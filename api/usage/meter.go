package usage

import (
	"context"
	"errors"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
)

// Config of a Meter.
type Config struct {
	// Holder names this process; no other one has the name, before or beside it.
	Holder string
	// Every is how often is written and read. 0: a second.
	Every time.Duration
	// Keep is how many days are kept in the store. 0: 400.
	Keep int
	// Tell hears that a tenant has spent percent of what it may, once for each of 50, 80
	// and 100 in a day on this edge. It does not wait. Nil: nobody hears.
	Tell func(tenant string, day numberdb.Day, percent int)
}

func (c Config) withDefaults() Config {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.Keep <= 0 {
		c.Keep = 400
	}
	if c.Tell == nil {
		c.Tell = func(string, numberdb.Day, int) {}
	}
	return c
}

const (
	mostTenants = 65536 // that are counted; more have no limits
	storeTime   = 10 * time.Second
	lastWrite   = 5 * time.Second
)

// Meter counts. It is a routing.Usage, for many goroutines.
type Meter struct {
	cfg    Config
	store  numberdb.UsageStore
	now    func() time.Time
	log    *zap.Logger
	failed prometheus.Counter

	tenants atomic.Pointer[map[string]*purse]
	mu      sync.Mutex // of who adds tenants
	limits  map[string]int64

	away   bool         // Run's own: the store did not answer the last time
	forgot numberdb.Day // Run's own: when old days were deleted last
}

// NewMeter registers its metrics. Run writes and reads.
func NewMeter(cfg Config, store numberdb.UsageStore, now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Meter, error) {
	m := &Meter{
		cfg: cfg.withDefaults(), store: store, now: now, log: log,
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_api_usage_failures_total", Help: "Times that what tenants use could not be written or read; it is done again.",
		}),
	}
	m.tenants.Store(&map[string]*purse{})
	return m, reg.Register(m.failed)
}

// SetLimits replaces what tenants may spend in a day, in millionths.
func (m *Meter) SetLimits(limits map[string]int64) {
	m.mu.Lock()
	m.limits = maps.Clone(limits)
	m.mu.Unlock()
	for tenant := range limits {
		m.purse(tenant)
	}
	for tenant, p := range *m.tenants.Load() {
		p.limit.Store(limits[tenant])
	}
}

// purse is a tenant's; nil where there are too many.
func (m *Meter) purse(tenant string) *purse {
	if p := (*m.tenants.Load())[tenant]; p != nil {
		return p
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := *m.tenants.Load()
	if p := all[tenant]; p != nil || len(all) >= mostTenants {
		return p
	}
	p := &purse{}
	p.limit.Store(m.limits[tenant])
	all = maps.Clone(all)
	all[tenant] = p
	m.tenants.Store(&all)
	return p
}

// Exhausted reports whether a tenant has spent what it may in a day.
func (m *Meter) Exhausted(tenant string, now time.Time) bool {
	p := (*m.tenants.Load())[tenant]
	return p != nil && p.exhausted(now)
}

// Sent counts a message, or a segment of one, that was taken for cost millionths.
func (m *Meter) Sent(tenant string, cost uint64, now time.Time) {
	p := m.purse(tenant)
	if p == nil {
		return
	}
	d := p.on(numberdb.DayOf(now))
	d.messages.Add(1)
	if cost > 0 {
		d.cost.Add(bounded(cost, 1))
	}
}

// Talked counts a call that has ended, at cost millionths for each minute begun.
func (m *Meter) Talked(tenant string, cost uint64, talked time.Duration, now time.Time) {
	p := m.purse(tenant)
	if p == nil {
		return
	}
	d := p.on(numberdb.DayOf(now))
	d.calls.Add(1)
	d.seconds.Add(int64(max(talked, 0).Round(time.Second) / time.Second))
	if cost > 0 {
		d.cost.Add(bounded(cost, max(1, (talked+time.Minute-1)/time.Minute)))
	}
}

// bounded is cost times n; prices and lengths of calls are far from where it ends.
func bounded(cost uint64, n time.Duration) int64 {
	const most = math.MaxInt64 >> 16
	if cost > most/uint64(n) {
		return most
	}
	return int64(cost) * int64(n)
}

// Run writes and reads until ctx ends, and then writes once more.
func (m *Meter) Run(ctx context.Context) {
	tick := time.NewTicker(m.cfg.Every)
	defer tick.Stop()
	for {
		m.exchange(ctx)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			if err := m.write(last); err != nil {
				m.log.Warn("what tenants used of late could not be written", zap.Error(err))
			}
			return
		case <-tick.C:
		}
	}
}

// exchange writes what was counted here, and reads what was counted elsewhere.
func (m *Meter) exchange(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	err := errors.Join(m.write(bounded), m.read(bounded), m.forget(bounded))
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		m.failed.Inc()
		if !m.away {
			m.log.Warn("what tenants use cannot be written or read; limits hold by what this edge counts", zap.Error(err))
		}
	}
	m.away = err != nil
	m.tell()
}

// write writes what has changed since it was written.
func (m *Meter) write(ctx context.Context) error {
	var rows []numberdb.Usage
	var of []*daily
	for tenant, p := range *m.tenants.Load() {
		for _, d := range p.days(tenant, m.now()) {
			if u := d.usage(tenant); u != d.written {
				rows, of = append(rows, u), append(of, d)
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := m.store.PutUsage(ctx, m.cfg.Holder, rows); err != nil {
		return err
	}
	for i, d := range of {
		d.written = rows[i]
	}
	return nil
}

// read learns what others have spent of today, where somebody has a limit.
func (m *Meter) read(ctx context.Context) error {
	limited := false
	for _, p := range *m.tenants.Load() {
		limited = limited || p.limit.Load() > 0
	}
	if !limited {
		return nil
	}
	day := numberdb.DayOf(m.now())
	rows, err := m.store.Usage(ctx, numberdb.UsageQuery{Tenant: numberdb.AnyTenant, From: day, To: day, Except: m.cfg.Holder})
	if err != nil {
		return err
	}
	for i := range rows {
		if p := (*m.tenants.Load())[rows[i].Tenant]; p != nil {
			if d := p.on(day); d.day == day {
				d.others.Store(rows[i].Cost)
			}
		}
	}
	return nil
}

// forget deletes old days, once a day.
func (m *Meter) forget(ctx context.Context) error {
	day := numberdb.DayOf(m.now())
	if day == m.forgot {
		return nil
	}
	if err := m.store.ForgetUsage(ctx, day-numberdb.Day(m.cfg.Keep)); err != nil {
		return err
	}
	m.forgot = day
	return nil
}

// tell tells of the parts of limits that have been reached.
func (m *Meter) tell() {
	day := numberdb.DayOf(m.now())
	for tenant, p := range *m.tenants.Load() {
		limit := p.limit.Load()
		if limit == 0 {
			continue
		}
		d := p.on(day)
		step := reached(d.spent(), limit)
		if before := p.told.Swap(toldOf(d.day, step)); step > 0 && before < toldOf(d.day, step) {
			m.cfg.Tell(tenant, d.day, step)
		}
	}
}

// toldOf orders steps by day.
func toldOf(day numberdb.Day, step int) int64 { return int64(day)*1000 + int64(step) }

// reached is the last of 50, 80 and 100 per cent.
func reached(spent, limit int64) int {
	for _, percent := range [...]int{100, 80, 50} {
		if float64(spent) >= float64(limit)*float64(percent)/100 {
			return percent
		}
	}
	return 0
}
