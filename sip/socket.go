package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"maskline/sip/message"
)

// datagrams is one UDP socket with its guard. It is the net.PacketConn that
// sipgo's transport reads from: what comes from nobody's trunk, too fast, or in a
// form that message.Check refuses is dropped here, before it is parsed.
//
// To sipgo every datagram has the same source, so that its table of sources, which
// never shrinks, holds one entry; its handler is called in the goroutine that
// reads, so the true source is that of the datagram read last. Only sockets that
// were closed return an error: any other would end sipgo's loop.
type datagrams struct {
	*net.UDPConn
	edge   *Edge
	socket *socket // of which it is a part
	layer  *gosip.TransportLayer

	// Of the datagram in hand; the reading goroutine's alone.
	source netip.AddrPort
	trunk  *trunk
	parsed bool
}

// nobody is the source that sipgo sees.
type nobody struct{}

func (nobody) Network() string { return "udp" }
func (nobody) String() string  { return "trunk" }

// listenUDP opens the sockets of one address. The first one is alone there, or
// fails: the kernel would give a second edge half of our datagrams.
func (s *socket) listenUDP(ctx context.Context, addr netip.AddrPort, sockets int) error {
	for i := range max(sockets, 1) {
		config := net.ListenConfig{}
		if i > 0 {
			addr, config.Control = s.local, shared
		}
		conn, err := config.ListenPacket(ctx, network("udp", addr.Addr()), addr.String())
		if err != nil {
			return fmt.Errorf("opening a socket: %w", err)
		}
		d := &datagrams{UDPConn: conn.(*net.UDPConn), edge: s.edge, socket: s, parsed: true}
		s.udp = append(s.udp, d)
		s.local = unmapped(d.LocalAddr().(*net.UDPAddr).AddrPort())
		if err := d.tune(s.edge.cfg.ReadBuffer, sockets > 1); err != nil {
			return err
		}
		d.layer = gosip.NewTransportLayer(net.DefaultResolver, gosip.NewParser(), nil, gosip.WithTransportLayerLogger(s.edge.parserLog))
		d.layer.OnMessage(d.receive)
	}
	return nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// serve reads until the socket is closed.
func (s *datagrams) serve() {
	for !s.serveUntilFault() {
		s.edge.log.Warn("the SIP listener starts again")
	}
}

// serveUntilFault returns true when the socket was closed, false after a panic
// below our handler.
func (s *datagrams) serveUntilFault() (closed bool) {
	defer s.edge.recovered("listener")
	if err := s.layer.ServeUDP(s); err != nil {
		s.edge.log.Error("the SIP listener failed")
	}
	return true
}

// ReadFrom returns the next datagram that passes the guard.
func (s *datagrams) ReadFrom(b []byte) (int, net.Addr, error) {
	const (
		patience = 100                   // faults in a row that may be ICMP's word on what was sent
		pause    = 10 * time.Millisecond // after one more, which might come at once again
	)
	if !s.parsed {
		s.edge.metrics.garbage.Inc()
	}
	for faults := 0; ; {
		n, source, err := s.ReadFromUDPAddrPort(b)
		switch {
		case err == nil:
			faults = 0
		case errors.Is(err, net.ErrClosed):
			return 0, nil, err
		default:
			s.undeliverable()
			if faults++; faults > patience {
				time.Sleep(pause)
			}
			continue
		}
		source = unmapped(source)
		s.edge.metrics.octets[overUDP][inbound].Add(float64(n))
		if t := s.guard(b[:n], source); t != nil {
			s.source, s.trunk, s.parsed = source, t, false
			return n, nobody{}, nil
		}
	}
}

// guard returns the trunk of a datagram that may be parsed, else nil.
func (s *datagrams) guard(b []byte, source netip.AddrPort) *trunk {
	m := s.edge.metrics
	t := s.edge.find(source)
	if t == nil {
		m.strangers.Inc()
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

// receive is called by sipgo for each message that it could parse.
func (s *datagrams) receive(msg gosip.Message) {
	s.parsed = true
	defer s.edge.recovered("message")
	s.socket.receive(s.trunk, msg, s.source, 0, nil)
}

// send writes one datagram. What ICMP said of an earlier one, to whomever, the
// kernel reports on the next call, which then sends nothing: so it is tried again.
func (s *datagrams) send(data []byte, to netip.AddrPort) error {
	const tries = 3
	var err error
	for range tries {
		if _, err = s.WriteToUDPAddrPort(data, to); err == nil {
			s.edge.metrics.octets[overUDP][outbound].Add(float64(len(data)))
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		s.undeliverable()
	}
	return err
}

// isUndeliverable reports whether an error says that nobody is there.
func isUndeliverable(err error) bool {
	return errors.Is(err, errNoConnection) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}
