package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/api/sandbox"
	"maskline/configs"
)

// sandboxes are those of a live edge's tenants. One opens with the first request of a
// test key and closes when nobody has asked for it for a while.
type sandboxes struct {
	live    *edge
	ranges  *sandbox.Ranges
	config  atomic.Pointer[configs.Config] // in effect
	log     *zap.Logger
	metrics sandboxMetrics

	mu     sync.Mutex
	ctx    context.Context // of run; nil: it does not run
	places map[string]*place
	work   sync.WaitGroup // opening and closing
}

// place is a sandbox that opens, is open or closes.
type place struct {
	tenant string
	ready  chan struct{} // closed when it is open, or failed is why it is not
	gone   chan struct{} // closed when another one of the tenant may open
	box    *sandboxed
	failed error

	users   int       // sandboxes.mu
	used    time.Time // sandboxes.mu
	leaving bool      // sandboxes.mu
}

type sandboxMetrics struct {
	open           prometheus.Gauge
	opened, failed prometheus.Counter
}

func newSandboxMetrics(reg prometheus.Registerer) (m sandboxMetrics, err error) {
	m = sandboxMetrics{
		open:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "maskline_sandbox_open", Help: "Tenants whose sandboxes are open."}),
		opened: prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_sandbox_opened_total", Help: "Sandboxes that were opened."}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_sandbox_errors_total", Help: "Sandboxes that could not be opened, for want of room or by a fault."}),
	}
	for _, c := range []prometheus.Collector{m.open, m.opened, m.failed} {
		err = errors.Join(err, reg.Register(c))
	}
	return m, err
}

// newSandboxes makes those of a live edge; a sandbox has none.
func (e *edge) newSandboxes() (err error) {
	if e.inside != nil {
		return nil
	}
	s := &sandboxes{live: e, log: e.log.Named("sandbox"), places: map[string]*place{}}
	if s.ranges, err = sandbox.ReadRanges(); err != nil {
		return err
	}
	if s.metrics, err = newSandboxMetrics(e.metrics); err != nil {
		return fmt.Errorf("registering metrics of sandboxes: %w", err)
	}
	s.follow(e.cfg)
	e.boxes = s
	return nil
}

// follow has sandboxes that open from now on take over what cfg says.
func (s *sandboxes) follow(cfg *configs.Config) { s.config.Store(cfg) }

func (s *sandboxes) enabled() bool { return s.config.Load().Sandbox.Enabled }

// run closes those that nobody uses, and all when ctx ends.
func (s *sandboxes) run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	tick := time.NewTicker(sweepSandboxes)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			for _, p := range s.places {
				s.leave(p)
			}
			s.mu.Unlock()
			s.work.Wait()
			return nil
		case now := <-tick.C:
			s.closeIdle(now.Add(-s.config.Load().Sandbox.Idle))
		}
	}
}

const (
	sweepSandboxes = time.Second
	openSandbox    = 20 * time.Second
	retrySandbox   = 5 * time.Second
)

// enter is the sandbox of a tenant, which stays until done is called. An error is a
// *problem.Error.
func (s *sandboxes) enter(ctx context.Context, tenant string) (box *sandboxed, done func(), err error) {
	for {
		p, err := s.place(tenant)
		if err != nil {
			s.metrics.failed.Inc()
			return nil, nil, err
		}
		select {
		case <-p.ready:
		case <-ctx.Done():
			s.exit(p)
			return nil, nil, problem.Unavailable()
		}
		if p.failed == nil {
			return p.box, func() { s.exit(p) }, nil
		}
		again := errors.Is(p.failed, errLeaving)
		s.exit(p)
		if !again {
			return nil, nil, &problem.Error{Code: problem.StorageUnavailable, RetryAfter: retrySandbox}
		}
		select {
		case <-p.gone:
		case <-ctx.Done():
			return nil, nil, problem.Unavailable()
		}
	}
}

// errLeaving says that the sandbox was closing when it was asked for.
var errLeaving = errors.New("the sandbox is closing")

// place is that of a tenant with one user more.
func (s *sandboxes) place(tenant string) (*place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.isTenant(tenant):
		return nil, problem.New(problem.Unauthorized)
	case s.ctx == nil || s.ctx.Err() != nil:
		return nil, &problem.Error{Code: problem.StorageUnavailable, RetryAfter: retrySandbox}
	}
	p := s.places[tenant]
	switch {
	case p != nil && p.leaving:
		closed := make(chan struct{})
		close(closed)
		return &place{ready: closed, gone: p.gone, failed: errLeaving}, nil
	case p != nil:
		p.users++
		return p, nil
	case !s.room():
		return nil, &problem.Error{Code: problem.StorageUnavailable, RetryAfter: retrySandbox}
	}
	p = &place{tenant: tenant, ready: make(chan struct{}), gone: make(chan struct{}), users: 1}
	s.places[tenant] = p
	s.metrics.open.Set(float64(len(s.places)))
	s.work.Go(func() { s.open(s.ctx, p) })
	return p, nil
}

func (s *sandboxes) isTenant(name string) bool {
	return slices.ContainsFunc(s.config.Load().Tenants, func(t configs.Tenant) bool { return string(t.Name) == name })
}

func (s *sandboxes) open(ctx context.Context, p *place) {
	ctx, cancel := context.WithTimeout(ctx, openSandbox)
	defer cancel()
	began := time.Now()
	box, err := openSandboxOf(ctx, s, p.tenant)
	s.mu.Lock()
	defer s.mu.Unlock()
	p.box, p.failed = box, err
	close(p.ready)
	if err == nil {
		s.metrics.opened.Inc()
		s.log.Info("opened a sandbox", zap.String("tenant", p.tenant), zap.Duration("took", time.Since(began)))
		if p.leaving { // it was asked to while it opened
			s.close(p)
			return
		}
		s.work.Go(func() {
			<-box.ended.Done()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.leave(p) // one that has ended by itself too
		})
		return
	}
	s.metrics.failed.Inc()
	s.log.Error("a sandbox could not be opened", zap.String("tenant", p.tenant), zap.Error(err))
	s.forget(p)
}

// forget makes room for another one of the tenant. mu is held.
func (s *sandboxes) forget(p *place) {
	delete(s.places, p.tenant)
	s.metrics.open.Set(float64(len(s.places)))
	close(p.gone)
}

func (s *sandboxes) exit(p *place) {
	s.mu.Lock()
	p.users--
	p.used = time.Now()
	s.mu.Unlock()
}

// room reports whether another one may open. Where there are as many as may be, the
// one that was used longest ago closes, if nobody uses it now. mu is held.
func (s *sandboxes) room() bool {
	most := s.config.Load().Sandbox.Open
	if most == 0 || len(s.places) < most {
		return true
	}
	var idle []*place
	for _, p := range s.places {
		if p.isOpen() && p.users == 0 && !p.leaving {
			idle = append(idle, p)
		}
	}
	if len(idle) > 0 {
		s.leave(slices.MinFunc(idle, func(a, b *place) int { return cmp.Compare(a.used.UnixNano(), b.used.UnixNano()) }))
	}
	return false // the client asks again
}

func (p *place) isOpen() bool {
	select {
	case <-p.ready:
		return p.failed == nil
	default:
		return false
	}
}

func (s *sandboxes) closeIdle(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.places {
		if p.isOpen() && p.users == 0 && !p.leaving && p.used.Before(before) {
			s.leave(p)
		}
	}
}

// leave closes a sandbox, once it is open. mu is held.
func (s *sandboxes) leave(p *place) {
	if p.leaving {
		return
	}
	if p.leaving = true; p.isOpen() {
		s.close(p)
	}
}

// close ends what is open. mu is held.
func (s *sandboxes) close(p *place) {
	s.work.Go(func() {
		if err := p.box.close(); err != nil {
			s.log.Error("a sandbox was not closed in order", zap.String("tenant", p.tenant), zap.Error(err))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forget(p)
	})
}
