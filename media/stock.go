package media

import "errors"

const (
	// mostReady bounds the pairs of ports that are in no call and have what one needs: those
	// of former calls, and others, up to half of the range, that are made ready before they
	// are wanted. The sockets of a pair take some 6 KB of the kernel's memory.
	mostReady = 2048
	// readyAtOnce is how many are made ready between two sweeps: 4 ms of work.
	readyAtOnce = 256
)

// sleeper is a backend that keeps what belongs to a port for the next call.
type sleeper interface {
	// asleep reports whether it does. It is asked only by who may give the port away.
	asleep(port uint16) bool
	// prepare does for a port that is in no call what sleep does.
	prepare(port uint16) error
	sleepers() int
}

// stockUp makes pairs ready for the next calls.
func (r *Relay) stockUp() {
	r.gate.RLock()
	defer r.gate.RUnlock()
	if r.closed {
		return
	}
	for _, n := range r.networks {
		n.stockUp()
	}
}

// stockUp leaves alone what another program holds.
func (n *network) stockUp() {
	b, ok := n.backend.(sleeper)
	if !ok {
		return
	}
	for range readyAtOnce {
		number, ok := n.ports.takeUnready(min(mostReady, n.ports.total/2))
		if !ok {
			return
		}
		p := pair{network: n, number: number}
		err := errors.Join(b.prepare(number), b.prepare(number+1))
		p.giveBack()
		if err != nil {
			return // the next sweep tries others
		}
	}
}
