package media

import (
	"fmt"
	"net/netip"

	"go.uber.org/zap"
)

// backend moves datagrams between the network and ports. It calls
// [port.receive] for each datagram that it has, holding the session's lock. One
// that forwards by itself may do so only while the side's source is latched,
// [side.hears] holds for the other side, and nobody listens for keys.
type backend interface {
	name() string
	// bind takes a local UDP port. Datagrams go nowhere until start.
	bind(port uint16) (endpoint, error)
	// stop ends the movement of packets and waits for it. Endpoints remain to
	// be closed; nothing may be bound or started any more.
	stop()
	// release frees what is left, after all endpoints are closed.
	release()
}

// endpoint is one bound port. All methods but start are called with the
// session's lock held.
type endpoint interface {
	// start delivers to p from now on. Endpoints of one session share a thread.
	start(p *port) error
	// send sends b, which it may not keep. A zero target is the peer of aim.
	send(b []byte, target netip.AddrPort) Drop
	// aim marks what is sent with dscp, and lets datagrams in from peer alone;
	// from anyone where peer is zero. Where it fails nothing is filtered.
	aim(peer netip.AddrPort, dscp uint8) error
	close()
}

// openBackend chooses by configuration and by what this host permits, and says
// why.
func openBackend(cfg Config, total *counters, now clock, log *zap.Logger) (b backend, why string, err error) {
	switch cfg.Backend {
	case "", "auto":
		b, denied := openKernel(cfg, total, now, log)
		if denied == nil {
			return b, "the fastest that this host permits", nil
		}
		b, err = openSteer(cfg, total, now, log)
		if err == nil {
			return b, "kernel cannot be had here: " + denied.Error(), nil
		}
		why = "steer cannot be had here: " + err.Error()
		b, err = openReserved(cfg, total, now, log)
		return b, why, err
	case "kernel":
		b, err = openKernel(cfg, total, now, log)
		return b, "configured", err
	case "steer":
		b, err = openSteer(cfg, total, now, log)
		return b, "configured", err
	case "portable":
		b, err = openReserved(cfg, total, now, log)
		return b, "configured", err
	default:
		return nil, "", fmt.Errorf("media backend %q is not known here: auto, kernel, steer or portable", cfg.Backend)
	}
}

// openReserved opens the portable backend where there are descriptors for its
// whole range.
func openReserved(cfg Config, total *counters, now clock, log *zap.Logger) (backend, error) {
	if err := reserveDescriptors(cfg); err != nil {
		return nil, err
	}
	return openPortable(cfg, total, now, log)
}
