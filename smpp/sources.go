package smpp

import (
	"net/netip"
	"sync"
	"time"
)

// sources counts what each source address does before it is bound: open
// connections and failed binds. An IPv6 source is its /64. The table is
// bounded; where it is full, an old record goes.
type sources struct {
	cfg        AuthConfig
	maxUnbound int

	mu   sync.Mutex
	seen map[netip.Prefix]*sourceRecord
}

type sourceRecord struct {
	unbound  int
	failures int
	since    time.Time // of the first failure counted
}

// maxSources bounds the table.
const maxSources = 4096

func newSources(cfg AuthConfig, maxUnbound int) *sources {
	return &sources{cfg: cfg, maxUnbound: maxUnbound, seen: make(map[netip.Prefix]*sourceRecord)}
}

func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// admit counts a new connection, or refuses it: the source failed too often of
// late, or has too many connections that are not bound.
func (s *sources) admit(source netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record(sourceOf(source), now)
	if r == nil || r.unbound >= s.maxUnbound || s.refused(r, now) {
		return false
	}
	r.unbound++
	return true
}

// settled ends the wait of a connection: it bound or is gone.
func (s *sources) settled(source netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sourceOf(source)
	if r := s.seen[key]; r != nil {
		r.unbound--
		if r.unbound == 0 && r.failures == 0 {
			delete(s.seen, key)
		}
	}
}

// failed counts a failed bind.
func (s *sources) failed(source netip.Addr, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record(sourceOf(source), now)
	if r == nil {
		return
	}
	if now.Sub(r.since) >= s.cfg.Per {
		r.failures, r.since = 0, now
	}
	r.failures++
}

// locked reports whether the source failed too often of late.
func (s *sources) locked(source netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.seen[sourceOf(source)]
	return r != nil && s.refused(r, now)
}

func (s *sources) refused(r *sourceRecord, now time.Time) bool {
	return r.failures >= s.cfg.Failures && now.Sub(r.since) < s.cfg.Per
}

// record finds or makes a record. It returns nil where the table is full of
// sources with open connections.
func (s *sources) record(key netip.Prefix, now time.Time) *sourceRecord {
	if r := s.seen[key]; r != nil {
		return r
	}
	if len(s.seen) >= maxSources && !s.evict() {
		return nil
	}
	r := &sourceRecord{since: now}
	s.seen[key] = r
	return r
}

// evict removes the oldest of a few records that have no open connection. The
// map's order is random, so nobody can choose which; to look at all of them
// would cost more than a connection does.
func (s *sources) evict() bool {
	const draws = 8
	var oldest netip.Prefix
	found, drawn := false, 0
	for key, r := range s.seen {
		if drawn++; found && drawn > draws {
			break
		}
		if r.unbound == 0 && (!found || r.since.Before(s.seen[oldest].since)) {
			oldest, found = key, true
		}
	}
	delete(s.seen, oldest)
	return found
}
