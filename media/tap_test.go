package media

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"
)

// ear is a tap that remembers what it heard. While it is held it hears nothing.
type ear struct {
	mu    sync.Mutex
	heard []Heard
	lost  uint64
	ends  int
}

func (e *ear) Hear(p Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.Payload = bytes.Clone(p.Payload)
	e.heard = append(e.heard, p)
}

func (e *ear) End(lost uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost, e.ends = lost, e.ends+1
}

func (e *ear) count() (heard, ends int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard), e.ends
}

func record(t *testing.T, s *Session) *ear {
	t.Helper()
	e := &ear{}
	if err := s.Record(e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTapHearsBothSides(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.allocate(Options{})
	b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: NewPayloadTypes(8)})
	b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: NewPayloadTypes(8), Direction: Inactive})
	e := record(t, s)
	a.send(s.Local(A), packet(1, 1)) // B does not want it; the tap does
	eventually(t, "the first is heard", func() bool { n, _ := e.count(); return n == 1 })
	newPeer(t, "127.0.0.66").send(s.Local(A), packet(1, 2))
	b.at.Add(int64(20 * time.Millisecond))
	z.send(s.Local(B), packet(2, 7))
	a.receive()
	s.Release()
	eventually(t, "it ends", func() bool { _, ends := e.count(); return ends == 1 })
	want := []Heard{
		{Side: A, PayloadType: 8, Sequence: 1, Timestamp: 160, SSRC: 1, Payload: packet(1, 1)[rtpHeader:]},
		{Side: B, PayloadType: 8, Sequence: 7, Timestamp: 1120, SSRC: 2, At: 20 * time.Millisecond, Payload: packet(2, 7)[rtpHeader:]},
	}
	if len(e.heard) != 2 || e.lost != 0 {
		t.Fatalf("%d heard, %d lost", len(e.heard), e.lost)
	}
	for i, p := range e.heard {
		if !bytes.Equal(p.Payload, want[i].Payload) {
			t.Errorf("packet %d: another payload", i)
		}
		p.Payload, want[i].Payload = nil, nil
		if p.Side != want[i].Side || p.Sequence != want[i].Sequence || p.Timestamp != want[i].Timestamp || p.SSRC != want[i].SSRC || p.At != want[i].At || p.PayloadType != 8 {
			t.Errorf("packet %d: %+v", i, p)
		}
	}
}

// TestSlowTapHoldsNothingUp counts what its queue does not hold; the call goes on.
func TestSlowTapHoldsNothingUp(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	e := &ear{}
	e.mu.Lock() // so it is in Hear, with the first
	if err := s.Record(e); err != nil {
		t.Fatal(err)
	}
	const all = tapQueue + 10
	for seq := range uint16(all) {
		exchange(t, s, A, a, z, seq)
	}
	if n := b.total.recordingLost.Load(); n != 10 {
		t.Errorf("%d are lost, want 10", n)
	}
	e.mu.Unlock()
	s.Release()
	eventually(t, "it ends", func() bool { _, ends := e.count(); return ends == 1 })
	if n, _ := e.count(); n != tapQueue || e.lost != 10 {
		t.Errorf("%d heard, %d lost", n, e.lost)
	}
}

func TestRecordingsAreBounded(t *testing.T) {
	b := newBed(t, func(c *Config) { c.MaxRecordings = 1 })
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	first, second := b.call(a, z), b.call(a, z)
	e := record(t, first)
	for name, s := range map[string]*Session{"twice": first, "one too many": second} {
		if err := s.Record(&ear{}); !errors.Is(err, ErrRecording) {
			t.Errorf("%s: %v", name, err)
		}
	}
	first.Release()
	eventually(t, "it ends", func() bool { _, ends := e.count(); return ends == 1 })
	eventually(t, "there is room", func() bool { return second.Record(&ear{}) == nil })
	if err := first.Record(&ear{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// faulty panics at what it hears.
type faulty struct{ ear }

func (*faulty) Hear(Heard) { panic("a bug") }

func TestFaultyTapHurtsNobody(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	if err := s.Record(&faulty{}); err != nil {
		t.Fatal(err)
	}
	for seq := range uint16(3) {
		exchange(t, s, A, a, z, seq)
	}
	eventually(t, "it is logged", func() bool { return b.logs.FilterMessage("a recording met a bug").Len() == 1 })
	eventually(t, "it counts no more", func() bool { return b.recordings.Load() == 0 })
}

// TestCloseEndsRecordings waits for the tap's end.
func TestCloseEndsRecordings(t *testing.T) {
	b := newBed(t, nil)
	s := b.call(newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"))
	e := record(t, s)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ends := e.count(); ends != 1 {
		t.Errorf("%d ends", ends)
	}
	if err := s.Record(&ear{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// deaf hears nothing.
type deaf struct{}

func (deaf) Hear(Heard) {}
func (deaf) End(uint64) {}

func TestRecordingAllocatesNothing(t *testing.T) {
	s, _ := detached(Remote{RTP: benchFrom, PayloadTypes: NewPayloadTypes(8)})
	s.recording = &recording{tap: deaf{}, wake: make(chan struct{}, 1)}
	w := &work{now: time.Minute, total: &counters{}}
	p := packet(1, 1)
	if n := testing.AllocsPerRun(1000, func() { s.sides[A].rtp.receive(p, benchFrom, w) }); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
	if lost := w.total.recordingLost.Load(); lost != 1001-tapQueue {
		t.Errorf("%d lost", lost)
	}
}

// BenchmarkRecord is what a recording costs the thread that relays, for each packet.
func BenchmarkRecord(b *testing.B) {
	c := &recording{tap: deaf{}, wake: make(chan struct{}, 1)}
	w := &work{now: time.Minute, total: &counters{}}
	p := packet(1, 1)
	b.ReportAllocs()
	for b.Loop() {
		c.take(A, p, w)
		c.n = 0
	}
}
