package udp

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockaddr is a socket address as the kernel writes it. The system calls here
// allocate nothing and never wait, so they are made without telling the
// scheduler.
type sockaddr struct {
	raw unix.RawSockaddrInet6 // an IPv4 address uses its first 16 octets
	len uint32
}

func (a *sockaddr) inet4() *unix.RawSockaddrInet4 {
	return (*unix.RawSockaddrInet4)(unsafe.Pointer(&a.raw))
}

func (a *sockaddr) put(ap netip.AddrPort) {
	if ip := ap.Addr().Unmap(); ip.Is4() {
		v4 := a.inet4()
		v4.Family, v4.Port, v4.Addr = unix.AF_INET, swapped(ap.Port()), ip.As4()
		a.len = unix.SizeofSockaddrInet4
		return
	}
	a.raw.Family, a.raw.Port, a.raw.Addr = unix.AF_INET6, swapped(ap.Port()), ap.Addr().As16()
	a.len = unix.SizeofSockaddrInet6
}

func (a *sockaddr) get() netip.AddrPort {
	if a.raw.Family == unix.AF_INET {
		v4 := a.inet4()
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), swapped(v4.Port))
	}
	return netip.AddrPortFrom(netip.AddrFrom16(a.raw.Addr).Unmap(), swapped(a.raw.Port))
}

// swapped turns network byte order into the host's and back.
func swapped(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

func (a *sockaddr) bind(fd int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(a.len))
	return fault(errno)
}

// name is the address that a socket is bound to.
func (a *sockaddr) name(fd int) error {
	a.len = uint32(unsafe.Sizeof(a.raw))
	_, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(unsafe.Pointer(&a.len)))
	return fault(errno)
}

func (a *sockaddr) send(fd int, b []byte) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&a.raw)), uintptr(a.len))
	return fault(errno)
}

// receive reads one datagram and its source; what b has no room for is cut off.
func (a *sockaddr) receive(fd int, b []byte) (int, error) {
	a.len = uint32(unsafe.Sizeof(a.raw))
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&a.raw)), uintptr(unsafe.Pointer(&a.len)))
	return int(n), fault(errno)
}

func fault(errno unix.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}
