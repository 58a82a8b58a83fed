package media

import "go.uber.org/zap"

// Ports are told to be scarce when so many per cent are used, and not again before fewer were.
const (
	scarceFrom  = 80
	scarceUntil = 70
)

// watchPorts tells of a range that is about to be full.
func (r *Relay) watchPorts() {
	for _, n := range r.networks {
		percent := 100 * n.ports.used() / n.ports.total
		if percent >= scarceFrom && !n.scarce {
			r.log.Warn("few media ports are left: calls will soon be refused",
				zap.Stringer("addr", n.cfg.Addr), zap.Int("used", 2*n.ports.used()), zap.Int("ports", 2*n.ports.total))
		}
		n.scarce = percent >= scarceFrom || n.scarce && percent >= scarceUntil
	}
}
