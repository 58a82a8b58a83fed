package mediaload

import (
	"errors"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/media"
	"maskline/testbench/await"
	"maskline/testbench/loopback"
	"maskline/testbench/rtp"
)

// backends are all that there are; each is skipped over with a line where the host
// does not permit it.
var backends = []string{"portable", "steer", "kernel"}

// relayOf opens a relay with a backend, nil where the host does not permit it.
func relayOf(t testing.TB, backend string, change func(*media.Config)) (*media.Relay, *prometheus.Registry) {
	t.Helper()
	cfg := media.Config{
		Backend: backend, Addr: loopback.Addr(), PortMin: 10000, PortMax: 19999, Loops: 1, Drain: time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	reg := prometheus.NewRegistry()
	r, err := media.New(cfg, zap.NewNop(), reg)
	if err != nil && backend != "portable" {
		t.Logf("media backend %s is not tested here: %v", backend, err)
		return nil, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil && !errors.Is(err, media.ErrClosed) {
			t.Error(err)
		}
	})
	return r, reg
}

// setUp makes a session between two parties.
func setUp(t testing.TB, r *media.Relay, a, b netip.AddrPort) *media.Session {
	t.Helper()
	s, err := r.Allocate(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for side, at := range map[media.Side]netip.AddrPort{media.A: a, media.B: b} {
		if err := s.SetRemote(side, media.Remote{RTP: at, PayloadTypes: media.NewPayloadTypes(0, 101)}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// stocked waits until a relay has made ahead what it makes ahead, some seconds after its
// start.
func stocked(t testing.TB, reg *prometheus.Registry) {
	t.Helper()
	const sweeps = 1200 * time.Millisecond // more than two
	kept, since := -1.0, time.Now()
	await.That(t, 30*time.Second, "the sockets made ahead", func() bool {
		if now := gauge(t, reg, "maskline_media_ports_kept"); now != kept {
			kept, since = now, time.Now()
		}
		return time.Since(since) > sweeps
	})
}

// BenchmarkSetUp sets up sessions at once, lets them carry media, releases them, and
// sets up as many again.
func BenchmarkSetUp(b *testing.B) {
	const sessions = 1000
	for _, backend := range backends {
		b.Run(backend, func(b *testing.B) {
			r, reg := relayOf(b, backend, nil)
			if r == nil {
				return
			}
			g, err := rtp.New(rtp.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer g.Close()
			var parties []*rtp.Stream
			for range 2 * sessions {
				s, err := g.Open(netip.MustParseAddr("127.0.0.2"))
				if err != nil {
					b.Fatal(err)
				}
				parties = append(parties, s)
			}
			setUp(b, r, parties[0].Local(), parties[1].Local()).Release() // what is done once
			for _, p := range parties {
				p.Start(p.Local()) // what the generator keeps for it is not the relay's
				p.Stop()
			}
			made := make([]*media.Session, sessions)
			setUpAll := func(figure string) {
				start := time.Now()
				for i := range made {
					made[i] = setUp(b, r, parties[2*i].Local(), parties[2*i+1].Local())
				}
				b.ReportMetric(float64(time.Since(start).Nanoseconds())/1e3/sessions, figure)
			}
			for b.Loop() {
				stocked(b, reg)
				before := heap()
				setUpAll("us/set-up")
				for i, s := range made {
					parties[2*i].Start(s.Local(media.A))
					parties[2*i+1].Start(s.Local(media.B))
				}
				hear(b, parties)
				b.ReportMetric(float64(heap()-before)/sessions, "B/session")
				for _, p := range parties {
					p.Stop()
				}
				start := time.Now()
				for _, s := range made {
					s.Release()
				}
				b.ReportMetric(float64(time.Since(start).Nanoseconds())/1e3/sessions, "us/release")
				eventually(b, "all ports are back", func() bool { return gauge(b, reg, "maskline_media_ports_used") == 0 })
				setUpAll("us/again")
				for _, s := range made {
					s.Release()
				}
				eventually(b, "all ports are back again", func() bool { return gauge(b, reg, "maskline_media_ports_used") == 0 })
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// hear waits until each party has heard something.
func hear(t testing.TB, parties []*rtp.Stream) {
	t.Helper()
	deaf := 0
	if !await.Within(20*time.Second, func() bool {
		deaf = 0
		for _, p := range parties {
			if p.Report().Received == 0 {
				deaf++
			}
		}
		return deaf == 0
	}) {
		t.Fatalf("%d of %d parties hear nothing", deaf, len(parties))
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
