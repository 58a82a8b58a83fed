package sip

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// backlog is how much of a socket's receive buffer is in use, 0 to 1.
func backlog(conn *net.UDPConn) float64 {
	const allocated, size, figures = 0, 1, 9 // SK_MEMINFO_RMEM_ALLOC, SK_MEMINFO_RCVBUF, SK_MEMINFO_VARS
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	var info [figures]uint32
	var fault syscall.Errno
	err = raw.Control(func(fd uintptr) {
		length := uint32(unsafe.Sizeof(info))
		_, _, fault = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
	})
	if err != nil || fault != 0 || info[size] == 0 {
		return 0
	}
	return float64(info[allocated]) / float64(info[size])
}
