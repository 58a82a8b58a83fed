package media

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

func TestCountPairs(t *testing.T) {
	for _, tt := range []struct {
		low, high uint16
		want      int
	}{
		{10000, 10001, 1},
		{10000, 10000, 0},
		{10001, 10003, 1},
		{10001, 10002, 0},
		{10000, 10007, 4},
		{10000, 10006, 3},
		{20, 10, 0},
		{0, 65535, 32768},
		{65535, 65535, 0},
		{65534, 65535, 1},
	} {
		if got := countPairs(tt.low, tt.high); got != tt.want {
			t.Errorf("%d-%d: %d pairs, want %d", tt.low, tt.high, got, tt.want)
		}
	}
}

func TestPoolGivesEachPairOnceAtRandom(t *testing.T) {
	p := newPortPool(10001, 10202, rand.New(rand.NewPCG(1, 2)))
	seen := map[uint16]bool{}
	rising := 0
	var last uint16
	for {
		n, ok := p.take()
		if !ok {
			break
		}
		if n%2 != 0 || n < 10002 || n+1 > 10202 || seen[n] {
			t.Fatalf("port %d", n)
		}
		if n > last {
			rising++
		}
		seen[n], last = true, n
	}
	if len(seen) != 100 || p.used() != 100 {
		t.Errorf("%d pairs given, %d used, want 100", len(seen), p.used())
	}
	if rising < 30 || rising > 70 {
		t.Errorf("%d of 100 steps go up: not at random", rising)
	}
}

// Most calls get ports that are ready, but any may come, and all do when there are no others.
func TestReadyPairsGoFirstMostly(t *testing.T) {
	p := newPortPool(10000, 10199, rand.New(rand.NewPCG(1, 2)))
	for range 10 {
		n, _ := p.takeUnready(10)
		p.giveReady(n)
	}
	if _, ok := p.takeUnready(10); ok || p.used() != 0 {
		t.Errorf("more than enough are ready, or %d of them count as used", p.used())
	}
	ready := map[uint16]bool{}
	for _, n := range p.ready {
		ready[n] = true
	}
	const draws = 16_000
	others := map[uint16]int{}
	for range draws {
		n, _ := p.take()
		if ready[n] {
			p.giveReady(n)
			continue
		}
		others[n]++
		p.give(n)
	}
	sum := 0
	for _, times := range others {
		sum += times
	}
	if sum < draws/anyPort*8/10 || sum > draws/anyPort*12/10 || len(others) != 90 {
		t.Errorf("of %d draws %d took one of %d pairs that were not ready", draws, sum, len(others))
	}
	for range 100 {
		if _, ok := p.take(); !ok {
			t.Fatal("not all could be taken")
		}
	}
	if _, ok := p.take(); ok || p.used() != 100 {
		t.Error("more than all could be taken")
	}
}

func TestTheLastPairsAreLeftToCalls(t *testing.T) {
	p := newPortPool(10000, 10019, rand.New(rand.NewPCG(1, 2)))
	taken := 0
	for ; ; taken++ {
		if _, ok := p.takeUnready(10); !ok {
			break
		}
	}
	if taken != 6 || p.used() != 6 {
		t.Errorf("%d of 10 pairs can be made ready at a time, want 6", taken)
	}
}

func TestCNAMEsDiffer(t *testing.T) {
	p := newPortPool(10000, 10001, rand.New(rand.NewPCG(1, 2)))
	seen := map[cname]bool{}
	for range 1000 {
		seen[p.cname()] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d different names of 1000", len(seen))
	}
}

func TestExhaustionAndRest(t *testing.T) {
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax = 20000, 20007 })
	first, second := b.allocate(Options{}), b.allocate(Options{})
	if _, err := b.Allocate(Options{}); !errors.Is(err, ErrPortsExhausted) || errors.Is(err, ErrBind) {
		t.Fatalf("got %v, want ErrPortsExhausted", err)
	}
	first.Release()
	b.pass(999 * time.Millisecond)
	if _, err := b.Allocate(Options{}); !errors.Is(err, ErrPortsExhausted) {
		t.Fatalf("ports were reused before they had rested: %v", err)
	}
	b.pass(time.Millisecond)
	third := b.allocate(Options{})
	ports := map[uint16]bool{first.Local(A).Port(): true, first.Local(B).Port(): true}
	if !ports[third.Local(A).Port()] || !ports[third.Local(B).Port()] {
		t.Error("the third session has not the ports of the first")
	}
	second.Release()
}

func TestFewPortsAreToldOfOnce(t *testing.T) {
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax, c.Drain = 20000, 20039, 0 })
	told := func() int { return b.logs.FilterMessageSnippet("few media ports").Len() }
	var live []*Session
	for _, step := range []struct{ calls, want int }{
		{7, 0}, {8, 1}, {10, 1}, {7, 1}, {8, 1}, // 70 per cent are no end yet
		{6, 1}, {8, 2},
	} {
		for len(live) < step.calls {
			live = append(live, b.allocate(Options{}))
		}
		for len(live) > step.calls {
			live[0].Release()
			live = live[1:]
		}
		b.sweep()
		b.sweep()
		if told() != step.want {
			t.Errorf("with %d of 10 calls: told %d times, want %d", step.calls, told(), step.want)
		}
	}
}

// half an allocation must not keep its first pair.
func TestHalfASessionKeepsNothing(t *testing.T) {
	before := descriptors(t)
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax = 20000, 20005 })
	one := b.allocate(Options{})
	if _, err := b.Allocate(Options{}); !errors.Is(err, ErrPortsExhausted) {
		t.Fatal(err)
	}
	if got := b.networks[0].ports.used(); got != 2 {
		t.Errorf("%d pairs used, want 2", got)
	}
	one.Release()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// occupy binds a port of the relay's address, as another program might.
func occupy(t *testing.T, addr netip.Addr, port uint16) {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
}

func TestPortsHeldByOthersAreLeftAlone(t *testing.T) {
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax = 20000, 20011 })
	occupy(t, b.cfg.Addr, 20000)
	occupy(t, b.cfg.Addr, 20003) // an RTCP port
	one, two := b.allocate(Options{}), b.allocate(Options{})
	for _, s := range []*Session{one, two} {
		for _, side := range []Side{A, B} {
			if n := s.Local(side).Port(); n < 20004 {
				t.Errorf("port %d is held by another", n)
			}
		}
	}
	_, err := b.Allocate(Options{})
	if !errors.Is(err, ErrBind) || errors.Is(err, ErrPortsExhausted) {
		t.Errorf("got %v, want ErrBind", err)
	}
	if b.total.bindFailures.Load() == 0 {
		t.Error("failures were not counted")
	}
	if got := b.networks[0].ports.used(); got != 4 {
		t.Errorf("%d pairs used, want 4", got)
	}
}

func TestEveryPortComesBack(t *testing.T) {
	newPeer(t, "127.0.0.1")
	before := descriptors(t)
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax, c.Loops = 20000, 20199, 1 })
	for port := uint16(20000); port < 20060; port += 3 {
		occupy(t, b.cfg.Addr, port)
	}
	foreign := descriptors(t)
	random := rand.New(rand.NewPCG(3, 4))
	var live []*Session
	made, refused := 0, 0
	for range 10000 {
		switch {
		case random.IntN(3) > 0:
			s, err := b.Allocate(Options{})
			if err == nil {
				made++
				live = append(live, s)
			} else if refused++; !errors.Is(err, ErrPortsExhausted) && !errors.Is(err, ErrBind) {
				t.Fatal(err)
			}
		case len(live) > 0:
			i := random.IntN(len(live))
			live[i].Release()
			live[i].Release()
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
		}
		b.pass(time.Duration(random.IntN(300)) * time.Millisecond)
	}
	if made < 1000 || refused < 100 {
		t.Errorf("%d made, %d refused: too few of one to tell", made, refused)
	}
	for _, s := range live {
		s.Release()
	}
	b.pass(time.Second)
	if got := b.networks[0].ports.used(); got != 0 {
		t.Errorf("%d pairs never came back", got)
	}
	if got := descriptors(t) - b.kept(); got != foreign {
		t.Errorf("%d descriptors beside those that are kept, want %d", got, foreign)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := descriptors(t); got >= foreign || got < before {
		t.Errorf("%d descriptors after closing, %d with the relay idle", got, foreign)
	}
}

func TestStaleMediaReachesNobody(t *testing.T) {
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax = 20000, 20003 })
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	exchange(t, s, A, a, z, 1)
	exchange(t, s, B, z, a, 1)
	ports := []netip.AddrPort{s.Local(A), s.Local(B)}
	st := s.Release()
	for range 10 {
		a.send(ports[0], packet(1, 2))
		z.send(ports[1], packet(2, 2))
	}
	eventually(t, "it is counted", func() bool { return b.total.drops[DropDraining].Load() == 20 })
	if got := s.Stats(); got != st {
		t.Error("the stats of a released session changed")
	}
	a.nothing()
	z.nothing()

	b.pass(time.Second)
	c, d := newPeer(t, "127.0.0.4"), newPeer(t, "127.0.0.5")
	fresh := b.call(c, d)
	for _, at := range ports {
		a.send(at, packet(1, 3))
		z.send(at, packet(2, 3))
	}
	exchange(t, fresh, A, c, d, 1)
	exchange(t, fresh, B, d, c, 1)
	c.nothing()
	d.nothing()
}

// For the race detector: all that may happen at once does.
func TestEverythingAtOnce(t *testing.T) {
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax, c.Drain, c.Loops = 20000, 20099, time.Millisecond, 2 })
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	var callers, noise sync.WaitGroup
	stop := make(chan struct{})
	noise.Go(func() { // media for all ports, all the time
		for seq := uint16(0); ; seq++ {
			select {
			case <-stop:
				return
			default:
			}
			to := netip.AddrPortFrom(b.cfg.Addr, 20000+seq%100)
			_, _ = a.conn.WriteToUDPAddrPort(packet(1, seq), to)
			_, _ = z.conn.WriteToUDPAddrPort(packet(2, seq), to)
		}
	})
	noise.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				b.pass(time.Millisecond)
				_, _ = b.reg.Gather()
			}
		}
	})
	for range 4 {
		callers.Go(func() {
			for range 300 {
				s, err := b.Allocate(Options{ID: "x", OnTimeout: func(Timeout) {}})
				if err != nil {
					continue
				}
				_ = s.SetRemote(A, Remote{RTP: a.addr()})
				_ = s.SetRemote(B, Remote{RTP: z.addr(), NAT: true})
				s.Answered()
				s.Stats()
				_ = s.SetRemote(A, Remote{RTP: a.addr(), Direction: Inactive})
				go s.Release()
				s.Release()
			}
		})
	}
	callers.Wait()
	if err := b.Close(); err != nil { // in the midst of the noise
		t.Error(err)
	}
	close(stop)
	noise.Wait()
}
