package media

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestGapsAreCounted(t *testing.T) {
	seqs := func(missing ...uint16) (all []uint16) {
		gone := map[uint16]bool{}
		for _, n := range missing {
			gone[n] = true
		}
		for n := uint16(65400); n != 100; n++ {
			if !gone[n] {
				all = append(all, n)
			}
		}
		return all
	}
	tests := []struct {
		name         string
		seqs         []uint16
		late         []uint16 // after all others
		lost, bursts uint64
	}{
		{"none", seqs(), nil, 0, 0},
		{"one", seqs(5), nil, 1, 1},
		{"one of three", seqs(5, 6, 7), nil, 3, 1},
		{"two", seqs(5, 7), nil, 2, 2},
		{"across the wrap", seqs(65535, 0), nil, 2, 1},
		{"filled", seqs(90), []uint16{90}, 0, 0},
		{"filled from its edges", seqs(88, 89, 90), []uint16{88, 90}, 1, 1},
		{"filled in its middle", seqs(88, 89, 90), []uint16{89}, 2, 2},
		{"filled in its middle, then all", seqs(88, 89, 90), []uint16{89, 90, 88}, 0, 0},
		{"filled at the window's end", seqs(36), []uint16{36}, 0, 0},
		{"filled too late to tell", seqs(10), []uint16{10}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d side
			for _, n := range append(tt.seqs, tt.late...) {
				d.stream.update(&rtp.Header{SequenceNumber: n}, 172, time.Second, 8000)
			}
			if s := d.stats(); s.Lost != tt.lost || s.Bursts != tt.bursts {
				t.Errorf("lost %d in %d gaps, want %d in %d", s.Lost, s.Bursts, tt.lost, tt.bursts)
			}
		})
	}
}

// lose sends packets through a channel with two states and returns what it makes
// of them.
func lose(loss, length float64) Quality {
	rnd := rand.New(rand.NewPCG(1, 2))
	d := side{clock: 8000}
	bad := false
	for i := range 200_000 {
		if bad {
			bad = rnd.Float64() >= 1/length
		} else {
			bad = rnd.Float64() < loss/length/(1-loss)
		}
		if !bad || i == 0 {
			d.stream.update(&rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(i) * 160}, 172, time.Second+time.Duration(i)*20*time.Millisecond, 8000)
		}
	}
	s := d.stats()
	return s.quality(g711)
}

func TestBurstsAreToldFromChance(t *testing.T) {
	for _, tt := range []struct{ loss, length, ratio float64 }{
		{0.02, 1 / 0.98, 1}, {0.1, 1 / 0.9, 1}, {0.02, 3, 2.94}, {0.05, 5, 4.75},
	} {
		q := lose(tt.loss, tt.length)
		if math.Abs(q.Loss-tt.loss) > 0.1*tt.loss || math.Abs(q.Burstiness-tt.ratio) > 0.1*tt.ratio {
			t.Errorf("loss %v in runs of %v: %+v, want %v", tt.loss, tt.length, q, tt.ratio)
		}
		if want := rate(impairment{bpl: 25.1}, q.Loss, q.Burstiness, 20*time.Millisecond); q.R != want || q.MOS != opinion(want) {
			t.Errorf("%+v, want R %v", q, want)
		}
	}
}

func TestWhatIsNotRated(t *testing.T) {
	few := SideStats{Received: Flow{Packets: leastRated - 1}}
	if q := few.quality(g711); q.R != 0 || q.MOS != 0 {
		t.Errorf("few packets: %+v", q)
	}
	many := SideStats{Received: Flow{Packets: 1000}}
	if q := many.quality(codecOf("EVS")); q.R != 0 || q.MOS != 0 {
		t.Errorf("unknown codec: %+v", q)
	}
	if q := many.quality(g711); q.MOS < 4.3 || q.Loss != 0 || q.Burstiness != 1 {
		t.Errorf("%+v", q)
	}
	twice := SideStats{Received: Flow{Packets: 200}, Duplicates: 100, Lost: 100}
	if q := twice.quality(g711); q.Loss != 0.5 {
		t.Errorf("duplicates count as received: %+v", q)
	}
}

func TestSetCodec(t *testing.T) {
	s, _ := detached(Remote{RTP: benchFrom})
	w := &work{now: time.Minute, total: &counters{}}
	say := func(n uint16, clock uint32) {
		p := packet(1, n)
		for i, b := range []byte{byte(uint32(n) * clock / 50 >> 24), byte(uint32(n) * clock / 50 >> 16), byte(uint32(n) * clock / 50 >> 8), byte(uint32(n) * clock / 50)} {
			p[4+i] = b
		}
		s.sides[A].rtp.receive(p, benchFrom, w)
		w.now += 20 * time.Millisecond
	}
	for n := range uint16(100) {
		say(n, 8000)
	}
	if q := s.Stats().A; q.MOS != 0 {
		t.Errorf("rated without a codec: %+v", q.Quality)
	}
	s.SetCodec("opus", 48000)
	for n := uint16(100); n < 200; n++ {
		say(n, 48000)
	}
	if q := s.Stats().A; q.MOS < 4.3 || q.Jitter > time.Millisecond {
		t.Errorf("jitter %v %+v", q.Jitter, q.Quality)
	}
}

// The jitter where delays vary evenly by up to 15 ms, against the words of RFC 3550
// §6.4.1 in floating point, and against what it must come to: two such delays differ
// by a third of that on average.
func TestJitterOfAPath(t *testing.T) {
	const vary = 15 * time.Millisecond
	rnd := rand.New(rand.NewPCG(4, 1))
	d := side{clock: 8000}
	var want, last, sum float64
	came := 0
	for i := range 5000 {
		delay, sent := time.Duration(rnd.Float64()*float64(vary)), time.Second+time.Duration(i)*20*time.Millisecond
		if rnd.IntN(50) == 0 {
			continue // lost
		}
		d.stream.update(&rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(i) * 160}, 172, sent+delay, d.clock)
		if came++; came > 1 {
			want += (math.Abs(delay.Seconds()-last) - want) / 16
		}
		last = delay.Seconds()
		sum += want
		if got := d.stats().Jitter.Seconds(); math.Abs(got-want) > 0.00025 { // two ticks of the clock
			t.Fatalf("packet %d: jitter %v, want %v", i, got, want)
		}
	}
	if mean := sum / float64(came); math.Abs(mean-vary.Seconds()/3) > 0.0005 {
		t.Errorf("mean jitter %v", mean)
	}
}

// TestFaxIsNotRated leaves a fax out of what the call's voice was like.
func TestFaxIsNotRated(t *testing.T) {
	s, _ := detached(Remote{RTP: benchFrom})
	w := &work{now: time.Minute, total: &counters{}}
	s.SetCodec("PCMA", 8000)
	voice := func(from uint16) {
		for seq := range uint16(100) {
			if w.now += frameTime; seq%10 != 5 {
				s.sides[A].rtp.receive(packet(1, from+seq), benchFrom, w)
			}
		}
	}
	voice(0)
	before := s.Stats().A.Quality
	if err := s.SetRemote(A, Remote{RTP: benchFrom, Datagrams: true}); err != nil {
		t.Fatal(err)
	}
	for seq := range 500 {
		s.sides[A].rtp.receive([]byte{byte(seq >> 8), byte(seq), 1, 2}, benchFrom, w)
	}
	st := s.Stats().A
	if st.Quality != before || st.Loss != 0.1 || st.Received.Packets != 590 || st.Datagrams != 500 {
		t.Errorf("%+v, before it %+v", st, before)
	}
	w.now += time.Minute
	if err := s.SetRemote(A, Remote{RTP: benchFrom}); err != nil {
		t.Fatal(err)
	}
	voice(100) // its time stood still for a minute
	if st := s.Stats().A; st.Jitter > time.Millisecond || st.Loss != 0.1 {
		t.Errorf("jitter %v, loss %v after it", st.Jitter, st.Loss)
	}
	faxOnly := SideStats{Received: Flow{Packets: 1000}, Datagrams: 1000}
	if q := faxOnly.quality(g711); q.R != 0 || q.MOS != 0 {
		t.Errorf("%+v", q)
	}
}

// TestHoldIsNoJitter has a phone that stops its clock while it is held.
func TestHoldIsNoJitter(t *testing.T) {
	s, _ := detached(Remote{RTP: benchFrom})
	w := &work{now: time.Minute, total: &counters{}}
	s.SetCodec("PCMA", 8000)
	seq := uint16(0)
	speak := func(n int) {
		for range n {
			w.now += frameTime
			seq++
			s.sides[A].rtp.receive(packet(1, seq), benchFrom, w)
		}
	}
	direct := func(d Direction) {
		if err := s.SetRemote(B, Remote{RTP: netip.MustParseAddrPort("127.0.0.3:5000"), Direction: d}); err != nil {
			t.Fatal(err)
		}
	}
	speak(100)
	direct(SendOnly)
	speak(3) // until it knows
	w.now += time.Minute
	direct(SendRecv)
	speak(50)
	if st := s.Stats().A; st.Jitter > time.Millisecond || st.MOS < 4.3 || st.Lost != 0 {
		t.Errorf("jitter %v, MOS %v, %d lost", st.Jitter, st.MOS, st.Lost)
	}
}
