//go:build !linux

package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// MostShared bounds the sockets of one address: here it cannot be shared.
const MostShared = 1

// MaxDatagram bounds what is handled; longer datagrams cannot be.
const MaxDatagram = 65535

// Socket is one UDP socket of one IP version.
type Socket struct {
	conn  *net.UDPConn
	local netip.AddrPort
}

// Listen opens the socket of one address. buffer is the size of its receive
// buffer in octets; the system may give less.
func Listen(addr netip.AddrPort, _, buffer int) ([]*Socket, error) {
	network := "udp4"
	if addr.Addr().Is6() {
		network = "udp6"
	}
	var config net.ListenConfig
	conn, err := config.ListenPacket(context.Background(), network, addr.String())
	if err != nil {
		return nil, fmt.Errorf("opening a socket: %w", err)
	}
	s := &Socket{conn: conn.(*net.UDPConn)}
	_ = s.conn.SetReadBuffer(buffer) // as far as it goes
	s.local = unmapped(s.conn.LocalAddr().(*net.UDPAddr).AddrPort())
	return []*Socket{s}, nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// Local is the address that the socket is bound to.
func (s *Socket) Local() netip.AddrPort { return s.local }

// Close closes the socket.
func (s *Socket) Close() { _ = s.conn.Close() }

// Send sends one datagram.
func (s *Socket) Send(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
}

// Notes does nothing: here only timers tell of an unreachable peer.
func (s *Socket) Notes(func(quoted []byte)) {}

// Discard does nothing: here what has waited is served.
func (s *Socket) Discard() {}

// Fill is not known here.
func (s *Socket) Fill() float64 { return 0 }

// Handler takes what a socket has received. It must not keep the octets.
type Handler interface {
	Datagram(b []byte, from netip.AddrPort)
	// Fault says that reading has failed, for what ICMP said of a datagram that was
	// sent: there may be [Socket.Notes].
	Fault()
}

// Group reads sockets, each in a goroutine.
type Group struct {
	members []member // not changed once Run is called
}

type member struct {
	*Socket
	handler Handler
}

// NewGroup makes an empty group.
func NewGroup() (*Group, error) { return &Group{}, nil }

// Add adds a socket before Run is called.
func (g *Group) Add(s *Socket, h Handler) error {
	g.members = append(g.members, member{s, h})
	return nil
}

// Run serves until Stop, and returns when nobody reads any more.
func (g *Group) Run() {
	var readers sync.WaitGroup
	for _, m := range g.members {
		readers.Go(m.read)
	}
	readers.Wait()
}

func (m member) read() {
	b := make([]byte, MaxDatagram)
	for {
		n, from, err := m.conn.ReadFromUDPAddrPort(b)
		var timeout net.Error
		switch {
		case err == nil:
			m.handler.Datagram(b[:n], unmapped(from))
		case errors.Is(err, net.ErrClosed), errors.As(err, &timeout) && timeout.Timeout():
			return
		default:
			m.handler.Fault()
		}
	}
}

// Stop makes Run return, at once where it is called later.
func (g *Group) Stop() {
	for _, m := range g.members {
		_ = m.conn.SetReadDeadline(time.Unix(1, 0))
	}
}
