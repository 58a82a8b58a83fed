package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"maskline/sip/message"
	"maskline/udp"
)

// datagrams is one UDP socket with its guard: what comes from nobody's trunk, too
// fast, or in a form that message.Check refuses is dropped before it is parsed.
type datagrams struct {
	*udp.Socket
	edge   *Edge
	socket *socket // of which it is a part
}

// listenUDP opens the sockets of one address.
func (s *socket) listenUDP(addr netip.AddrPort, sockets int) error {
	all, err := udp.Listen(addr, sockets, s.edge.cfg.ReadBuffer)
	if err != nil {
		return err
	}
	for _, one := range all {
		d := &datagrams{Socket: one, edge: s.edge, socket: s}
		s.udp, s.local = append(s.udp, d), one.Local()
		if err := s.edge.readers.Add(one, d); err != nil {
			return fmt.Errorf("opening a socket: %w", err)
		}
	}
	return nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// Datagram handles what came; a panic costs this datagram alone.
func (s *datagrams) Datagram(b []byte, source netip.AddrPort) {
	defer s.edge.recovered("message")
	s.edge.metrics.octets[overUDP][inbound].Add(float64(len(b)))
	t := s.guard(b, source)
	if t == nil {
		return
	}
	msg, err := s.edge.parser.ParseSIP(b)
	if err != nil {
		s.edge.metrics.garbage.Inc()
		return
	}
	s.socket.receive(t, msg, source, 0, nil)
}

// Fault learns from ICMP to whom nothing could be delivered.
func (s *datagrams) Fault() { s.Notes(s.edge.onUndeliverable) }

// guard returns the trunk of a datagram that may be parsed, else nil.
func (s *datagrams) guard(b []byte, source netip.AddrPort) *trunk {
	m := s.edge.metrics
	t := s.edge.find(source)
	if t == nil {
		m.strangers.Inc()
		s.edge.strangers.refuse(source, s.socket.over, byAddress)
		return nil
	}
	if !s.edge.hears(t, source.Addr()) {
		return nil
	}
	if drop := message.Check(b); drop != message.Pass {
		m.drops[drop].Inc()
		return nil
	}
	if s.edge.drops(b) {
		return nil
	}
	return t
}

// send writes one datagram. A fault may be what ICMP said of an earlier one, to
// whomever: so it is tried again.
func (s *datagrams) send(data []byte, to netip.AddrPort) error {
	const tries = 3
	var err error
	for range tries {
		if err = s.Send(data, to); err == nil {
			s.edge.metrics.octets[overUDP][outbound].Add(float64(len(data)))
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		s.Fault()
	}
	return err
}

// isUndeliverable reports whether an error says that nobody is there.
func isUndeliverable(err error) bool {
	return errors.Is(err, errNoConnection) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}
