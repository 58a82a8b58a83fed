package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	gosip "github.com/emiago/sipgo/sip"

	"maskline/sip/message"
)

// socket is one listening UDP socket with its guard. It is the net.PacketConn
// that sipgo's transport reads from: what comes from nobody's trunk, too fast, or
// in a form that message.Check refuses is dropped here, before it is parsed.
//
// To sipgo every datagram has the same source, so that its table of sources, which
// never shrinks, holds one entry; its handler is called in the goroutine that
// reads, so the true source is that of the datagram read last. Only sockets that
// were closed return an error: any other would end sipgo's loop.
type socket struct {
	*net.UDPConn
	edge  *Edge
	index int
	local netip.AddrPort
	own   string // advertised address
	layer *gosip.TransportLayer

	// Of the datagram in hand; the reading goroutine's alone.
	source netip.AddrPort
	trunk  *trunk
	parsed bool
}

// nobody is the source that sipgo sees.
type nobody struct{}

func (nobody) Network() string { return "udp" }
func (nobody) String() string  { return "trunk" }

func (e *Edge) listen(ctx context.Context, index int, cfg Listen) (*socket, error) {
	addr, err := parseUDP(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", cfg.Addr, err)
	}
	if cfg.Advertise != "" && !isHostPort(cfg.Advertise) {
		return nil, fmt.Errorf("listen %s: advertise is host:port", cfg.Addr)
	}
	network := "udp4"
	if addr.Addr().Is6() {
		network = "udp6"
	}
	var config net.ListenConfig
	conn, err := config.ListenPacket(ctx, network, addr.String())
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &socket{UDPConn: conn.(*net.UDPConn), edge: e, index: index, own: cfg.Advertise, parsed: true}
	s.local = unmapped(s.LocalAddr().(*net.UDPAddr).AddrPort())
	if s.own == "" {
		s.own = s.local.String()
		if s.local.Addr().IsUnspecified() {
			_ = conn.Close()
			return nil, fmt.Errorf("listen %s: advertise is needed where every address is listened on", cfg.Addr)
		}
	}
	if err := s.tune(e.cfg.ReadBuffer); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("listen %s: %w", cfg.Addr, err)
	}
	s.layer = gosip.NewTransportLayer(net.DefaultResolver, gosip.NewParser(), nil, gosip.WithTransportLayerLogger(e.parserLog))
	s.layer.OnMessage(s.receive)
	return s, nil
}

// isHostPort reports whether text can stand in Via and Contact.
func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return false
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-:", r)
	})
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// serve reads until the socket is closed.
func (s *socket) serve() {
	for !s.serveUntilFault() {
		s.edge.log.Warn("the SIP listener starts again")
	}
}

// serveUntilFault returns true when the socket was closed, false after a panic
// below our handler.
func (s *socket) serveUntilFault() (closed bool) {
	defer s.edge.recovered("listener")
	if err := s.layer.ServeUDP(s); err != nil {
		s.edge.log.Error("the SIP listener failed")
	}
	return true
}

// ReadFrom returns the next datagram that passes the guard.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
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
		if t := s.guard(b[:n], source); t != nil {
			s.source, s.trunk, s.parsed = source, t, false
			return n, nobody{}, nil
		}
	}
}

// guard returns the trunk of a datagram that may be parsed, else nil.
func (s *socket) guard(b []byte, source netip.AddrPort) *trunk {
	m := s.edge.metrics
	t := s.edge.set().find(source)
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
func (s *socket) receive(msg gosip.Message) {
	s.parsed = true
	defer s.edge.recovered("message")
	switch msg := msg.(type) {
	case *gosip.Request:
		req, fault := message.NewRequest(msg, s.source)
		s.edge.onRequest(s, s.trunk, req, fault)
	case *gosip.Response:
		res, fault := message.NewResponse(msg)
		s.edge.onResponse(s.trunk, res, fault, s.source)
	}
}

// send writes one datagram. What ICMP said of an earlier one, to whomever, the
// kernel reports on the next call, which then sends nothing: so it is tried again.
func (s *socket) send(data []byte, to netip.AddrPort) error {
	const tries = 3
	var err error
	for range tries {
		if _, err = s.WriteToUDPAddrPort(data, to); err == nil || errors.Is(err, net.ErrClosed) {
			return err
		}
		s.undeliverable()
	}
	return err
}

// isUndeliverable reports whether an error of the kernel says that nobody is there.
func isUndeliverable(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}
