package sip

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// authSources counts wrong answers of each source. An IPv6 source is its /64. The
// table is bounded; where it is full, an old record goes.
type authSources struct {
	cfg Auth

	mu   sync.Mutex
	seen map[netip.Prefix]sourceFailures
}

type sourceFailures struct {
	count int
	since time.Time // of the first one counted
}

// maxAuthSources bounds the table.
const maxAuthSources = 4096

func newAuthSources(cfg Auth) *authSources {
	return &authSources{cfg: cfg, seen: map[netip.Prefix]sourceFailures{}}
}

func sourceOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

func (s *authSources) locked(source netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.seen[sourceOf(source)]
	return r.count >= s.cfg.Failures && now.Sub(r.since) < s.cfg.Per
}

func (s *authSources) failed(source netip.Addr, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sourceOf(source)
	r, known := s.seen[key]
	if !known && len(s.seen) >= maxAuthSources {
		s.evict()
	}
	if now.Sub(r.since) >= s.cfg.Per {
		r = sourceFailures{since: now}
	}
	r.count++
	s.seen[key] = r
}

// evict removes the oldest of a few records. The map's order is random, so
// nobody can choose which.
func (s *authSources) evict() {
	const draws = 8
	var oldest netip.Prefix
	drawn := 0
	for key, r := range s.seen {
		if drawn == 0 || r.since.Before(s.seen[oldest].since) {
			oldest = key
		}
		if drawn++; drawn == draws {
			break
		}
	}
	delete(s.seen, oldest)
}

// authOwners tells which trunk's password a source had right last. The table is
// bounded, and only who has a password gets into it.
type authOwners struct {
	mu     sync.RWMutex
	trunks map[netip.Prefix]string
}

// maxAuthOwners bounds the table.
const maxAuthOwners = 1 << 16

func newAuthOwners() *authOwners { return &authOwners{trunks: map[netip.Prefix]string{}} }

// of is empty for an unknown source.
func (o *authOwners) of(source netip.Addr) string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.trunks[sourceOf(source)]
}

func (o *authOwners) note(source netip.Addr, trunk string) {
	key := sourceOf(source)
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.trunks[key]; !known && len(o.trunks) >= maxAuthOwners {
		for other := range o.trunks {
			delete(o.trunks, other)
			break
		}
	}
	o.trunks[key] = trunk
}

// guesses guards a trunk against guessing from many sources at once. Those that
// its networks name, or that have had the password right, are trusted: they
// neither count nor are they locked out, so nobody can lock out the owner.
// docs/decisions/014.
type guesses struct {
	mu       sync.Mutex
	failures int
	since    time.Time
	known    []netip.Prefix // latest last
}

// maxKnownSources bounds the sources that a trunk is known by.
const maxKnownSources = 64

func (g *guesses) judge(named bool, source netip.Addr, same bool, cfg *Auth, now time.Time) authVerdict {
	key := sourceOf(source)
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Index(g.known, key)
	trusted := named || at >= 0
	if now.Sub(g.since) >= cfg.Per {
		g.failures, g.since = 0, now
	}
	switch {
	case !trusted && g.failures >= cfg.TrunkFailures:
		return authTrunkLocked // a right password too, or it would be the one answer that differs
	case !same:
		if !trusted {
			g.failures++
		}
		return authWrong
	}
	if at >= 0 {
		g.known = slices.Delete(g.known, at, at+1)
	} else if len(g.known) >= maxKnownSources {
		g.known = slices.Delete(g.known, 0, 1)
	}
	g.known = append(g.known, key)
	return authAccepted
}

// knows reports whether a source has had the password right.
func (g *guesses) knows(source netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.known, sourceOf(source))
}

// replays remembers which counts of a nonce were used: the highest and the 63
// below it. Only nonces that were answered rightly come here.
type replays struct {
	mu    sync.Mutex
	used  map[uint64]*usedNonce // by serial
	floor time.Time             // nonces given until then are not taken any more
}

type usedNonce struct {
	issued  time.Time
	highest uint32
	below   uint64 // bit i: highest-i was used
	last    uint64 // transaction of the highest
}

// maxNonces bounds the nonces of one trunk that are in use.
const maxNonces = 4096

// use takes a count; false where it was used, or is too far below the highest. A
// repeated request may use the highest again.
func (r *replays) use(serial uint64, issued time.Time, count uint32, transaction uint64, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.used[serial]
	if n == nil {
		if !issued.After(r.floor) {
			return false
		}
		if len(r.used) >= maxNonces {
			r.forget(now)
		}
		if r.used == nil {
			r.used = map[uint64]*usedNonce{}
		}
		r.used[serial] = &usedNonce{issued: issued, highest: count, below: 1, last: transaction}
		return true
	}
	switch ahead := int64(count) - int64(n.highest); {
	case ahead > 0:
		n.below = n.below<<ahead | 1
		n.highest, n.last = count, transaction
		return true
	case ahead == 0:
		return transaction != 0 && transaction == n.last
	case ahead <= -64 || n.below>>-ahead&1 != 0:
		return false
	default:
		n.below |= 1 << -ahead
		return true
	}
}

// forget makes room: what is too old to be answered goes, else the older half,
// and no nonce of its time is taken any more.
func (r *replays) forget(now time.Time) {
	issued := make([]time.Time, 0, len(r.used))
	for serial, n := range r.used {
		if now.Sub(n.issued) > nonceLife {
			delete(r.used, serial)
			continue
		}
		issued = append(issued, n.issued)
	}
	if len(r.used) < maxNonces/2 {
		return
	}
	slices.SortFunc(issued, time.Time.Compare)
	floor := issued[len(issued)/2]
	if floor.After(r.floor) {
		r.floor = floor
	}
	for serial, n := range r.used {
		if !n.issued.After(floor) {
			delete(r.used, serial)
		}
	}
}
