package udp

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockaddr is a socket address as the kernel writes it. The system calls here
// allocate nothing and never wait, so they are made without telling the
// scheduler.
type Sockaddr struct {
	raw unix.RawSockaddrInet6 // an IPv4 address uses its first 16 octets
	len uint32
}

func (a *Sockaddr) inet4() *unix.RawSockaddrInet4 {
	return (*unix.RawSockaddrInet4)(unsafe.Pointer(&a.raw))
}

// Put stores an address; the zero address leaves the family unspecified.
func (a *Sockaddr) Put(ap netip.AddrPort) {
	switch ip := ap.Addr().Unmap(); {
	case ip.Is4():
		v4 := a.inet4()
		v4.Family, v4.Port, v4.Addr = unix.AF_INET, swapped(ap.Port()), ip.As4()
		a.len = unix.SizeofSockaddrInet4
	case ip.Is6():
		a.raw.Family, a.raw.Port, a.raw.Addr = unix.AF_INET6, swapped(ap.Port()), ip.As16()
		a.len = unix.SizeofSockaddrInet6
	default:
		a.raw.Family, a.len = unix.AF_UNSPEC, unix.SizeofSockaddrInet4
	}
}

// Get is the address; zero where the family is neither.
func (a *Sockaddr) Get() netip.AddrPort {
	switch a.raw.Family {
	case unix.AF_INET:
		v4 := a.inet4()
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), swapped(v4.Port))
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.raw.Addr).Unmap(), swapped(a.raw.Port))
	}
	return netip.AddrPort{}
}

// Name is where a message's header points to, and how long that is.
func (a *Sockaddr) Name() (*byte, uint32) { return (*byte)(unsafe.Pointer(&a.raw)), a.len }

// SizeofName is the room behind Name.
const SizeofName = unix.SizeofSockaddrInet6

// swapped turns network byte order into the host's and back.
func swapped(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// Bind binds a socket to it.
func (a *Sockaddr) Bind(fd int) error { return a.call(unix.SYS_BIND, fd) }

// Connect connects a socket to it, or disconnects it where it is zero.
func (a *Sockaddr) Connect(fd int) error { return a.call(unix.SYS_CONNECT, fd) }

func (a *Sockaddr) call(trap uintptr, fd int) error {
	_, _, errno := unix.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(a.len))
	return fault(errno)
}

// name reads the address that a socket is bound to.
func (a *Sockaddr) name(fd int) error {
	a.len = SizeofName
	_, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(unsafe.Pointer(&a.len)))
	return fault(errno)
}

// Send sends b to the address, or to the connected peer where it is zero.
func (a *Sockaddr) Send(fd int, b []byte) unix.Errno {
	to, size := unsafe.Pointer(&a.raw), a.len
	if a.raw.Family == unix.AF_UNSPEC {
		to, size = nil, 0
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(to), uintptr(size))
	return errno
}

// Receive reads one datagram and its source. The size is the datagram's own,
// even where b is too short for it.
func (a *Sockaddr) Receive(fd int, b []byte) (int, unix.Errno) {
	a.raw.Family, a.len = unix.AF_UNSPEC, SizeofName
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_TRUNC, uintptr(unsafe.Pointer(&a.raw)), uintptr(unsafe.Pointer(&a.len)))
	return int(n), errno
}

func fault(errno unix.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}
