package rtp

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// openSocket binds a UDP socket on a port of the kernel's choice that notes
// when each datagram came.
func openSocket(local netip.Addr) (fd int, bound netip.AddrPort, err error) {
	family := unix.AF_INET
	if local.Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return -1, bound, fmt.Errorf("opening a stream: %w", err)
	}
	var name unix.Sockaddr
	if err = unix.Bind(fd, sockaddr(netip.AddrPortFrom(local, 0))); err == nil {
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err == nil {
			name, err = unix.Getsockname(fd)
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, bound, fmt.Errorf("opening a stream on %v: %w", local, err)
	}
	port := 0
	switch n := name.(type) {
	case *unix.SockaddrInet4:
		port = n.Port
	case *unix.SockaddrInet6:
		port = n.Port
	}
	return fd, netip.AddrPortFrom(local, uint16(port)), nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// message receives datagrams without allocating.
type message struct {
	header  unix.Msghdr
	vector  unix.Iovec
	name    unix.RawSockaddrInet6
	control [64]byte
	data    [2048]byte

	size int
	from netip.AddrPort
	at   time.Time // when the kernel received it
}

// read takes the next datagram, if there is one.
func (m *message) read(fd int) bool {
	m.vector.Base = &m.data[0]
	m.vector.SetLen(len(m.data))
	m.header.Iov = &m.vector
	m.header.SetIovlen(1)
	m.header.Name, m.header.Namelen = (*byte)(unsafe.Pointer(&m.name)), uint32(unsafe.Sizeof(m.name))
	m.header.Control = &m.control[0]
	m.header.SetControllen(len(m.control))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&m.header)), unix.MSG_DONTWAIT)
	if errno != 0 {
		return false
	}
	m.size, m.from, m.at = int(n), m.source(), m.time()
	return true
}

func (m *message) source() netip.AddrPort {
	p := (*[2]byte)(unsafe.Pointer(&m.name.Port))
	port := uint16(p[0])<<8 | uint16(p[1])
	if m.name.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&m.name)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(m.name.Addr).Unmap(), port)
}

// time is the kernel's stamp; no other control message was asked for.
func (m *message) time() time.Time {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&m.control[0]))
	if int(m.header.Controllen) < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) || h.Type != unix.SO_TIMESTAMPNS {
		return time.Now()
	}
	return time.Unix((*unix.Timespec)(unsafe.Pointer(&m.control[unix.CmsgLen(0)])).Unix())
}
