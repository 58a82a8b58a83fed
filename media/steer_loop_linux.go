package media

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"unsafe"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"maskline/udp"
)

// steerBatch is how many datagrams one system call moves.
const steerBatch = 64

// steerLoop is one thread: it reads what was steered to its socket, relays it,
// and then sends what that made.
type steerLoop struct {
	backend *steer
	now     clock
	log     *zap.Logger
	fd      int
	lost    uint32 // datagrams that had no room, as far as counted
	stopped atomic.Bool
	work    work
	inbox   inbox
	outbox  outbox
	rhythm  rhythm
}

func newSteerLoop(b *steer, now clock, log *zap.Logger) (*steerLoop, error) {
	l := &steerLoop{backend: b, now: now, log: log, work: work{total: b.total}}
	l.work.thread, l.outbox.fd, l.outbox.total = l, b.raw, b.total
	family, level, origin := unix.AF_INET, unix.IPPROTO_IP, unix.IP_RECVORIGDSTADDR
	if b.cfg.Addr.Is6() {
		family, level, origin = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_RECVORIGDSTADDR
	}
	var err error
	if l.fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP); err != nil {
		return nil, fmt.Errorf("opening a thread's socket: %w", err)
	}
	size := b.cfg.ReceiveBuffer
	if size == 0 {
		size = steerReceiveBuffer
	}
	if unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		_ = unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size) // as far as it goes
	}
	var own udp.Sockaddr // of a port that the kernel chooses: only bound sockets can be chosen
	own.Put(netip.AddrPortFrom(b.cfg.Addr, 0))
	err = errors.Join(
		unix.SetsockoptInt(l.fd, level, origin, 1),
		own.Bind(l.fd))
	if err != nil {
		_ = unix.Close(l.fd)
		return nil, fmt.Errorf("binding a thread's socket to media address %v: %w", b.cfg.Addr, err)
	}
	l.inbox.init()
	return l, nil
}

func (l *steerLoop) run() {
	for {
		n, errno := l.inbox.receive(l.fd)
		if l.stopped.Load() {
			return
		}
		switch errno {
		case 0:
		case unix.EAGAIN, unix.EINTR:
			continue
		default: // what a peer's host reported; reading it has cleared it
			l.work.total.icmp.Add(1)
			continue
		}
		l.work.now = l.now()
		for i := 0; i < n; {
			i = l.turn(i, n)
		}
		l.outbox.flush()
		l.rhythm.rest(n, l.work.now)
	}
}

// stop makes run return: a socket that is shut down wakes who waits for it, and
// lets nobody wait any more. That it is not connected is reported and no matter.
func (l *steerLoop) stop() {
	l.stopped.Store(true)
	_ = unix.Shutdown(l.fd, unix.SHUT_RDWR)
}

// turn relays the datagrams from i to n. After a panic it returns early; the
// packet that caused it is lost, the ones behind it are not.
func (l *steerLoop) turn(i, n int) (next int) {
	next = i
	defer func() {
		if p := recover(); p != nil {
			l.work.total.drops[DropPanic].Add(1)
			l.log.Error("media loop met a bug", zap.Any("panic", p), zap.Stack("stack"))
		}
	}()
	for next < n {
		next++
		l.relay(next - 1)
	}
	return next
}

func (l *steerLoop) relay(i int) {
	b, from, port := l.inbox.datagram(i)
	cfg := &l.backend.cfg
	var e *steered
	if port >= cfg.PortMin && port <= cfg.PortMax {
		e = l.backend.table[port-cfg.PortMin].Load()
	}
	if e == nil {
		l.work.total.drops[DropDraining].Add(1)
		return
	}
	s := e.port.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.closed {
		l.work.total.drops[DropDraining].Add(1)
		return
	}
	e.port.receive(b, from, &l.work)
}

// mmsghdr is struct mmsghdr.
type mmsghdr struct {
	unix.Msghdr
	size uint32
	_    [4]byte
}

// inbox is what one recvmmsg fills.
type inbox struct {
	headers [steerBatch]mmsghdr
	vectors [steerBatch]unix.Iovec
	from    [steerBatch]udp.Sockaddr
	control [steerBatch][controlSize]byte
	buffers [steerBatch][maxPacket + 1]byte
}

// controlSize holds one message with the address that a datagram was sent to.
const controlSize = unix.SizeofCmsghdr + (unix.SizeofSockaddrInet6+7)&^7

func (in *inbox) init() {
	for i := range in.headers {
		h := &in.headers[i]
		in.vectors[i].Base = &in.buffers[i][0]
		in.vectors[i].SetLen(len(in.buffers[i]))
		h.Name, _ = in.from[i].Name()
		h.Iov = &in.vectors[i]
		h.SetIovlen(1)
		h.Control = &in.control[i][0]
	}
}

// receive waits for a datagram and takes along those that are there.
func (in *inbox) receive(fd int) (int, unix.Errno) {
	for i := range in.headers {
		in.headers[i].Namelen = udp.SizeofName
		in.headers[i].SetControllen(controlSize)
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.headers)), steerBatch, unix.MSG_WAITFORONE, 0, 0)
	return int(n), errno
}

// datagram is one of those received, its source, and the port that it was sent
// to; 0: the kernel did not tell.
func (in *inbox) datagram(i int) (b []byte, from netip.AddrPort, port uint16) {
	h := &in.headers[i]
	b = in.buffers[i][:min(int(h.size), len(in.buffers[i]))]
	const port4 = unix.SizeofCmsghdr + 2 // family, port: the same place in both versions
	if h.Controllen >= port4+2 {
		c := &in.control[i]
		port = uint16(c[port4])<<8 | uint16(c[port4+1])
	}
	return b, in.from[i].Get(), port
}

// outbox is what one sendmmsg sends. It belongs to its thread.
type outbox struct {
	fd      int
	total   *counters
	n       int
	headers [steerBatch]mmsghdr
	vectors [steerBatch]unix.Iovec
	packets [steerBatch]outgoing
}

func (o *outbox) add(from, to netip.AddrPort, dscp uint8, b []byte) Drop {
	if o.n == steerBatch {
		o.flush()
	}
	p := &o.packets[o.n]
	if !p.write(from, to, dscp, b) {
		return DropSize
	}
	v, h := &o.vectors[o.n], &o.headers[o.n]
	v.Base = &p.b[0]
	v.SetLen(p.size)
	h.Name, h.Namelen = p.to.Name()
	h.Iov = v
	h.SetIovlen(1)
	o.n++
	return Relayed
}

// flush sends all. One that the system refuses is counted, and the rest goes on.
func (o *outbox) flush() {
	for done := 0; done < o.n; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(o.fd), uintptr(unsafe.Pointer(&o.headers[done])), uintptr(o.n-done),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			o.total.drops[DropSend].Add(1)
			n = 1
		}
		done += int(n)
	}
	o.n = 0
}
