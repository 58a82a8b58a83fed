package sip

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Resolver looks names of trunks up. *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// target is one address of a name, with the order of its SRV record.
type target struct {
	addr     netip.AddrPort
	priority uint16
	weight   uint16
}

// resolution is what a trunk's name means. It is replaced, never changed.
type resolution struct {
	targets []target // lower priorities first
	// sources are the addresses that the name has had of late, and when it had them
	// last: dialogs outlive an answer of DNS.
	sources map[netip.Addr]time.Time
}

const (
	lookupTimeout = 5 * time.Second
	mostLookups   = 16            // at a time
	mostTargets   = 32            // addresses of a name that are kept
	mostTried     = 4             // of them, by one call
	sourceLife    = 4 * time.Hour // that an address is still a source of the trunk
	shunFor       = 30 * time.Second
)

// resolver looks up the names of trunks again and again, so that no call waits for
// it. What it knew is kept where an answer does not come.
type resolver struct {
	edge  *Edge
	dns   Resolver
	again chan struct{} // there are other trunks
}

func newResolver(e *Edge) *resolver {
	return &resolver{edge: e, dns: e.cfg.Resolver, again: make(chan struct{}, 1)}
}

// hurry has the names looked up now.
func (r *resolver) hurry() {
	select {
	case r.again <- struct{}{}:
	default:
	}
}

// run works until ctx ends.
func (r *resolver) run(ctx context.Context) {
	tick := time.NewTicker(r.edge.cfg.DNSRefresh)
	defer tick.Stop()
	for {
		r.refreshAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-r.again:
		case <-tick.C:
		}
	}
}

// refreshAll looks all names up, a few at a time: those that nobody answers for
// shall not keep the others waiting.
func (r *resolver) refreshAll(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, mostLookups)
	for _, t := range r.edge.set().list {
		if t.name == "" || ctx.Err() != nil {
			continue
		}
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			r.refresh(ctx, t)
		})
	}
}

// rename has sources found by what names mean now.
func (e *Edge) rename() {
	e.changing.Lock()
	defer e.changing.Unlock()
	s := e.set()
	s.matcher.rename(s.list)
}

// refresh looks one name up. Its addresses are sources at once, however long the
// next name takes.
func (r *resolver) refresh(ctx context.Context, t *trunk) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	targets, err := r.lookup(ctx, t)
	old := t.resolved.Load()
	if err != nil || len(targets) == 0 {
		t.state.metrics.lookupFailures.Inc()
		if old == nil {
			r.edge.log.Warn("the name of a trunk is not known", zap.String("trunk", t.Name))
		}
		return
	}
	now := r.edge.now()
	next := &resolution{targets: targets, sources: map[netip.Addr]time.Time{}}
	if old != nil {
		for addr, seen := range old.sources {
			if now.Sub(seen) < sourceLife {
				next.sources[addr] = seen
			}
		}
	}
	for _, one := range targets {
		next.sources[one.addr.Addr()] = now
	}
	t.resolved.Store(next)
	if old == nil || !maps.EqualFunc(old.sources, next.sources, func(time.Time, time.Time) bool { return true }) {
		r.edge.rename()
	}
	if old == nil {
		r.edge.found(t)
	}
}

// lookup finds the addresses of a name. The transport is given, so NAPTR has no
// say; a port leaves SRV out. RFC 3263 §4.1, §4.2.
func (r *resolver) lookup(ctx context.Context, t *trunk) ([]target, error) {
	if t.port != 0 {
		return r.addresses(ctx, t, t.name, target{addr: netip.AddrPortFrom(netip.Addr{}, t.port)})
	}
	service, proto := "sip", t.over.String()
	if t.over == overTLS {
		service, proto = "sips", "tcp"
	}
	_, records, err := r.dns.LookupSRV(ctx, service, proto, t.name)
	var answer *net.DNSError
	switch {
	case err != nil && errors.As(err, &answer) && answer.IsNotFound:
		return r.addresses(ctx, t, t.name, target{addr: netip.AddrPortFrom(netip.Addr{}, t.over.port())})
	case err != nil:
		return nil, err
	}
	var all []target
	var failed error
	for _, srv := range records {
		if srv.Target == "." || srv.Port == 0 || len(all) >= mostTargets {
			continue // RFC 2782: the service is not there
		}
		more, err := r.addresses(ctx, t, srv.Target, target{netip.AddrPortFrom(netip.Addr{}, srv.Port), srv.Priority, srv.Weight})
		failed = cmp.Or(failed, err)
		all = append(all, more...)
	}
	if len(all) == 0 {
		return nil, failed
	}
	slices.SortStableFunc(all, func(a, b target) int { return cmp.Compare(a.priority, b.priority) })
	return all[:min(len(all), mostTargets)], nil
}

// addresses are those of a host that a socket of ours can send to.
func (r *resolver) addresses(ctx context.Context, t *trunk, host string, like target) ([]target, error) {
	found, err := r.dns.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var all []target
	for _, addr := range found {
		addr = addr.Unmap()
		if addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() || !t.reaches(addr) || len(all) == mostTargets {
			continue
		}
		like.addr = netip.AddrPortFrom(addr, like.addr.Port())
		all = append(all, like)
	}
	return all, nil
}

// order draws the order in which one call tries the targets: by priority, within
// one by weight. RFC 2782.
func order(targets []target, draw uint64) []netip.AddrPort {
	rest := slices.Clone(targets)
	list := make([]netip.AddrPort, 0, len(rest))
	for len(rest) > 0 {
		same, sum := 0, uint64(0)
		for same < len(rest) && rest[same].priority == rest[0].priority {
			sum += uint64(rest[same].weight)
			same++
		}
		draw = draw*6364136223846793005 + 1442695040888963407
		pick := (draw >> 33) % (sum + 1)
		chosen := 0
		for run := uint64(rest[0].weight); run < pick; run += uint64(rest[chosen].weight) {
			chosen++
		}
		if sum == 0 {
			chosen = int((draw >> 33) % uint64(same))
		}
		list = append(list, rest[chosen].addr)
		rest = slices.Delete(rest, chosen, chosen+1)
	}
	return list
}

// targets are the trunk's addresses in the order in which a call tries them. Those
// that failed of late come last.
func (t *trunk) targets(draw uint64, now time.Time) []netip.AddrPort {
	if t.name == "" {
		return []netip.AddrPort{t.addr}
	}
	known := t.resolved.Load()
	if known == nil {
		return nil
	}
	list := order(known.targets, draw)
	if len(list) > 1 {
		slices.SortStableFunc(list, func(a, b netip.AddrPort) int {
			return cmp.Compare(t.shunned(a, now), t.shunned(b, now))
		})
	}
	return list
}

// shun puts an address of a name behind the others for a while.
func (t *trunk) shun(addr netip.AddrPort, now time.Time) {
	if t.name == "" {
		return
	}
	t.state.shunning.Lock()
	defer t.state.shunning.Unlock()
	if t.state.shunned == nil || len(t.state.shunned) > 2*mostTargets {
		t.state.shunned = map[netip.AddrPort]time.Time{}
	}
	t.state.shunned[addr] = now.Add(shunFor)
}

// shunned is 1 for an address that failed of late.
func (t *trunk) shunned(addr netip.AddrPort, now time.Time) int {
	t.state.shunning.Lock()
	defer t.state.shunning.Unlock()
	if until, ok := t.state.shunned[addr]; ok && now.Before(until) {
		return 1
	}
	return 0
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
