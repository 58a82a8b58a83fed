package auth

import (
	"net/netip"
	"sync"
	"time"
)

const (
	failureWindow = time.Minute
	mostSources   = 65_536 // that are remembered; beyond it some are forgotten
	sourceBits    = 64     // of an IPv6 address: who has one usually has all of these
)

// failures counts failed authentications by source.
type failures struct {
	limit int // in a window; 0: none
	mu    sync.Mutex
	of    map[netip.Addr]failed
}

type failed struct {
	since time.Time
	count int
}

// add counts one failure and returns how long the source has to wait; 0: it has
// not failed too often.
func (f *failures) add(source netip.Addr, now time.Time) (wait time.Duration) {
	if f.limit == 0 {
		return 0
	}
	source = sourceOf(source)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[netip.Addr]failed{}
	}
	x, known := f.of[source]
	if !known && len(f.of) >= mostSources {
		f.forget(now)
	}
	if !known || now.Sub(x.since) >= failureWindow || now.Before(x.since) {
		x = failed{since: now}
	}
	x.count = min(x.count+1, f.limit+1)
	f.of[source] = x
	if x.count <= f.limit {
		return 0
	}
	return max(time.Second, failureWindow-now.Sub(x.since))
}

// forget makes room for one: of a few sources those go that are over, or else one of
// them. To look at all would let whoever has many addresses keep the edge busy.
func (f *failures) forget(now time.Time) {
	looked, gone := 0, 0
	var some netip.Addr
	for source, x := range f.of {
		if some = source; now.Sub(x.since) >= failureWindow {
			delete(f.of, source)
			gone++
		}
		if looked++; looked == fewSources {
			break
		}
	}
	if gone == 0 {
		delete(f.of, some)
	}
}

const fewSources = 8

// sourceOf is whose failures are counted together.
func sourceOf(a netip.Addr) netip.Addr {
	if a = a.Unmap().WithZone(""); a.Is6() {
		network, _ := a.Prefix(sourceBits) // it fails for lengths alone that addresses have not
		return network.Addr()
	}
	return a
}
