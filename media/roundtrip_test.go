package media

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// A sends a sender report; B's report tells that it kept it for 1.5 s, and comes
// 1.58 s after it passed us.
func TestRoundTrip(t *testing.T) {
	reportOf := func(stamp, kept uint32) rtcp.ReceptionReport {
		return rtcp.ReceptionReport{SSRC: 7, LastSenderReport: stamp, Delay: kept}
	}
	const stamp, kept = 0x22223333, 3 << 15
	receiver := func(r ...rtcp.ReceptionReport) []rtcp.Packet {
		return []rtcp.Packet{&rtcp.ReceiverReport{SSRC: 9, Reports: r}}
	}
	tests := []struct {
		name    string
		answer  []rtcp.Packet
		after   time.Duration
		passing Direction // of B: RTCP passes on hold too
		want    time.Duration
	}{
		{"receiver report", receiver(reportOf(stamp, kept)), 1580 * time.Millisecond, SendRecv, 80 * time.Millisecond},
		{"in a sender report", []rtcp.Packet{&rtcp.SenderReport{SSRC: 9, Reports: []rtcp.ReceptionReport{reportOf(stamp, kept)}}}, 1580 * time.Millisecond, SendRecv, 80 * time.Millisecond},
		{"second block", receiver(reportOf(1, 1), reportOf(stamp, kept)), 1580 * time.Millisecond, SendRecv, 80 * time.Millisecond},
		{"on hold", receiver(reportOf(stamp, kept)), 1580 * time.Millisecond, SendOnly, 80 * time.Millisecond},
		{"at once", receiver(reportOf(stamp, 0)), 0, SendRecv, time.Microsecond},
		{"another report", receiver(reportOf(stamp+1, kept)), 1580 * time.Millisecond, SendRecv, 0},
		{"none was heard", receiver(reportOf(0, 0)), 1580 * time.Millisecond, SendRecv, 0},
		{"kept for longer than it is old", receiver(reportOf(stamp, kept)), 1400 * time.Millisecond, SendRecv, 0},
		{"beyond belief", receiver(reportOf(stamp, 0)), 11 * time.Second, SendRecv, 0},
		{"the largest delay", receiver(reportOf(stamp, math.MaxUint32)), time.Second, SendRecv, 0},
		{"no block", receiver(), 1580 * time.Millisecond, SendRecv, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := detached(Remote{RTP: benchFrom})
			fromB := netip.MustParseAddrPort("127.0.0.3:5001")
			_ = s.SetRemote(B, Remote{RTP: netip.MustParseAddrPort("127.0.0.3:5000"), Direction: tt.passing})
			w := &work{now: 1<<32*time.Microsecond - time.Second, total: &counters{}}
			sr := &rtcp.SenderReport{SSRC: 7, NTPTime: 0x1111<<48 | stamp<<16 | 0x4444}
			s.sides[A].rtcp.receive(marshal(t, sr), netip.MustParseAddrPort("127.0.0.2:5001"), w)
			w.now += tt.after
			s.sides[B].rtcp.receive(marshal(t, tt.answer...), fromB, w)
			st := s.Stats()
			if got := st.B.RoundTrip; got < tt.want || got > tt.want+time.Microsecond {
				t.Errorf("round trip %v, want %v", got, tt.want)
			}
			if st.A.RoundTrip != 0 {
				t.Errorf("the side that reported nothing has a round trip of %v", st.A.RoundTrip)
			}
		})
	}
}

func TestRoundTripIsSmoothed(t *testing.T) {
	e := echo{stamp: 5, passed: 60_000_000}
	e.sample(5, 0, time.Minute+80*time.Millisecond)
	e.sample(5, 0, time.Minute+160*time.Millisecond)
	if got := e.roundTrip(); got != 90*time.Millisecond {
		t.Error(got)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(everything(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := echo{stamp: 5, passed: 60_000_000}
		e.hear(b, time.Minute+time.Second)
		if built, d := rewriteRTCP(nil, b, testName); d == Relayed {
			e.pass(built, time.Minute)
			e.hear(built, time.Minute+time.Second)
		}
		if e.roundTrip() > mostRoundTrip {
			t.Fatal("beyond belief")
		}
	})
}
