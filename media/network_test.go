package media

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// onBoth gives a relay an address of each IP version, with ports that other test
// processes hardly use on the one IPv6 address that there is.
func onBoth(c *Config) {
	c.PortMin = uint16(11000 + 100*rand.N(200))
	c.PortMax = c.PortMin + 63
	c.Others = []Address{{Addr: netip.IPv6Loopback(), Advertise: netip.MustParseAddr("2001:db8::5")}}
}

// onIPv6 has ports that other test processes hardly use on the one address that
// there is.
func onIPv6(c *Config) {
	onBoth(c)
	c.Addr, c.Others = netip.IPv6Loopback(), nil
}

// reach is where a peer of the same host sends to: not what is advertised.
func reach(s *Session, side Side) netip.AddrPort {
	return netip.AddrPortFrom(s.sides[side].network.cfg.Addr, s.Local(side).Port())
}

func TestIPv4ToIPv6(t *testing.T) {
	b := newBed(t, onBoth)
	a, aRTCP := newPeers(t, "127.0.0.1")
	z, zRTCP := newPeers(t, "::1")
	s := b.allocate(Options{At: [2]netip.Addr{{}, netip.MustParseAddr("2001:db8::5")}})
	if got := s.Local(A).Addr(); got != b.cfg.Addr {
		t.Errorf("side A has %v", got)
	}
	if got := s.Local(B).Addr(); got != netip.MustParseAddr("2001:db8::5") {
		t.Errorf("side B has %v", got)
	}
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	for seq := range uint16(20) {
		a.send(reach(s, A), packet(1, seq))
		if got, from := z.receive(); string(got) != string(packet(1, seq)) || from != reach(s, B) {
			t.Fatalf("packet %d changed, or came from %v", seq, from)
		}
		z.send(reach(s, B), packet(2, seq))
		if got, from := a.receive(); string(got) != string(packet(2, seq)) || from != reach(s, A) {
			t.Fatalf("packet %d changed, or came from %v", seq, from)
		}
	}
	aRTCP.send(next(reach(s, A)), marshal(t, senderReport()))
	zRTCP.receive()
	zRTCP.send(next(reach(s, B)), marshal(t, senderReport()))
	aRTCP.receive()
	stats := s.Release()
	if stats.A.Received.Packets != 20 || stats.B.Received.Packets != 20 || stats.A.Dropped.Total()+stats.B.Dropped.Total() != 0 {
		t.Errorf("%+v", stats)
	}
}

// TestMove gives a side an address of the other version between two attempts.
func TestMove(t *testing.T) {
	b := newBed(t, onBoth)
	v4, v6 := b.networks[0], b.networks[1]
	a, first, second := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1"), newPeer(t, "::1")
	s := b.call(a, first)
	exchange(t, s, A, a, first, 3)
	former := s.Local(B)

	if err := s.Move(B, v6.cfg.Advertise); err != nil {
		t.Fatal(err)
	}
	here := s.Local(B)
	if here.Addr() != v6.cfg.Advertise || v4.ports.used() != 2 || v6.ports.used() != 1 {
		t.Fatalf("side B is at %v, %d and %d pairs used", here, v4.ports.used(), v6.ports.used())
	}
	if err := s.Move(B, v6.cfg.Advertise); err != nil || s.Local(B) != here {
		t.Errorf("moving to where it is: %v, %v", err, s.Local(B))
	}
	b.setRemote(s, B, Remote{RTP: second.addr()})
	first.send(former, packet(9, 1)) // nobody is there
	a.send(s.Local(A), packet(1, 100))
	if _, from := second.receive(); from != reach(s, B) {
		t.Errorf("it came from %v", from)
	}
	second.send(reach(s, B), packet(2, 1))
	if got, _ := a.receive(); string(got) != string(packet(2, 1)) {
		t.Error("what came is not what was sent")
	}

	b.pass(999 * time.Millisecond)
	if got := v4.ports.used(); got != 2 {
		t.Errorf("%d pairs used before the former ports had rested, want 2", got)
	}
	b.pass(time.Millisecond)
	if got := v4.ports.used(); got != 1 {
		t.Errorf("%d pairs used once they had, want 1", got)
	}
	s.Release()
	b.pass(time.Second)
	if v4.ports.used()+v6.ports.used() != 0 {
		t.Errorf("%d and %d pairs left", v4.ports.used(), v6.ports.used())
	}
}

func TestMoveFails(t *testing.T) {
	b := newBed(t, func(c *Config) {
		onBoth(c)
		c.PortMax = c.PortMin + portsPerCall - 1
	})
	v6 := b.networks[1]
	both := b.allocate(Options{At: [2]netip.Addr{v6.cfg.Advertise, v6.cfg.Advertise}})
	s := b.allocate(Options{})
	before := s.Local(B)
	if err := s.Move(B, v6.cfg.Advertise); !errors.Is(err, ErrPortsExhausted) || s.Local(B) != before {
		t.Errorf("without a free port: %v, at %v", err, s.Local(B))
	}
	if err := s.Move(B, netip.MustParseAddr("192.0.2.1")); !errors.Is(err, ErrAddress) {
		t.Errorf("to an address that is not ours: %v", err)
	}
	both.Release()
	b.pass(time.Second)
	s.Release()
	if err := s.Move(B, v6.cfg.Advertise); !errors.Is(err, ErrClosed) || v6.ports.used() != 0 {
		t.Errorf("after the release: %v, %d pairs used", err, v6.ports.used())
	}
	b.pass(time.Second)
	if _, err := b.Allocate(Options{At: [2]netip.Addr{{}, netip.MustParseAddr("192.0.2.1")}}); !errors.Is(err, ErrAddress) {
		t.Errorf("allocated at an address that is not ours: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Move(B, v6.cfg.Advertise); !errors.Is(err, ErrClosed) {
		t.Errorf("after the relay's end: %v", err)
	}
}

// TestMovesUnderLoad moves while packets come.
func TestMovesUnderLoad(t *testing.T) {
	b := newBed(t, onBoth)
	a, z := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	s := b.call(a, z)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for seq := range uint16(500) {
			a.send(s.Local(A), packet(1, seq))
			z.send(reachNow(s, B), packet(2, seq))
		}
	}()
	for i := range 20 {
		n := b.networks[(i+1)%2]
		if err := s.Move(B, n.cfg.Advertise); err != nil && !errors.Is(err, ErrPortsExhausted) {
			t.Error(err)
		}
		b.pass(time.Second)
	}
	<-done
	s.Release()
	b.pass(time.Second)
	for _, n := range b.networks {
		if got := n.ports.used(); got != 0 {
			t.Errorf("%d pairs left on %v", got, n.cfg.Addr)
		}
	}
}

// reachNow is reach for a side that moves; over IPv4 alone.
func reachNow(s *Session, side Side) netip.AddrPort {
	a := s.Local(side)
	if a.Addr().Is6() {
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), a.Port())
	}
	return a
}
