package media

import (
	"errors"
	"time"
)

const (
	// mostReady bounds the pairs of ports that are in no call and have what one needs: those
	// of former calls, and others, up to half of the range, that are made ready before they
	// are wanted. The sockets of a pair take some 6 KB of the kernel's memory.
	mostReady = 2048
	// So many are made ready at a time, 0.15 ms of work: on a host with one processor the
	// packets wait meanwhile.
	readyAtOnce = 8
	stockEvery  = 20 * time.Millisecond
)

// sleeper is a backend that keeps what belongs to a port for the next call.
type sleeper interface {
	// asleep reports whether it does. It is asked only by who may give the port away.
	asleep(port uint16) bool
	// prepare does for a port that is in no call what sleep does.
	prepare(port uint16) error
	sleepers() int
}

// stockUp makes some pairs ready for the next calls, and reports whether more are wanted.
func (r *Relay) stockUp() (more bool) {
	r.gate.RLock()
	defer r.gate.RUnlock()
	if r.closed {
		return false
	}
	for _, n := range r.networks {
		more = n.stockUp() || more
	}
	return more
}

// stockUp leaves alone what another program holds.
func (n *network) stockUp() (more bool) {
	b, ok := n.backend.(sleeper)
	if !ok {
		return false
	}
	for range readyAtOnce {
		number, ok := n.ports.takeUnready(min(mostReady, n.ports.total/2))
		if !ok {
			return false
		}
		p := pair{network: n, number: number}
		err := errors.Join(b.prepare(number), b.prepare(number+1))
		p.giveBack()
		if err != nil {
			return false // after the next sweep others are tried
		}
	}
	return true
}
