package udp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is one UDP socket of one IP version. Its methods may be called by many
// goroutines; after Close they fail with [net.ErrClosed].
type Socket struct {
	local netip.AddrPort

	mu sync.RWMutex // held for reading by those that use the descriptor
	fd int          // -1: closed

	turn atomic.Int32 // of whom it is read; see Group
}

// MostShared bounds the sockets of one address.
const MostShared = 64

// Listen opens the sockets of one address. The first one is alone there, or it
// fails: the kernel would give a second process half of the datagrams. Where there
// are several the kernel spreads sources over them, each source to one. buffer is
// the size of each receive buffer in octets; the system may give less.
func Listen(addr netip.AddrPort, sockets, buffer int) (all []*Socket, err error) {
	defer func() {
		if err != nil {
			for _, s := range all {
				s.Close()
			}
		}
	}()
	for i := range min(max(sockets, 1), MostShared) {
		s, err := open(addr, i > 0)
		if err != nil {
			return all, fmt.Errorf("opening a socket: %w", err)
		}
		all, addr = append(all, s), s.local
		if err := s.tune(buffer, sockets > 1); err != nil {
			return all, fmt.Errorf("tuning a socket: %w", err)
		}
	}
	return all, nil
}

func open(addr netip.AddrPort, shared bool) (*Socket, error) {
	family := unix.AF_INET
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &Socket{fd: fd}
	if family == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil && shared {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	var name Sockaddr
	name.Put(addr)
	if err == nil {
		err = os.NewSyscallError("bind", name.Bind(fd))
	}
	if err == nil {
		err = name.name(fd)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	s.local = name.Get()
	return s, nil
}

// tune asks for the receive buffer, for ICMP messages about what we sent, and to
// let further sockets of ours share the address.
func (s *Socket) tune(buffer int, share bool) error {
	level, option := unix.SOL_IP, unix.IP_RECVERR
	if s.local.Addr().Is6() {
		level, option = unix.SOL_IPV6, unix.IPV6_RECVERR
	}
	// FORCE needs CAP_NET_ADMIN; without it the kernel's own limit holds.
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	}
	_ = unix.SetsockoptInt(s.fd, level, option, 1)
	if share {
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}
	return nil
}

// Local is the address that the socket is bound to.
func (s *Socket) Local() netip.AddrPort { return s.local }

// Close closes the socket. Whoever reads it must have been stopped.
func (s *Socket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd >= 0 {
		_ = unix.Close(s.fd)
		s.fd = -1
	}
}

// use calls f with the descriptor while nobody may close it.
func (s *Socket) use(f func(fd int) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return net.ErrClosed
	}
	return f(s.fd)
}

// Send sends one datagram. What ICMP said of an earlier one, to whomever, the
// kernel reports on the next call, which then sends nothing. Where the send buffer
// is full it waits for sendWithin at most.
func (s *Socket) Send(b []byte, to netip.AddrPort) error {
	var a Sockaddr
	a.Put(to)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return net.ErrClosed
	}
	errno := a.Send(s.fd, b)
	if errno == unix.EAGAIN {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}, sendWithin)
		errno = a.Send(s.fd, b)
	}
	return fault(errno)
}

const sendWithin = 50 // ms

// receive reads a datagram that is there.
func (s *Socket) receive(b []byte) (n int, from netip.AddrPort, err error) {
	var a Sockaddr
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return 0, from, net.ErrClosed
	}
	n, errno := a.Receive(s.fd, b)
	if errno != 0 {
		return 0, from, errno
	}
	return min(n, len(b)), a.Get(), nil
}

// Notes empties the socket's queue of ICMP messages, which would take room from
// what is received. f gets the start of each datagram of ours to which nobody
// listened; it must not keep it.
func (s *Socket) Notes(f func(quoted []byte)) {
	var quoted [1024]byte
	var control [512]byte
	for {
		var n, controls int
		err := s.use(func(fd int) (err error) {
			n, controls, _, _, err = unix.Recvmsg(fd, quoted[:], control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			return err
		})
		if err != nil {
			return
		}
		if isUnreachable(control[:controls]) {
			f(quoted[:n])
		}
	}
}

var unreachable = []unix.Errno{unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH}

// isUnreachable reports whether the kernel says that nobody is there, and not
// that the datagram was too long.
func isUnreachable(control []byte) bool {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return false
	}
	for _, m := range messages {
		v4 := m.Header.Level == unix.SOL_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.SOL_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if (!v4 && !v6) || len(m.Data) < 4 {
			continue
		}
		// The error number is the first field of sock_extended_err.
		if slices.Contains(unreachable, unix.Errno(binary.NativeEndian.Uint32(m.Data))) {
			return true
		}
	}
	return false
}

// Discard drops what has come and was not read.
func (s *Socket) Discard() {
	const most = 1 << 20 // more than the largest buffer holds: a flood does not keep us here
	var b [1]byte        // the rest of a datagram is dropped with it
	for range most {
		if _, _, err := s.receive(b[:]); err != nil {
			return
		}
	}
}

// Fill is how much of the receive buffer is in use, 0 to 1.
func (s *Socket) Fill() float64 {
	const allocated, size, figures = 0, 1, 9 // SK_MEMINFO_RMEM_ALLOC, SK_MEMINFO_RCVBUF, SK_MEMINFO_VARS
	var info [figures]uint32
	err := s.use(func(fd int) error {
		length := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
		return fault(errno)
	})
	if err != nil || info[size] == 0 {
		return 0
	}
	return float64(info[allocated]) / float64(info[size])
}
