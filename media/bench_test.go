package media

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// sink is an endpoint that sends to nobody.
type sink struct{ sent int }

func (*sink) start(*port) error                         { return nil }
func (s *sink) send([]byte, netip.AddrPort, *work) Drop { s.sent++; return Relayed }
func (*sink) aim(netip.AddrPort, uint8) error           { return nil }
func (*sink) close()                                    {}

// detached is a session between two addresses without sockets.
func detached(remote Remote) (*Session, *sink) {
	r := &Relay{now: func() time.Duration { return time.Minute }, cfg: Config{Addr: netip.MustParseAddr("127.0.0.1")}}
	s, out := &Session{relay: r, owner: &owner{}}, &sink{}
	for i := range s.sides {
		s.sides[i].network = &network{cfg: r.cfg}
		s.sides[i].rtp = port{session: s, side: Side(i), out: out}
		s.sides[i].rtcp = port{session: s, side: Side(i), out: out, rtcp: true}
	}
	_ = s.SetRemote(A, remote)
	_ = s.SetRemote(B, Remote{RTP: netip.MustParseAddrPort("127.0.0.3:5000")})
	return s, out
}

var benchFrom = netip.MustParseAddrPort("127.0.0.2:5000")

func TestRelayingAllocatesNothing(t *testing.T) {
	s, out := detached(Remote{RTP: benchFrom, PayloadTypes: NewPayloadTypes(8)})
	w := &work{now: time.Minute, total: &counters{}}
	p, stranger := packet(1, 1), netip.MustParseAddrPort("192.0.2.1:1")
	compound := everything(t)
	broken := append([]byte{0x9f, 8}, make([]byte, 30)...)
	if n := testing.AllocsPerRun(1000, func() {
		s.sides[A].rtp.receive(p, benchFrom, w)
		s.sides[A].rtp.receive(broken, benchFrom, w)
		s.sides[A].rtp.receive(p, stranger, w)
		s.sides[A].rtcp.receive(compound, next(benchFrom), w)
	}); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
	if out.sent == 0 || s.Stats().B.RTCPSent == 0 {
		t.Error("nothing was sent")
	}
}

// BenchmarkReceive is what a packet costs outside the kernel.
func BenchmarkReceive(b *testing.B) {
	for _, bb := range []struct {
		name string
		from netip.AddrPort
		nat  bool
	}{{"latched", benchFrom, false}, {"stranger", netip.MustParseAddrPort("192.0.2.1:1"), false}} {
		b.Run(bb.name, func(b *testing.B) {
			s, _ := detached(Remote{RTP: benchFrom, PayloadTypes: NewPayloadTypes(8)})
			w := &work{now: time.Minute, total: &counters{}}
			p := packet(1, 1)
			b.ReportAllocs()
			for seq := uint16(0); b.Loop(); seq++ {
				p[2], p[3] = byte(seq>>8), byte(seq)
				s.mu.Lock()
				s.sides[A].rtp.receive(p, bb.from, w)
				s.mu.Unlock()
			}
		})
	}
}

// BenchmarkRewriteRTCP rewrites a sender report with names.
func BenchmarkRewriteRTCP(b *testing.B) {
	in, out := everything(b), make([]byte, 0, maxPacket+namedRTCP)
	b.ReportAllocs()
	for b.Loop() {
		if _, d := rewriteRTCP(out, in, testName); d != Relayed {
			b.Fatal(d)
		}
	}
}

// BenchmarkRelay sends a packet through real sockets and waits for it.
func BenchmarkRelay(b *testing.B) {
	bed := newBed(b, nil)
	a, z := newPeer(b, "127.0.0.2"), newPeer(b, "127.0.0.3")
	s := bed.call(a, z)
	to, p, in := s.Local(A), packet(1, 1), make([]byte, 2048)
	b.ReportAllocs()
	for seq := uint16(0); b.Loop(); seq++ {
		p[2], p[3] = byte(seq>>8), byte(seq)
		if _, err := a.conn.WriteToUDPAddrPort(p, to); err != nil {
			b.Fatal(err)
		}
		if _, _, err := z.conn.ReadFromUDPAddrPort(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSession allocates a session, names both sides, releases it and
// closes its sockets.
func BenchmarkSession(b *testing.B) {
	bed := newBed(b, func(c *Config) { c.Drain = 0 })
	remote := Remote{RTP: netip.MustParseAddrPort("127.0.0.2:5000")}
	b.ReportAllocs()
	for b.Loop() {
		s := bed.allocate(Options{})
		bed.setRemote(s, A, remote)
		bed.setRemote(s, B, remote)
		s.Release()
		bed.pass(0)
	}
}

// BenchmarkSessionMemory reports the heap of a session that has carried media
// both ways, without what the kernel has for its sockets. A backend with a
// descriptor for each port is given fewer sessions.
func BenchmarkSessionMemory(b *testing.B) {
	calls := 10_000
	if tested == "portable" {
		calls = 4000
	}
	bed := newBed(b, func(c *Config) { c.PortMin, c.PortMax = 10000, uint16(10000+4*calls+999) }) // some may be taken
	a, z := newPeer(b, "127.0.0.2"), newPeer(b, "127.0.0.3")
	for b.Loop() {
		before := heap()
		sessions := make([]*Session, calls)
		for i := range sessions {
			s := bed.call(a, z)
			sessions[i] = s
			exchange(b, s, A, a, z, 1)
			exchange(b, s, B, z, a, 1)
		}
		b.ReportMetric(float64(heap()-before)/float64(calls)-8, "B/session") // 8 are of sessions
		for _, s := range sessions {
			s.Release()
		}
		bed.pass(time.Second)
	}
	b.ReportMetric(0, "ns/op")
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// FuzzReceive feeds the whole intake: whatever comes, nothing but the very
// packet leaves, and only for the peer.
func FuzzReceive(f *testing.F) {
	f.Add(packet(1, 1), uint16(5000), false)
	f.Add(everything(f), uint16(5001), true)
	f.Add([]byte{0x80}, uint16(1), true)
	f.Fuzz(func(t *testing.T, b []byte, from uint16, rtcp bool) {
		s, out := detached(Remote{RTP: benchFrom, NAT: from%2 == 0})
		w := &work{now: time.Minute, total: &counters{}}
		p := &s.sides[A].rtp
		if rtcp {
			p = &s.sides[A].rtcp
		}
		for range learnPackets + 1 {
			p.receive(b, netip.AddrPortFrom(benchFrom.Addr(), from), w)
			p.receive(b, netip.MustParseAddrPort("192.0.2.1:5000"), w)
		}
		st := s.Stats()
		if total := out.sent + int(st.A.Dropped.Total()); total != 2*(learnPackets+1) {
			t.Fatalf("%d of %d packets are accounted for", total, 2*(learnPackets+1))
		}
		if out.sent > learnPackets+1 {
			t.Fatal("a stranger's packet was relayed")
		}
	})
}
