package media

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"maskline/udp"
)

// socket is one bound UDP socket. While it sleeps (stock_linux.go) it is nobody's.
type socket struct {
	backend    *portable
	port       *port  // set by start
	fd         int32  // -1: closed, or another socket's now
	lost       uint32 // datagrams that had no room, as far as counted
	generation uint16
	loop       uint16 // that watches it, from 1 on; 0: none yet
	index      uint16 // in backend.sockets
	dscp       uint8
	connected  bool
}

func (s *socket) number() uint16 { return s.backend.cfg.PortMin + s.index }

func (s *socket) start(p *port) error {
	s.port = p
	s.backend.sockets[s.index].Store(s)
	if err := s.join(p.session.shard % uint32(len(s.backend.loops))); err != nil {
		return err
	}
	return s.admit(netip.AddrPort{})
}

// join has one loop watch the socket, that of its session.
func (s *socket) join(which uint32) error {
	loop := uint16(which) + 1
	if s.loop == loop {
		return nil
	}
	if s.loop != 0 {
		if err := s.backend.loops[s.loop-1].leave(int(s.fd)); err != nil {
			return err
		}
		s.loop = 0
	}
	if err := s.backend.loops[which].watch(int(s.fd), int32(s.index), s.generation); err != nil {
		return err
	}
	s.loop = loop
	return nil
}

// aim marks what is sent, and lets the peer in alone.
func (s *socket) aim(peer netip.AddrPort, dscp uint8) error {
	if s.fd < 0 {
		return ErrClosed
	}
	s.mark(dscp)
	return s.admit(peer)
}

// admit connects the socket, so that the kernel drops all datagrams but the
// peer's, or disconnects it. What was queued before is still judged.
func (s *socket) admit(peer netip.AddrPort) error {
	if !peer.IsValid() && !s.connected {
		return nil
	}
	var to udp.Sockaddr // zero: AF_UNSPEC, which disconnects
	to.Put(peer)
	if err := to.Connect(int(s.fd)); err != nil {
		return err
	}
	s.connected = peer.IsValid()
	return nil
}

// mark sets the traffic class. A network that ignores it carries the call too.
func (s *socket) mark(dscp uint8) {
	if dscp == s.dscp {
		return
	}
	level, option := unix.IPPROTO_IP, unix.IP_TOS
	if s.backend.cfg.Addr.Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
	}
	if unix.SetsockoptInt(int(s.fd), level, option, int(dscp)<<2) == nil { // RFC 2474 §3
		s.dscp = dscp
	}
}

// send tries once more where the first try only fetched an error that an
// earlier packet had caused.
func (s *socket) send(b []byte, target netip.AddrPort, _ *work) Drop {
	if s.fd < 0 {
		return DropDraining
	}
	var to udp.Sockaddr
	to.Put(target)
	errno := to.Send(int(s.fd), b)
	if errno == unix.ECONNREFUSED || errno == unix.EHOSTUNREACH || errno == unix.ENETUNREACH {
		s.backend.total.icmp.Add(1)
		errno = to.Send(int(s.fd), b)
	}
	if errno != 0 {
		return DropSend
	}
	return Relayed
}

func (s *socket) close() {
	if s.fd < 0 {
		return
	}
	s.backend.total.countLost(int(s.fd), &s.lost)
	if !s.backend.sleep(s) {
		s.backend.sockets[s.index].Store(nil)
		_ = unix.Close(int(s.fd)) // leaves the epoll set with it
	}
	s.fd = -1
}
