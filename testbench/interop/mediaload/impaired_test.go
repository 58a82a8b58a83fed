package mediaload

import (
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/media"
	"maskline/testbench/await"
	"maskline/testbench/loopback"
	"maskline/testbench/rtp"
)

// What a relay reports of a bad path is what was done on it, packet by packet.
func TestImpairedPathIsReported(t *testing.T) {
	for _, tt := range []struct {
		name string
		what rtp.Impairments
	}{
		{"chance", rtp.Impairments{Seed: 1, Loss: 0.03}},
		{"bursts", rtp.Impairments{Seed: 2, Loss: 0.05, Burst: 4}},
		{"all of it", rtp.Impairments{Seed: 3, Loss: 0.05, Burst: 2, Duplicate: 0.03, Reorder: 0.05, Delay: 3 * time.Millisecond, Jitter: 3 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, a, done := throughPath(t, tt.what)
			sent := uint64(a.Report().Sent)
			eventually(t, "all has come", func() bool {
				return s.Stats().A.Received.Packets == sent-uint64(done.Lost)+uint64(done.Duplicated)
			})
			st := s.Stats()
			got := rtp.Impaired{Packets: done.Packets, Lost: int(st.A.Lost), Gaps: int(st.A.Bursts), Duplicated: int(st.A.Duplicates), Reordered: int(st.A.Late)}
			if got != done || done.Lost == 0 {
				t.Errorf("reported %+v, was done %+v", got, done)
			}
			if st.B.Lost+st.B.Late+st.B.Duplicates != 0 {
				t.Errorf("the good way: %+v", st.B)
			}
			loss := float64(done.Lost) / float64(sent)
			burst := max(1, float64(done.Lost)/float64(done.Gaps)*(1-loss))
			if st.A.Loss != loss || st.A.Burstiness != burst || st.A.MOS == 0 || st.A.MOS >= st.B.MOS {
				t.Errorf("A %+v, B %+v; want loss %v, bursts %v", st.A.Quality, st.B.Quality, loss, burst)
			}
		})
	}
}

// throughPath is a call whose caller's packets went through a bad path, and at last
// through a good one, so that the last ones are not among the lost.
func throughPath(t *testing.T, what rtp.Impairments) (*media.Session, *rtp.Stream, rtp.Impaired) {
	t.Helper()
	relay, err := media.New(media.Config{Addr: loopback.Addr(), PortMin: 10000, PortMax: 19999}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	g, err := rtp.New(rtp.Config{Interval: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	s, err := relay.Allocate(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, z := open(t, g, "127.0.0.2"), open(t, g, "127.0.0.3")
	what.Spare = 10
	path, err := rtp.NewImpairer(netip.MustParseAddr("127.0.0.4"), a.Local(), s.Local(media.A), what)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(path.Close)
	for side, at := range map[media.Side]netip.AddrPort{media.A: path.Local(), media.B: z.Local()} {
		if err := s.SetRemote(side, media.Remote{RTP: at}); err != nil {
			t.Fatal(err)
		}
	}
	s.SetCodec("PCMU", 8000)
	z.Start(s.Local(media.B))
	a.Start(path.Local())
	eventually(t, "some hundred packets", func() bool { return a.Report().Sent > 600 })
	done := path.Heal()
	more := a.Report().Sent + 20
	eventually(t, "some more", func() bool { return a.Report().Sent > more })
	a.Stop()
	z.Stop()
	return s, a, done
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	await.That(t, 30*time.Second, what, ok)
}
