package media

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// steer has one receiving socket per thread for the whole range of ports, and one
// raw socket to send with: a port is an entry in two tables, and packets are
// read and written many at a time. A BPF program finds the thread of a port
// (steer_program_linux.go). It needs CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW.
type steer struct {
	cfg      Config
	total    *counters
	table    []atomic.Pointer[steered] // by port, from PortMin on
	held     heldPorts
	steering *steering
	forward  *forwarding // nil: all packets come to user space
	raw      int
	loops    []*steerLoop
	running  sync.WaitGroup

	single sync.Mutex // of what is sent outside a thread's turn
	packet outgoing
}

func openSteer(cfg Config, total *counters, now clock, log *zap.Logger) (backend, error) {
	if cfg.Addr.IsUnspecified() {
		return nil, errors.New("steer needs one address of this host in media.addr")
	}
	b := &steer{cfg: cfg, total: total, raw: -1, table: make([]atomic.Pointer[steered], int(cfg.PortMax)-int(cfg.PortMin)+1)}
	b.held = heldPorts{cfg: &b.cfg, now: now}
	if err := b.open(now, log); err != nil {
		b.release()
		return nil, err
	}
	for _, l := range b.loops {
		b.running.Go(l.run)
	}
	return b, nil
}

func (b *steer) open(now clock, log *zap.Logger) (err error) {
	if b.steering, err = newSteering(b.cfg); err != nil {
		return err
	}
	if b.raw, err = openRaw(b.cfg.Addr); err != nil {
		return err
	}
	var sockets []int
	for range b.cfg.Loops {
		l, err := newSteerLoop(b, now, log)
		if err != nil {
			return err
		}
		b.loops, sockets = append(b.loops, l), append(sockets, l.fd)
	}
	return b.steering.attach(sockets)
}

// openRaw makes the socket that takes whole IP packets and receives none.
func openRaw(addr netip.Addr) (int, error) {
	family := unix.AF_INET
	if addr.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return -1, fmt.Errorf("opening the raw socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, steerSendBuffer) // as far as it goes
	return fd, nil
}

const (
	steerSendBuffer    = 4 << 20
	steerReceiveBuffer = 16 << 20
)

func (b *steer) name() string {
	if b.forward != nil {
		return "kernel"
	}
	return "steer"
}

// bind sees to it that nobody else has the port, who would lose what comes there.
func (b *steer) bind(port uint16) (endpoint, error) {
	held, err := b.held.has(port)
	if err == nil && held {
		err = unix.EADDRINUSE
	}
	if err != nil {
		return nil, err
	}
	return &steered{backend: b, number: port}, nil
}

func (b *steer) stop() {
	b.steering.detach()
	if b.forward != nil {
		b.forward.detach()
	}
	for _, l := range b.loops {
		l.stop()
	}
	b.running.Wait()
}

func (b *steer) release() {
	if b.steering != nil {
		b.steering.close()
	}
	if b.forward != nil {
		b.forward.close()
	}
	for _, l := range b.loops {
		_ = unix.Close(l.fd)
	}
	if b.raw >= 0 {
		_ = unix.Close(b.raw)
	}
}

// steered is one port.
type steered struct {
	backend *steer
	port    *port // set by start
	number  uint16
	dscp    uint8
	closed  bool
}

func (e *steered) index() int { return int(e.number - e.backend.cfg.PortMin) }

func (e *steered) start(p *port) error {
	e.port = p
	thread := int(p.session.shard % uint32(len(e.backend.loops)))
	if e.backend.forward != nil && !p.rtcp {
		p.session.sides[p.side].bypass = &flow{forward: e.backend.forward, index: uint16(e.index() / 2)}
	}
	e.backend.table[e.index()].Store(e)
	return e.backend.steering.set(e.index(), thread)
}

// aim only marks: the latch alone judges who may send to us.
func (e *steered) aim(_ netip.AddrPort, dscp uint8) error {
	e.dscp = dscp
	return errors.ErrUnsupported
}

// send adds to what the thread sends at the end of its turn; outside of a turn of
// its own, which a side at another address has not, it sends at once.
func (e *steered) send(b []byte, target netip.AddrPort, w *work) Drop {
	if e.closed {
		return DropDraining
	}
	from := netip.AddrPortFrom(e.backend.cfg.Addr, e.number)
	if w != nil && w.thread != nil && w.thread.backend == e.backend {
		return w.thread.outbox.add(from, target, e.dscp, b)
	}
	s := e.backend
	s.single.Lock()
	defer s.single.Unlock()
	if !s.packet.write(from, target, e.dscp, b) {
		return DropSize
	}
	if errno := s.packet.to.Send(s.raw, s.packet.bytes()); errno != 0 {
		return DropSend
	}
	return Relayed
}

func (e *steered) close() {
	if e.closed {
		return
	}
	e.closed = true
	if e.port != nil {
		_ = e.backend.steering.set(e.index(), -1) // it is within the map
		e.backend.table[e.index()].CompareAndSwap(e, nil)
	}
}
