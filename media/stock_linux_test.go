package media

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTwoPairs is a relay with room for one call, whose ports rest no time.
func onTwoPairs(c *Config) {
	onPortable(c)
	c.PortMin, c.PortMax, c.Drain = 20000, 20003, 0
}

// end releases a session, and lets its ports rest until they are free.
func (b *bed) end(s *Session) {
	s.Release()
	b.sweep()
}

func TestSocketsServeTheNextCall(t *testing.T) {
	for _, addr := range []string{"", "::1", "0.0.0.0", "::"} {
		t.Run("at "+addr, func(t *testing.T) {
			ip, local := "127.0.0.", netip.MustParseAddr("127.0.0.1")
			b := newBed(t, func(c *Config) {
				onTwoPairs(c)
				if addr == "" {
					return
				}
				c.Addr = netip.MustParseAddr(addr)
				if c.Addr.IsUnspecified() {
					c.Advertise = local
				}
				if c.Addr.Is6() {
					ip, c.Advertise = "", netip.IPv6Loopback()
				}
			})
			peerAt := func(last string) *peer {
				if ip == "" {
					return newPeer(t, "::1")
				}
				return newPeer(t, ip+last)
			}
			before, kept := descriptors(t), portsPerCall
			if b.cfg.Addr.IsUnspecified() {
				kept = 0
			}
			for call := range 20 {
				a, z := peerAt("2"), peerAt("3")
				s := b.call(a, z)
				if n := b.kept(); n != 0 {
					t.Fatalf("call %d: %d sockets sleep", call, n)
				}
				exchange(t, s, A, a, z, 1)
				exchange(t, s, B, z, a, 1)
				_, _ = a.conn.WriteToUDPAddrPort(packet(1, 2), s.Local(A)) // for nobody
				b.end(s)
				if n := b.kept(); n != kept {
					t.Fatalf("call %d: %d sockets sleep, want %d", call, n, kept)
				}
			}
			if n := descriptors(t) - before - 2*20; n != kept {
				t.Errorf("%d descriptors more, want %d", n, kept)
			}
		})
	}
}

// A socket at all addresses that is connected to itself is at one of them alone. If it
// slept, another program could take its port at the others, and with it the next
// call's media.
func TestAPortAtAllAddressesIsNotLeftToOthers(t *testing.T) {
	b := newBed(t, func(c *Config) {
		onTwoPairs(c)
		c.Addr, c.Advertise = netip.IPv4Unspecified(), netip.MustParseAddr("127.0.0.1")
	})
	b.stockUp()
	s := b.allocate(Options{})
	b.end(s)
	b.stockUp()
	occupy(t, netip.MustParseAddr("127.0.0.9"), s.Local(A).Port())
	if _, err := b.Allocate(Options{}); !errors.Is(err, ErrBind) {
		t.Errorf("a port that another program has serves a call: %v", err)
	}
}

// A port whose socket sleeps answers as one that has none, and takes nothing in that the
// next call would hear.
func TestSleepingPortsLookClosed(t *testing.T) {
	b := newBed(t, onTwoPairs)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	exchange(t, s, A, a, z, 1)
	at := s.Local(A)
	b.end(s)
	dropped := b.total.drops[DropDraining].Load()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write(packet(1, 2))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a port in no call answers %v", err)
	}
	a.send(at, packet(1, 2)) // who was in the call before
	if got := b.total.drops[DropDraining].Load(); got != dropped {
		t.Errorf("%d datagrams came in", got-dropped)
	}
	c, d := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	fresh := b.call(c, d)
	exchange(t, fresh, A, c, d, 1)
	exchange(t, fresh, B, d, c, 1)
	if st := fresh.Stats(); st.A.Received.Packets != 1 || st.A.Dropped.Total()+st.B.Dropped.Total() != 0 {
		t.Errorf("the next call was told of the former: %+v", st)
	}
}

// What waits in the sockets when the call's rest ends is read and counted, and not
// heard by the next call, even between the same parties.
func TestWhatWaitsIsNotForTheNextCall(t *testing.T) {
	b := newBed(t, onTwoPairs)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	to := s.Local(A)
	dropped := b.total.drops[DropDraining].Load()
	s.mu.Lock() // whoever reads waits for it
	for seq := range uint16(20) {
		a.send(to, packet(1, seq))
	}
	s.mu.Unlock()
	b.end(s)
	heard := b.total.in.packets.Load()
	next := b.call(a, z)
	exchange(t, next, B, z, a, 1)
	eventually(t, "each is counted once", func() bool {
		return heard+b.total.drops[DropDraining].Load()-dropped == 20
	})
	if n := next.Stats().A.Received.Packets; n != 0 {
		t.Errorf("the next call heard %d of them", n)
	}
}

// Half of the range is made ready before anybody calls, little by little.
func TestSocketsAreMadeAhead(t *testing.T) {
	b := newBed(t, func(c *Config) { onPortable(c); c.PortMin, c.PortMax = 20000, 20099 })
	rounds := 1
	for b.stockUp() {
		if n := b.kept(); n != 2*readyAtOnce*rounds {
			t.Fatalf("round %d: %d sockets sleep", rounds, n)
		}
		if rounds++; rounds > 25 {
			t.Fatal("it has no end")
		}
	}
	if n := b.kept(); n != 50 {
		t.Errorf("%d sockets sleep, want those of 25 of 50 pairs", n)
	}
	b.allocate(Options{})
	b.stockUp()
	if n := b.kept(); n != 50 {
		t.Errorf("%d sockets sleep after a call has begun, want 50", n)
	}
}

func TestStockIsBounded(t *testing.T) {
	b := newBed(t, func(c *Config) { onPortable(c); c.Drain = 0 })
	b.networks[0].backend.(*portable).mostAsleep = 10
	before := descriptors(t)
	var all []*Session
	for range 20 {
		all = append(all, b.allocate(Options{}))
	}
	for _, s := range all {
		s.Release()
	}
	b.sweep()
	if n := b.kept(); n != 10 {
		t.Errorf("%d sockets sleep, want 10", n)
	}
	if n := descriptors(t) - before; n != 10 {
		t.Errorf("%d descriptors more, want 10", n)
	}
	for range 20 {
		b.allocate(Options{})
	}
	if n := descriptors(t) - before - b.kept(); n != 20*portsPerCall {
		t.Errorf("%d descriptors more than the sleeping ones, want those of the calls", n)
	}
}

// A socket serves the thread of the session that it belongs to, which need not be that of the last
// one.
func TestSocketsChangeThreads(t *testing.T) {
	b := newBed(t, func(c *Config) { onTwoPairs(c); c.Loops = 2 })
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	seen := map[uint16]bool{}
	for range 6 {
		s := b.call(a, z)
		loops := map[uint16]bool{}
		for _, p := range s.ports() {
			loops[p.out.(*socket).loop] = true
			seen[p.out.(*socket).loop] = true
		}
		if len(loops) != 1 {
			t.Errorf("one session has %d threads", len(loops))
		}
		exchange(t, s, A, a, z, 1)
		b.end(s)
	}
	if len(seen) != 2 {
		t.Errorf("%d threads served, want 2", len(seen))
	}
}

func TestClosingEndsSleep(t *testing.T) {
	newPeer(t, "127.0.0.1") // opens what the runtime itself keeps
	before := descriptors(t)
	b := newBed(t, onPortable)
	b.end(b.allocate(Options{}))
	resting, live := b.allocate(Options{}), b.allocate(Options{})
	resting.Release()
	b.pass(time.Second)
	if b.kept() == 0 {
		t.Error("nothing sleeps")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	live.Release()
	if n := descriptors(t); n != before {
		t.Errorf("%d descriptors, %d before", n, before)
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(resting.Local(A)))
	if err != nil {
		t.Fatalf("the port is still held: %v", err)
	}
	_ = conn.Close()
}
