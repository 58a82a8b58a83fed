package rtp

import (
	"math"
	"net/netip"
	"testing"
	"time"
)

func TestPathIsTheSameForTheSameSeed(t *testing.T) {
	what := Impairments{Seed: 5, Loss: 0.1, Burst: 2, Duplicate: 0.1, Reorder: 0.1, Delay: time.Millisecond, Jitter: time.Millisecond}
	one, same := NewPath(what), NewPath(what)
	what.Seed++
	other := NewPath(what)
	differ := 0
	for range 1000 {
		f := one.Next()
		if f != same.Next() {
			t.Fatal("the same seed gives another path")
		}
		if f.Delay < time.Millisecond || f.Delay > 2*time.Millisecond {
			t.Fatalf("%+v", f)
		}
		if f != other.Next() {
			differ++
		}
	}
	if differ < 500 {
		t.Error("seeds hardly differ")
	}
}

func TestPathDoesWhatIsAsked(t *testing.T) {
	const n = 200_000
	near := func(got int, want float64) bool { return math.Abs(float64(got)-want) < 0.1*want }
	p := NewPath(Impairments{Seed: 1, Loss: 0.05, Burst: 3, Duplicate: 0.02, Reorder: 0.03, Spare: 10})
	for i := range n {
		if f := p.Next(); i < 10 && (f.Copies != 1 || f.Behind != 0) {
			t.Errorf("packet %d: %+v", i, f)
		}
	}
	d := p.Done()
	if !near(d.Lost, 0.05*n) || !near(d.Gaps, 0.05*n/3) || !near(d.Duplicated, 0.95*0.02*n) || !near(d.Reordered, 0.95*0.03*n) {
		t.Errorf("%+v", d)
	}
}

// What the generator sees at the other end is what the impairer did.
func TestImpairer(t *testing.T) {
	g := generator(t, Config{Interval: time.Millisecond})
	a, b := stream(t, g, loopback), stream(t, g, loopback)
	m, err := NewImpairer(netip.MustParseAddr("127.0.0.1"), a.Local(), b.Local(), Impairments{
		Seed: 7, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05, Delay: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Spare: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b.Expect(a)
	a.Expect(b)
	b.Start(m.Local())
	a.Start(m.Local())
	eventually(t, "a thousand packets", func() bool { return a.Report().Sent > 1000 })
	done := m.Heal()
	more := a.Report().Sent + 20
	eventually(t, "some more", func() bool { return a.Report().Sent > more })
	a.Stop()
	b.Stop()
	eventually(t, "all has arrived", func() bool { return b.Report().Received == a.Report().Sent-done.Lost })
	r := b.Report()
	if r.Lost != done.Lost || r.Duplicated != done.Duplicated || r.Late != done.Reordered || r.Foreign+r.WrongSource != 0 {
		t.Errorf("%+v, was done %+v", r, done)
	}
	if done.Lost == 0 || done.Duplicated == 0 || done.Reordered == 0 {
		t.Errorf("%+v", done)
	}
	eventually(t, "the way back is good", func() bool { return a.Report().Received == b.Report().Sent })
	if q := r.Latency.Quantile(0.5); q < 5*time.Millisecond {
		t.Errorf("latency %v is less than the delay", q)
	}
}
