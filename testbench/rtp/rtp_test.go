package rtp

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/testbench/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddr("127.0.0.1")

func generator(t *testing.T, cfg Config) *Generator {
	t.Helper()
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func stream(t *testing.T, g *Generator, local netip.Addr) *Stream {
	t.Helper()
	s, err := g.Open(local)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await.That(t, 10*time.Second, what, ok)
}

// middle passes datagrams between two addresses as told by step, which returns
// how many copies go on.
func middle(t *testing.T, step func(n int, b []byte) int) (addr func() netip.AddrPort, between func(a, b netip.AddrPort)) {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	ends := make(chan [2]netip.AddrPort, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pair, ok := <-ends
		b := make([]byte, 2048)
		for n := 0; ok; n++ {
			size, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			to := pair[0]
			if from == pair[0] {
				to = pair[1]
			}
			for range step(n, b[:size]) {
				_, _ = conn.WriteToUDPAddrPort(b[:size], to)
			}
		}
	}()
	t.Cleanup(func() {
		close(ends)
		conn.Close()
		<-done
	})
	return func() netip.AddrPort { return conn.LocalAddr().(*net.UDPAddr).AddrPort() },
		func(a, b netip.AddrPort) { ends <- [2]netip.AddrPort{a, b} }
}

func TestStreamsHearEachOther(t *testing.T) {
	for _, tt := range []struct {
		name string
		tone Tone
		ip   string
	}{{"stamped", Stamped, "127.0.0.1"}, {"A-law", ALaw, "127.0.0.1"}, {"mu-law", MuLaw, "127.0.0.1"}, {"IPv6", Stamped, "::1"}} {
		t.Run(tt.name, func(t *testing.T) {
			g := generator(t, Config{Interval: time.Millisecond, Tone: tt.tone})
			a, b := stream(t, g, netip.MustParseAddr(tt.ip)), stream(t, g, netip.MustParseAddr(tt.ip))
			a.Expect(b)
			b.Expect(a)
			b.Start(a.Local())
			a.Start(b.Local())
			eventually(t, "the sequence numbers wrap", func() bool { return a.Report().Sent > 100 && b.Report().Sent > 100 })
			a.Stop()
			b.Stop()
			eventually(t, "all has arrived", func() bool {
				return a.Report().Received == b.Report().Sent && b.Report().Received == a.Report().Sent
			})
			r := a.Report()
			if r.Lost+r.Duplicated+r.Late+r.Foreign+r.WrongSource != 0 {
				t.Errorf("%+v", r)
			}
			if q := r.Latency.Quantile(0.5); (q > 0) != (tt.tone == Stamped) || q > time.Second {
				t.Errorf("median latency %v", q)
			}
		})
	}
}

func TestWithoutExpectationTheToneIsHeard(t *testing.T) {
	g := generator(t, Config{Interval: time.Millisecond, Tone: ALaw})
	a, b := stream(t, g, loopback), stream(t, g, loopback)
	a.Start(b.Local())
	b.Start(a.Local())
	eventually(t, "b hears a", func() bool { return b.Report().Received > 10 })
	if r := b.Report(); r.Foreign != 0 {
		t.Errorf("%+v", r)
	}
}

func TestWhatTheMiddleDoesIsSeen(t *testing.T) {
	for _, tt := range []struct {
		name string
		step func(n int, b []byte) int
		want func(r Report) bool
	}{
		{"loses every tenth", func(n int, _ []byte) int { return min(n%10, 1) }, func(r Report) bool { return r.Lost > 5 && r.Duplicated+r.Foreign == 0 }},
		{"doubles every tenth", func(n int, _ []byte) int { return 2 - min(n%10, 1) }, func(r Report) bool { return r.Duplicated > 5 && r.Lost+r.Foreign == 0 }},
		{"alters every tenth", func(n int, b []byte) int {
			if n%10 == 0 {
				b[100] ^= 1
			}
			return 1
		}, func(r Report) bool { return r.Foreign > 5 && r.Lost > 5 }},
		{"speaks as another", func(_ int, b []byte) int {
			b[8] ^= 1
			return 1
		}, func(r Report) bool { return r.Foreign > 5 && r.Received == 0 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := generator(t, Config{Interval: time.Millisecond})
			a, b := stream(t, g, loopback), stream(t, g, loopback)
			addr, between := middle(t, tt.step)
			between(a.Local(), b.Local())
			b.Expect(a)
			b.Start(addr())
			b.Stop() // it only listens
			a.Start(addr())
			eventually(t, tt.name, func() bool { return tt.want(b.Report()) })
		})
	}
}

// A call that gets another call's packets is told from one that is attacked.
func TestCrossedCallsAreSeen(t *testing.T) {
	g := generator(t, Config{Interval: time.Millisecond})
	a, b, c := stream(t, g, loopback), stream(t, g, loopback), stream(t, g, loopback)
	addr, between := middle(t, func(int, []byte) int { return 1 })
	between(c.Local(), a.Local())
	a.Expect(b)
	a.Start(addr())
	a.Stop()
	c.Start(addr())
	eventually(t, "a hears c", func() bool { return a.Report().Crossed > 10 })
	if r := a.Report(); r.Crossed != r.Foreign {
		t.Errorf("%+v", r)
	}
}

func TestLateIsAPart(t *testing.T) {
	g := generator(t, Config{Interval: time.Millisecond})
	s := stream(t, g, loopback)
	s.Start(s.Local())
	eventually(t, "some packets", func() bool { return s.Report().Sent > 10 })
	if late := g.Late(); late < 0 || late > 1 {
		t.Errorf("%v of all moments were late", late)
	}
}

func TestAttackIsSeenByItsVictim(t *testing.T) {
	g := generator(t, Config{Interval: time.Millisecond})
	a, b := stream(t, g, loopback), stream(t, g, loopback)
	a.Expect(b)
	a.Start(b.Local())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan Attacked)
	go func() {
		r, err := Spray(ctx, Attack{From: netip.MustParseAddrPort("127.0.0.66:0"), Targets: []netip.AddrPort{a.Local()}, SSRC: []uint32{b.SSRC()}})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	eventually(t, "the attack reaches the stream", func() bool { return a.Report().WrongSource > 10 })
	a.Start(netip.MustParseAddrPort("127.0.0.66:9"))
	cancel()
	if r := <-done; r.Sent < 10 || r.Received != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAttackThatIsAnsweredIsReported(t *testing.T) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	go func() { // answers everybody
		defer close(seen)
		b := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := Spray(ctx, Attack{From: netip.MustParseAddrPort("127.0.0.66:0"), Targets: []netip.AddrPort{conn.LocalAddr().(*net.UDPAddr).AddrPort()}})
	conn.Close()
	<-seen
	if err != nil || r.Received == 0 || r.Stolen != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAttackThatIsSentVoicesIsReported(t *testing.T) {
	g := generator(t, Config{Interval: time.Millisecond})
	s := stream(t, g, loopback)
	addr, between := middle(t, func(int, []byte) int { return 1 })
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.66:0"))) // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	from := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	conn.Close()
	between(s.Local(), from)
	s.Start(addr())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r, err := Spray(ctx, Attack{From: from, Targets: []netip.AddrPort{s.Local()}})
	if err != nil || r.Stolen == 0 || r.Stolen != r.Received {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSee(t *testing.T) {
	type step struct {
		seq         uint16
		fresh, late bool
	}
	first := uint16(firstSeq)
	for _, tt := range []struct {
		name  string
		steps []step
		lost  int
	}{
		{"in order across the wrap", []step{{first, true, false}, {first + 1, true, false}, {first + 2, true, false}}, 0},
		{"twice", []step{{first, true, false}, {first, false, false}}, 0},
		{"overtaken", []step{{first, true, false}, {first + 2, true, false}, {first + 1, true, true}}, 0},
		{"the first ones are missing", []step{{first + 5, true, false}}, 5},
		{"before the first", []step{{first - 1, false, true}}, 0},
		{"a gap over the wrap", []step{{first, true, false}, {first + 100, true, false}}, 99},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e expected
			unique := 0
			for i, s := range tt.steps {
				fresh, late := e.see(s.seq)
				if fresh {
					unique++
				}
				if fresh != s.fresh || late != s.late {
					t.Errorf("step %d: fresh %v late %v, want %v %v", i, fresh, late, s.fresh, s.late)
				}
			}
			if lost := int(e.highest) - unique; lost != tt.lost {
				t.Errorf("lost %d, want %d", lost, tt.lost)
			}
		})
	}
}

func TestLatencyIsToldToAnEighth(t *testing.T) {
	for _, us := range []int{1, 7, 8, 9, 100, 999, 12345, 1e6, 2e7} {
		var l Latency
		d := time.Duration(us) * time.Microsecond
		l.add(d)
		if got := l.Quantile(0.5); got < d || float64(got) > float64(d)*1.125+2000 {
			t.Errorf("%v is told as %v", d, got)
		}
	}
	var l, other Latency
	for i := range 100 {
		l.add(time.Duration(i) * time.Millisecond)
	}
	l.add(time.Hour)
	other.Merge(&l)
	if p50, p99 := other.Quantile(0.5), other.Quantile(0.99); p50 < 49*time.Millisecond || p50 > 57*time.Millisecond || p99 < 97*time.Millisecond || p99 > 112*time.Millisecond {
		t.Errorf("p50 %v p99 %v", p50, p99)
	}
}

func TestLatencySub(t *testing.T) {
	var l Latency
	l.add(time.Hour)
	before := l
	l.add(time.Millisecond)
	l.Sub(&before)
	if got := l.Quantile(1); got > 2*time.Millisecond {
		t.Errorf("what came before is still there: %v", got)
	}
}

// The values are those of G.711 tables 1 and 2 for the ends and the middle.
func TestG711(t *testing.T) {
	for _, tt := range []struct {
		sample int16
		a, mu  byte
	}{{0, 0xd5, 0xff}, {32767, 0xaa, 0x80}, {-32768, 0x2a, 0x00}, {1000, 0xfa, 0xce}, {-1000, 0x7a, 0x4e}} {
		if a, mu := encodeALaw(tt.sample), encodeMuLaw(tt.sample); a != tt.a || mu != tt.mu {
			t.Errorf("%d: %#x and %#x, want %#x and %#x", tt.sample, a, mu, tt.a, tt.mu)
		}
	}
}

// A 400 Hz tone crosses zero 800 times a second, and packets join without a
// click since all are alike.
func TestToneIsOf400Hz(t *testing.T) {
	for _, tone := range []Tone{ALaw, MuLaw} {
		b := tone.payload(160, 0)
		crossings := 0
		for i := range b {
			if b[i]&0x80 != b[(i+1)%len(b)]&0x80 {
				crossings++
			}
		}
		if crossings != 16 {
			t.Errorf("tone %d: %d crossings in 20 ms, want 16", tone, crossings)
		}
	}
}

func TestPacketsAreValidRTP(t *testing.T) {
	g := generator(t, Config{Interval: time.Millisecond, Tone: MuLaw})
	s := stream(t, g, loopback)
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Start(conn.LocalAddr().(*net.UDPAddr).AddrPort())
	var last uint16
	for i := range 50 {
		b := make([]byte, 2048)
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		seq := binary.BigEndian.Uint16(b[2:])
		if n != 172 || b[0] != 0x80 || b[1] != 0 || binary.BigEndian.Uint32(b[8:]) != s.SSRC() {
			t.Fatalf("%d octets: % x", n, b[:12])
		}
		if i > 0 && seq != last+1 {
			t.Fatalf("number %d after %d", seq, last)
		}
		last = seq
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []Config{{Payload: 19}, {Payload: 170}, {Interval: 1}} {
		if g, err := New(cfg); err == nil {
			g.Close()
			t.Errorf("%+v was taken", cfg)
		}
	}
}

func TestClosedStreamsGiveTheirSocketsBack(t *testing.T) {
	g, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	s, err := g.Open(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(s.Local()))
	if err != nil {
		t.Fatalf("its port is still taken: %v", err)
	}
	conn.Close()
}
