package sip

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/sip/naming"
)

// Resolver looks names of trunks up, and says for how long what it found holds. No
// records and no error: there are none. *naming.Client is one.
type Resolver interface {
	NAPTR(ctx context.Context, name string) ([]naming.NAPTR, time.Duration, error)
	SRV(ctx context.Context, name string) ([]naming.SRV, time.Duration, error)
	// Addrs has "ip4" and "ip6" for network, or "ip" for both.
	Addrs(ctx context.Context, network, host string) ([]netip.Addr, time.Duration, error)
}

// resolution is what a trunk's name means. It is replaced, never changed.
type resolution struct {
	targets []target // in the order of their records
	// sources are the addresses that the name has had of late, and when it had them
	// last: dialogs outlive an answer of DNS.
	sources map[netip.Addr]time.Time
	whole   time.Time // when all servers asked gave an answer; zero: they never did
}

const (
	lookupTimeout = 30 * time.Second
	mostLookups   = 16 // at a time
	firstRetry    = 5 * time.Second
	sourceLife    = 4 * time.Hour // that an address is still a source of the trunk
	wholeLife     = time.Hour     // that an answer is kept against one with gaps
)

// resolver looks up the names of trunks whenever an answer runs out, so that no call
// waits for it. What it knew is kept where an answer does not come.
type resolver struct {
	edge     *Edge
	dns      Resolver
	again    chan struct{} // there are other trunks
	finished chan finished

	plan   map[*trunk]*lookupPlan // of run alone
	flying int
}

// lookupPlan is when a name is looked up next.
type lookupPlan struct {
	due      time.Time
	flying   bool
	outdated bool // the one that flies began under other trunks
	failures int  // in a row
}

// finished is a lookup that is over.
type finished struct {
	trunk  *trunk
	life   time.Duration
	failed bool
}

func newResolver(e *Edge) *resolver {
	return &resolver{
		edge: e, dns: e.cfg.Resolver, plan: map[*trunk]*lookupPlan{},
		again: make(chan struct{}, 1), finished: make(chan finished, mostLookups),
	}
}

// hurry has the names looked up now.
func (r *resolver) hurry() {
	select {
	case r.again <- struct{}{}:
	default:
	}
}

// run works until ctx ends. A name that nobody answers for keeps no other waiting.
func (r *resolver) run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	r.adopt(r.edge.now())
	for {
		timer.Reset(r.start(ctx, &work))
		select {
		case <-ctx.Done():
			return
		case <-r.again:
			r.adopt(r.edge.now())
		case f := <-r.finished:
			r.finish(f)
		case <-timer.C:
		}
	}
}

// adopt makes the names of the trunks in effect due, since other trunks may hold
// other addresses now.
func (r *resolver) adopt(now time.Time) {
	next := map[*trunk]*lookupPlan{}
	for _, t := range r.edge.set().list {
		if t.name == "" {
			continue
		}
		p := r.plan[t]
		if p == nil {
			p = &lookupPlan{}
		}
		p.due, p.outdated = now, p.flying
		next[t] = p
	}
	for t, p := range r.plan {
		if next[t] == nil && p.flying {
			next[t] = p
		}
	}
	r.plan = next
}

// start begins what is due, a few at a time, and returns how long nothing else is.
func (r *resolver) start(ctx context.Context, work *sync.WaitGroup) time.Duration {
	now := r.edge.now()
	wait := time.Hour
	for t, p := range r.plan {
		switch {
		case p.flying || r.flying == mostLookups:
		case p.due.After(now):
			wait = min(wait, p.due.Sub(now))
		default:
			p.flying = true
			r.flying++
			work.Go(func() {
				life, ok := r.refresh(ctx, t)
				r.finished <- finished{t, life, !ok} // it has room for all
			})
		}
	}
	return wait
}

// finish plans the next lookup of a name: when the answer runs out, with a tenth of
// that by lot, so that names do not stay in step; after a failure soon, then more
// seldom.
func (r *resolver) finish(f finished) {
	r.flying--
	p := r.plan[f.trunk]
	if p == nil {
		return
	}
	if p.flying = false; r.edge.set().byName[f.trunk.Name] != f.trunk {
		delete(r.plan, f.trunk)
		return
	}
	wait := f.life
	if p.failures++; !f.failed {
		p.failures = 0
	} else {
		wait = min(firstRetry<<min(p.failures-1, 10), r.edge.cfg.DNSRefresh)
	}
	p.due = r.edge.now().Add(wait - rand.N(wait/10+1))
	if p.outdated {
		p.due, p.outdated = r.edge.now(), false
	}
}

// rename has sources found by what names mean now.
func (e *Edge) rename() {
	e.changing.Lock()
	defer e.changing.Unlock()
	s := e.set()
	s.matcher.rename(s.list)
}

// refresh looks one name up and tells for how long that holds. Its addresses are
// sources at once, however long the next name takes.
func (r *resolver) refresh(ctx context.Context, t *trunk) (life time.Duration, ok bool) {
	l := lookup{dns: r.dns, trunk: t, life: r.edge.cfg.DNSRefresh}
	waited, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	if l.find(waited); ctx.Err() != nil {
		return 0, false // the edge ends
	}
	r.claim(t, &l)
	old, now := t.resolved.Load(), r.edge.now()
	gaps := l.failed != nil && old != nil && now.Sub(old.whole) < wholeLife
	if len(l.targets) == 0 || gaps {
		r.fail(t, old)
		r.giveUp(t, old)
		return l.life, false
	}
	next := old.follow(&l, now)
	maps.DeleteFunc(next.sources, func(a netip.Addr, _ time.Time) bool { return r.taken(t, a) })
	t.resolved.Store(next)
	if old == nil || !maps.EqualFunc(old.sources, next.sources, func(time.Time, time.Time) bool { return true }) {
		r.edge.rename()
	}
	if t.state.stale.Swap(false) {
		r.edge.log.Info("the name of a trunk is found again", zap.String("trunk", t.Name))
	}
	if old == nil {
		r.edge.found(t)
	}
	return l.life, true
}

// follow makes the resolution that comes after an old one, which may be nil.
func (old *resolution) follow(l *lookup, now time.Time) *resolution {
	next := &resolution{targets: l.targets, sources: map[netip.Addr]time.Time{}}
	if old != nil {
		next.whole = old.whole
		for addr, seen := range old.sources {
			if now.Sub(seen) < sourceLife {
				next.sources[addr] = seen
			}
		}
	}
	if l.failed == nil {
		next.whole = now
	}
	for _, one := range l.targets {
		for _, addr := range one.addrs {
			next.sources[addr.Addr()] = now
		}
	}
	return next
}

// fail tells once of a name that is not found, and counts on.
func (r *resolver) fail(t *trunk, old *resolution) {
	t.state.metrics.lookupFailures.Inc()
	if t.state.stale.Swap(true) {
		return
	}
	what := "the name of a trunk is not found; its last addresses are kept"
	if old == nil {
		what = "the name of a trunk is not known"
	}
	r.edge.log.Warn(what, zap.String("trunk", t.Name))
}

// isAtName reports whether the trunk's name has had an address of late.
func (t *trunk) isAtName(a netip.Addr) bool {
	known := t.resolved.Load()
	if known == nil {
		return false
	}
	_, ok := known.sources[a]
	return ok
}

// callable reports whether calls can be sent there, if its name is known.
func (t *trunk) callable() bool { return t.addr.IsValid() || t.name != "" }

// found tells that a trunk's name is known for the first time.
func (e *Edge) found(t *trunk) {
	if t.Probe.Every < 0 {
		t.state.up.Store(true)
		e.showCarrier(t.Carrier)
		return
	}
	e.linkLost(t) // its probe waits no longer
}
