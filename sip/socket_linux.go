package sip

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// tune asks for the receive buffer, for ICMP messages about what we sent, and to
// let further sockets of ours share the address.
func (s *datagrams) tune(buffer int, share bool) error {
	raw, err := s.SyscallConn()
	if err != nil {
		return fmt.Errorf("tuning the socket: %w", err)
	}
	level, option := unix.SOL_IP, unix.IP_RECVERR
	if s.socket.local.Addr().Is6() {
		level, option = unix.SOL_IPV6, unix.IPV6_RECVERR
	}
	var sharing error
	err = raw.Control(func(fd uintptr) {
		// FORCE needs CAP_NET_ADMIN; without it the kernel's own limit holds.
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
		}
		_ = unix.SetsockoptInt(int(fd), level, option, 1)
		if share {
			sharing = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}
	})
	if err == nil {
		err = sharing
	}
	if err != nil {
		return fmt.Errorf("tuning the socket: %w", err)
	}
	return nil
}

// shared lets a further socket have the address of the first one. The kernel then
// spreads sources over them, each source to one.
func shared(_, _ string, raw syscall.RawConn) error {
	var fault error
	if err := raw.Control(func(fd uintptr) {
		fault = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); err != nil {
		return fmt.Errorf("sharing a port: %w", err)
	}
	return fault
}

// mostSockets bounds those of one address.
const mostSockets = 64

// undeliverable empties the socket's queue of ICMP messages. Those that it held
// would take room from what is received.
func (s *datagrams) undeliverable() {
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	var quoted [1024]byte
	var control [512]byte
	for {
		var n, controls int
		var fault error
		if raw.Control(func(fd uintptr) {
			n, controls, _, _, fault = unix.Recvmsg(int(fd), quoted[:], control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		}) != nil || fault != nil {
			return
		}
		if isUnreachable(control[:controls]) {
			s.edge.onUndeliverable(quoted[:n])
		}
	}
}

// discard drops what has come and was not read.
func (s *datagrams) discard() {
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	const most = 1 << 20 // more than the largest buffer holds: a flood does not keep us here
	var b [1]byte        // the rest of a datagram is dropped with it
	for range most {
		var fault error
		if raw.Control(func(fd uintptr) {
			_, _, fault = unix.Recvfrom(int(fd), b[:], unix.MSG_DONTWAIT)
		}) != nil || fault != nil {
			return
		}
	}
}

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
		if isUndeliverable(unix.Errno(binary.NativeEndian.Uint32(m.Data))) {
			return true
		}
	}
	return false
}
