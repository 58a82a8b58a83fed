package media

import (
	"fmt"
	"net/netip"

	"go.uber.org/zap"
)

// backend moves datagrams between the network and ports. It calls
// [port.receive] for each datagram that it has, holding the session's lock. One
// that forwards by itself may do so only while the side's source is latched,
// [side.hears] holds for the other side, nobody listens for keys or records, and
// neither side has SRTP.
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

// endpoint is one bound port. All methods are called with the session's lock held.
type endpoint interface {
	// start delivers to p from now on. Those of one session and one address share
	// a thread.
	start(p *port) error
	// send sends b, which it may not keep. A zero target is the peer of aim. w is
	// the work of the thread whose turn it is, nil outside of them.
	send(b []byte, target netip.AddrPort, w *work) Drop
	// aim marks what is sent with dscp, and lets datagrams in from peer alone;
	// from anyone where peer is zero. Where it fails nothing is filtered.
	aim(peer netip.AddrPort, dscp uint8) error
	close()
}

// opener opens one backend, for one address.
type opener func(cfg Config, total *counters, now clock, log *zap.Logger) (backend, error)

// openBackends chooses by configuration and by what this host permits, and says
// why. All addresses have the same.
func openBackends(cfg *Config, total *counters, now clock, log *zap.Logger) (all []backend, why string, err error) {
	each := func(open opener) ([]backend, error) { return openEach(cfg, open, total, now, log) }
	switch cfg.Backend {
	case "", "auto":
		all, denied := each(openKernel)
		if denied == nil {
			return all, "the fastest that this host permits", nil
		}
		all, err = each(openSteer)
		if err == nil {
			return all, "kernel cannot be had here: " + denied.Error(), nil
		}
		why = "steer cannot be had here: " + err.Error()
		all, err = openReserved(cfg, each)
		return all, why, err
	case "kernel":
		all, err = each(openKernel)
		return all, "configured", err
	case "steer":
		all, err = each(openSteer)
		return all, "configured", err
	case "portable":
		all, err = openReserved(cfg, each)
		return all, "configured", err
	default:
		return nil, "", fmt.Errorf("media backend %q is not known here: auto, kernel, steer or portable", cfg.Backend)
	}
}

// openReserved opens the portable backend where there are descriptors for the
// whole range of each address.
func openReserved(cfg *Config, each func(opener) ([]backend, error)) ([]backend, error) {
	if err := reserveDescriptors(*cfg); err != nil {
		return nil, err
	}
	return each(openPortable)
}

// openEach opens a backend for each address, or none.
func openEach(cfg *Config, open opener, total *counters, now clock, log *zap.Logger) (all []backend, err error) {
	for i := range cfg.addresses() {
		b, err := open(cfg.at(i), total, now, log)
		if err != nil {
			closeBackends(all)
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

func closeBackends(all []backend) {
	for _, b := range all {
		b.stop()
		b.release()
	}
}
