package media

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"maskline/udp"
)

// portable moves packets with ordinary sockets, one per port, and one epoll
// loop per thread. It needs no privilege.
type portable struct {
	cfg   Config
	total *counters

	// sockets by port, from PortMin on. A loop finds a socket here by what
	// epoll tells it, so that it never holds a descriptor that may be closed
	// and given out again.
	sockets    []atomic.Pointer[socket]
	generation atomic.Uint32
	loops      []*loop

	nobody     *port        // whose the sockets are that sleep
	sleeping   atomic.Int32 // how many
	mostAsleep int32
	closing    atomic.Bool

	looked  int // how many parts of the sockets countOverruns has looked at
	running sync.WaitGroup
}

func openPortable(cfg Config, total *counters, now clock, log *zap.Logger) (backend, error) {
	b := &portable{
		cfg: cfg, total: total,
		sockets: make([]atomic.Pointer[socket], int(cfg.PortMax)-int(cfg.PortMin)+1),
		nobody:  &port{session: &Session{released: true}}, mostAsleep: mostAsleep,
	}
	if cfg.Addr.IsUnspecified() {
		b.mostAsleep = 0 // connected, a socket has one address, and others may take the port at the rest
	}
	if err := b.probe(); err != nil {
		return nil, err
	}
	for range cfg.Loops {
		l, err := newLoop(b.sockets, total, now, log)
		if err != nil {
			b.release()
			return nil, err
		}
		b.loops = append(b.loops, l)
	}
	for _, l := range b.loops {
		b.running.Go(l.run)
	}
	return b, nil
}

func (b *portable) name() string { return "portable" }

// probe finds out whether the address is ours before the first call does.
func (b *portable) probe() error {
	fd, err := openSocket(&b.cfg, 0)
	if err != nil {
		return fmt.Errorf("binding to media address %v: %w", b.cfg.Addr, err)
	}
	return unix.Close(fd)
}

func (b *portable) bind(port uint16) (endpoint, error) {
	if s := b.awaken(port); s != nil {
		return s, nil
	}
	fd, err := openSocket(&b.cfg, port)
	if err != nil {
		return nil, err
	}
	return &socket{backend: b, fd: int32(fd), index: port - b.cfg.PortMin, generation: uint16(b.generation.Add(1))}, nil
}

// openSocket makes a bound socket. Nothing is shared (no SO_REUSEPORT): another
// process must not take part in a call.
func openSocket(cfg *Config, port uint16) (int, error) {
	family := unix.AF_INET
	if cfg.Addr.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return -1, err
	}
	if err := prepareSocket(cfg, fd, port); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func prepareSocket(cfg *Config, fd int, port uint16) error {
	if cfg.Addr.Is6() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return err
		}
	}
	if n := cfg.ReceiveBuffer; n > 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, n); err != nil {
			return err
		}
	}
	var to udp.Sockaddr
	to.Put(netip.AddrPortFrom(cfg.Addr, port))
	return to.Bind(fd)
}

func (b *portable) stop() {
	b.closing.Store(true)
	for _, l := range b.loops {
		l.stop()
	}
	b.running.Wait()
}

func (b *portable) release() {
	b.closeSleepers()
	for _, l := range b.loops {
		l.close()
	}
}
