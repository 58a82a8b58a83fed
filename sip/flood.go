package sip

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// What a network of everybody may send before it has shown the password.
const (
	newcomerRate  = 10   // datagrams of one source a second
	newcomerBurst = 40   // and at once
	newcomersRate = 1000 // of all of them together, per second
	newcomerCells = 4096 // sources that share one share its limit
)

// newcomers limits sources that no trunk's networks name and that have not had a
// password right. Its size is fixed: any number of forged sources finds no memory
// to fill.
type newcomers struct {
	seed  maphash.Seed
	cells [newcomerCells]atomic.Int64 // when the cell's sources are back at nothing, nanoseconds since 1970
	all   *rate.Limiter
}

func newNewcomers() *newcomers {
	return &newcomers{seed: maphash.MakeSeed(), all: rate.NewLimiter(newcomersRate, newcomersRate)}
}

func (n *newcomers) allow(source netip.Addr, now time.Time) bool {
	const each, most = int64(time.Second / newcomerRate), int64(newcomerBurst) * int64(time.Second/newcomerRate)
	cell := &n.cells[maphash.Comparable(n.seed, sourceOf(source))%newcomerCells]
	for {
		due := cell.Load()
		next := max(due, now.UnixNano()) + each
		if next-now.UnixNano() > most {
			return false
		}
		if cell.CompareAndSwap(due, next) {
			return n.all.AllowN(now, 1)
		}
	}
}

// hears reports whether a datagram of a trunk comes within its limits. Where the
// trunk's network is everybody, newcomers have a limit of their own, so that they
// do not use up that of those who are known.
func (e *Edge) hears(t *trunk, source netip.Addr) bool {
	if t.isNewcomer(source) {
		return e.hearsNewcomer(source)
	}
	if !t.flood.Allow() {
		e.metrics.floods.Inc()
		return false
	}
	return true
}

// find is the trunk of a source, nil for a stranger.
func (e *Edge) find(source netip.AddrPort) *trunk { return e.findNamed(source, nil) }

// findNamed is the trunk of a source that showed a certificate of these names. Of
// several that may be everybody, it is the one whose password the source has had
// right, else one that is gone and has calls yet: it is heard as that one's.
func (e *Edge) findNamed(source netip.AddrPort, names []string) *trunk {
	set := e.set()
	t := set.findNamed(source, names)
	if t == nil || !t.isNewcomer(source.Addr()) {
		return t
	}
	if known := set.byName[e.auth.owners.of(source.Addr())]; known != nil && known.digest != nil && known.isPlain() &&
		known.allows(source.Addr()) && known.digest.guesses.knows(source.Addr()) {
		return known
	}
	if before := set.retiredAt(source, names); before != nil {
		return before
	}
	return t
}

// isNewcomer reports whether nothing but a digest can tell that a source is the
// trunk's, and it has not had one right yet.
func (t *trunk) isNewcomer(source netip.Addr) bool {
	return t.digest != nil && t.isPlain() && !t.trusts(source) && !t.digest.guesses.knows(source)
}

func (e *Edge) hearsNewcomer(source netip.Addr) bool {
	if !e.newcomers.allow(source, e.now()) {
		e.metrics.newcomers.Inc()
		return false
	}
	return true
}

// mostUnacknowledged bounds the calls of one trunk whose final answer waits for
// its ACK: whoever sends INVITEs and nothing else fills this and no more.
const mostUnacknowledged = 1000

// countUnacknowledged keeps the trunk's count of them.
func (a *actor) countUnacknowledged(waits bool) {
	switch {
	case waits && !a.unacknowledged:
		a.trunk.state.unacknowledged.Add(1)
	case !waits && a.unacknowledged:
		a.trunk.state.unacknowledged.Add(-1)
	}
	a.unacknowledged = waits
}

// unacknowledged reports whether our final answer to the caller waits for its ACK.
func (c *call) unacknowledged() bool {
	return c.a.invite.state == txCompleted || c.a.invite.state == txAccepted
}
