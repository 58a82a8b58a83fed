package media

import (
	"time"

	"go.uber.org/zap"
)

// overrunWitness is a backend that can ask the system how many datagrams it has
// dropped at full receive buffers. It adds what is new to the counters.
type overrunWitness interface{ countOverruns() }

// overrunOver is for how long nothing may have been lost until a loss is told of
// again.
const overrunOver = time.Minute

// overruns tells of lost datagrams once for as long as they go on. It is the
// sweeper's.
type overruns struct {
	seen uint64
	last time.Duration // when there were more; 0: never
}

// watchOverruns asks every backend, and tells of a loss when it begins.
func (r *Relay) watchOverruns(now time.Duration) {
	for _, n := range r.networks {
		if w, ok := n.backend.(overrunWitness); ok {
			w.countOverruns()
		}
	}
	o, count := &r.overruns, r.total.overruns.Load()
	if count == o.seen {
		return
	}
	if o.last == 0 || now-o.last > overrunOver {
		r.log.Warn("media is lost at full receive buffers: packets come faster than they are read", zap.Uint64("packets", count-o.seen))
	}
	o.seen, o.last = count, now
}
