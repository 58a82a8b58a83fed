package media

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"go.uber.org/zap"
)

// network is one address of the relay with its ports and what moves their
// packets. A side of a session belongs to one; its other side may be in another.
type network struct {
	cfg     Config // as of this address
	backend backend
	ports   *portPool
	scarce  bool // the sweeper's: few ports are left
}

// openNetworks opens all, with the random source for the ports of each.
func (r *Relay) openNetworks(random rand.Source) (why string, err error) {
	backends, why, err := openBackends(&r.cfg, r.total, r.now, r.log)
	if err != nil {
		return "", fmt.Errorf("opening the media backend: %w", err)
	}
	for i, b := range backends {
		cfg := r.cfg.at(i)
		ports := newPortPool(cfg.PortMin, cfg.PortMax, rand.New(random))
		r.networks = append(r.networks, &network{cfg: cfg, backend: b, ports: ports})
		random = another(random)
	}
	return why, nil
}

// another source that is drawn from this one.
func another(random rand.Source) rand.Source {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(random.Uint64())
	}
	return rand.NewChaCha8(seed)
}

func (r *Relay) closeNetworks() {
	for _, n := range r.networks {
		n.backend.stop()
		n.backend.release()
	}
}

// networkOf finds the network with this advertised address; zero: the first.
func (r *Relay) networkOf(advertised netip.Addr) (*network, error) {
	if !advertised.IsValid() {
		return r.networks[0], nil
	}
	for _, n := range r.networks {
		if n.cfg.Advertise == advertised.Unmap() {
			return n, nil
		}
	}
	return nil, ErrAddress
}

func (n *network) calls() int { return n.ports.total * 2 / portsPerCall }

func (r *Relay) announce(why string) {
	for _, n := range r.networks {
		r.log.Info("media relay ready", zap.String("backend", n.backend.name()), zap.String("because", why),
			zap.Stringer("addr", n.cfg.Addr), zap.Uint16("port_min", n.cfg.PortMin), zap.Uint16("port_max", n.cfg.PortMax),
			zap.Int("calls", n.calls()), zap.Int("loops", n.cfg.Loops))
	}
}

// Move gives a side another of the relay's addresses, and new ports there; where
// it has that address already, nothing changes. What comes to its former ports is
// dropped, and they rest. The side's remote and latch are as if new: SetRemote is
// due. It returns ErrAddress, ErrPortsExhausted, ErrBind or ErrClosed, after
// which the side is where it was.
func (s *Session) Move(which Side, advertised netip.Addr) error {
	r := s.relay
	n, err := r.networkOf(advertised)
	if err != nil {
		return err
	}
	r.gate.RLock()
	defer r.gate.RUnlock()
	if r.closed {
		return ErrClosed
	}
	if s.Local(which).Addr() == n.cfg.Advertise {
		return nil
	}
	fresh, err := r.bindPair(n)
	if err != nil {
		return err
	}
	former, err := s.replace(which, fresh)
	if err != nil {
		fresh.giveBack()
		return err
	}
	r.resting.add(rest{pair: former, until: r.now() + r.cfg.Drain})
	return nil
}

// replace starts a side's new ports and closes and returns its former ones; one of
// the two pairs is closed in any case.
func (s *Session) replace(which Side, fresh pair) (former pair, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reclaim()
	d := &s.sides[which]
	err = ErrClosed
	if !s.released {
		err = d.start(fresh)
	}
	if err != nil {
		fresh.close()
		return pair{}, err
	}
	former = d.pair()
	former.close()
	d.use(fresh)
	d.named = false
	return former, nil
}
