package media

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// memInfo is what SO_MEMINFO tells of a socket. // linux/sock_diag.h
type memInfo [9]uint32

const memInfoDrops = 8

// lostAt is how many datagrams the system has dropped at a socket since it was
// opened, modulo 2^32: those that its buffer had no room for, and the few with a
// wrong checksum.
func lostAt(fd int) (uint32, bool) {
	var info memInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	return info[memInfoDrops], errno == 0 && size == uint32(unsafe.Sizeof(info))
}

// countLost adds what was lost since the last time, and keeps in known how much
// it was in all.
func (c *counters) countLost(fd int, known *uint32) {
	if lost, ok := lostAt(fd); ok && lost != *known {
		c.overruns.Add(uint64(lost - *known))
		*known = lost
	}
}

// countOverruns looks at the sockets of the threads.
func (b *steer) countOverruns() {
	for _, l := range b.loops {
		b.total.countLost(l.fd, &l.lost)
	}
}

// overrunParts is how many sweeps it takes to look at all ports.
const overrunParts = 8

// countOverruns looks at the next part of the sockets. Each is looked at once
// more when it is closed.
func (b *portable) countOverruns() {
	part := (len(b.sockets) + overrunParts - 1) / overrunParts
	first := b.looked * part
	b.looked = (b.looked + 1) % overrunParts
	for i := first; i < min(first+part, len(b.sockets)); i++ {
		if s := b.sockets[i].Load(); s != nil && s.port != b.nobody { // who sleeps is sent nothing
			s.look()
		}
	}
}

func (s *socket) look() {
	s.port.session.mu.Lock()
	defer s.port.session.mu.Unlock()
	if s.fd >= 0 {
		s.backend.total.countLost(int(s.fd), &s.lost)
	}
}
