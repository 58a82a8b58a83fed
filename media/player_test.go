package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"
)

// heard is a packet of ours as a side got it.
type heard struct {
	mark      bool
	payload   uint8
	seq       uint16
	timestamp uint32
	ssrc      uint32
	sound     []byte
}

func readPacket(t *testing.T, b []byte) heard {
	t.Helper()
	if len(b) != rtpHeader+frameSamples || b[0] != 0x80 {
		t.Fatalf("%d octets, the first %#x", len(b), b[0])
	}
	return heard{
		b[1]&0x80 != 0, b[1] & 0x7f, binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:]),
		binary.BigEndian.Uint32(b[8:]), b[rtpHeader:],
	}
}

// beat lets 20 ms pass and reads the packet that they bring.
func (b *bed) beat(p *peer) heard {
	b.t.Helper()
	b.at.Add(int64(frameTime))
	b.pace()
	packet, _ := p.receive()
	return readPacket(b.t.(*testing.T), packet)
}

// counted is a sound whose octets count up, so that places in it are told apart.
func counted(octets int) *Sound {
	s := &Sound{}
	for l := range s.laws {
		s.laws[l] = make([]byte, octets)
		for i := range s.laws[l] {
			s.laws[l][i] = byte(i / frameSamples)
		}
	}
	return s
}

func (b *bed) play(s *Session, side Side, p Prompt) {
	b.t.Helper()
	if err := s.Play(side, p); err != nil {
		b.t.Fatal(err)
	}
}

func TestPlayTwiceWithAPause(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	var played []Side
	s := b.allocate(Options{Events: Events{OnPlayed: func(side Side) { played = append(played, side) }}})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	b.play(s, A, Prompt{Sound: counted(3*frameSamples - 60), PayloadType: 8, ALaw: true, Times: 2, Pause: 40 * time.Millisecond})

	first := b.beat(a)
	if !first.mark || first.payload != 8 {
		t.Errorf("the first packet: %+v", first)
	}
	want := [][2]byte{{0, 0}, {1, 1}, {2, 0xd5}, {0xd5, 0xd5}, {0xd5, 0xd5}, {0, 0}, {1, 1}, {2, 0xd5}} // first and last octet
	last := first
	for i, w := range want {
		p := first
		if i > 0 {
			p = b.beat(a)
			if p.mark || p.ssrc != last.ssrc || p.seq != last.seq+1 || p.timestamp != last.timestamp+160 {
				t.Errorf("packet %d does not go on: %+v after %+v", i, p, last)
			}
		}
		last = p
		if p.sound[0] != w[0] || p.sound[frameSamples-1] != w[1] {
			t.Errorf("packet %d sounds %#x to %#x, want %#x", i, p.sound[0], p.sound[frameSamples-1], w)
		}
	}
	b.tell()
	if played != nil {
		t.Error("it ends before its last packet has sounded")
	}
	b.at.Add(int64(frameTime))
	b.pace()
	b.tell()
	if len(played) != 1 || played[0] != A {
		t.Errorf("told of %v", played)
	}
	for range 3 {
		b.at.Add(int64(frameTime))
		b.pace()
		b.tell()
	}
	a.nothing()
	z.nothing()
	if len(played) != 1 || b.pacer.playing.Load() != 0 || !b.pacer.idle() {
		t.Errorf("it goes on: told %d times, %d playing", len(played), b.pacer.playing.Load())
	}
	if got := s.Stats().A.Sent.Packets; got != 8 {
		t.Errorf("%d packets counted", got)
	}
}

// A second prompt belongs to the same stream: its time has gone on.
func TestSecondPromptContinuesTheStream(t *testing.T) {
	b := newBed(t, nil)
	a := newPeer(t, "127.0.0.1")
	s := b.allocate(Options{})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.play(s, A, Prompt{Sound: counted(frameSamples), Times: 1})
	one := b.beat(a)
	b.at.Add(int64(frameTime))
	b.pace()
	b.at.Add(int64(time.Second - frameTime))
	b.play(s, A, Prompt{Sound: counted(frameSamples), Times: 1})
	two := b.beat(a)
	if !two.mark || two.ssrc != one.ssrc || two.seq != one.seq+1 || two.timestamp != one.timestamp+8000+160 {
		t.Errorf("%+v after %+v", two, one)
	}
}

// A prompt that replaces another one goes on in the same beat.
func TestPromptReplacesPrompt(t *testing.T) {
	b := newBed(t, nil)
	a := newPeer(t, "127.0.0.1")
	told := 0
	s := b.allocate(Options{Events: Events{OnPlayed: func(Side) { told++ }}})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.play(s, A, Prompt{Sound: counted(frameSamples)})
	one := b.beat(a)
	b.play(s, A, Prompt{Sound: counted(frameSamples)})
	two := b.beat(a)
	if !two.mark || two.seq != one.seq+1 || two.timestamp != one.timestamp+160 {
		t.Errorf("%+v after %+v", two, one)
	}
	b.tell()
	if told != 0 || b.pacer.playing.Load() != 1 {
		t.Errorf("told %d times, %d playing", told, b.pacer.playing.Load())
	}
}

// What a delay of ours holds up is sent at once, up to three packets; more is
// left out of the stream's time, never of the sound.
func TestLateBeats(t *testing.T) {
	for _, tt := range []struct {
		name    string
		late    time.Duration // beyond the beat
		packets int
		skipped uint32 // samples
	}{
		{"in time", 0, 1, 0},
		{"9 ms", 9 * time.Millisecond, 1, 0},
		{"one packet", 20 * time.Millisecond, 2, 0},
		{"two packets", 40 * time.Millisecond, 3, 0},
		{"a second", time.Second, 3, 48 * 160},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, nil)
			a := newPeer(t, "127.0.0.1")
			s := b.allocate(Options{})
			b.setRemote(s, A, Remote{RTP: a.addr()})
			b.play(s, A, Prompt{Sound: counted(50 * frameSamples)})
			last := b.beat(a)
			b.at.Add(int64(tt.late))
			for i := range tt.packets {
				var p heard
				if i == 0 {
					p = b.beat(a)
					last.timestamp += tt.skipped
				} else {
					packet, _ := a.receive()
					p = readPacket(t, packet)
				}
				if p.seq != last.seq+1 || p.timestamp != last.timestamp+160 || p.sound[0] != last.sound[0]+1 {
					t.Errorf("packet %d: %d %d after %d %d", i, p.seq, p.timestamp, last.seq, last.timestamp)
				}
				last = p
			}
			a.nothing()
		})
	}
}

// A beat that is early or late by less than half a packet sends one each.
func TestUnsteadyBeats(t *testing.T) {
	b := newBed(t, nil)
	a := newPeer(t, "127.0.0.1")
	s := b.allocate(Options{})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.play(s, A, Prompt{Sound: counted(50 * frameSamples)})
	b.beat(a)
	for i, off := range []int{-9, 9, -9, 0, 9, -9, 5, -5} {
		start := b.at.Load()
		b.at.Add(int64(time.Duration(off) * time.Millisecond))
		b.beat(a)
		b.at.Store(start + int64(frameTime))
		b.pace()
		if packet, _, err := a.next(time.Millisecond); err == nil {
			t.Fatalf("beat %d brings two packets (%d octets)", i, len(packet))
		}
	}
}

func TestWhatIsPlayedIsNotMixed(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	s := b.call(a, z)
	passes := func(from, to *peer, side Side) bool {
		t.Helper()
		before := s.Stats()
		from.send(s.Local(side), packet(7, 1))
		dropped := func() uint32 {
			stats := s.Stats()
			if side == A {
				return stats.A.Dropped[DropApart] - before.A.Dropped[DropApart]
			}
			return stats.B.Dropped[DropApart] - before.B.Dropped[DropApart]
		}
		if _, _, err := to.next(20 * time.Millisecond); err == nil {
			return true
		}
		eventually(t, "the packet is counted", func() bool { return dropped() == 1 })
		return false
	}
	b.play(s, A, Prompt{Sound: counted(frameSamples)})
	if passes(z, a, B) {
		t.Error("B is heard over what A is played")
	}
	if !passes(a, z, A) {
		t.Error("A is not heard by B, who is played nothing")
	}
	s.Separate(true)
	s.Hush(A)
	if passes(z, a, B) || passes(a, z, A) {
		t.Error("sides that are kept apart hear each other")
	}
	s.Separate(false)
	if !passes(z, a, B) || !passes(a, z, A) {
		t.Error("sides that are together again don't hear each other")
	}
}

func TestPlayRefuses(t *testing.T) {
	b := newBed(t, func(c *Config) { c.MaxPlaying = 1 })
	a := newPeer(t, "127.0.0.1")
	s, other := b.allocate(Options{}), b.allocate(Options{})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	good := Prompt{Sound: counted(frameSamples)}
	for name, p := range map[string]Prompt{
		"no sound":               {},
		"payload type":           {Sound: good.Sound, PayloadType: 128},
		"times":                  {Sound: good.Sound, Times: -1},
		"a pause without an end": {Sound: good.Sound, Pause: time.Hour},
	} {
		if err := s.Play(A, p); !errors.Is(err, ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.play(s, A, good)
	b.play(s, A, good)
	if err := other.Play(B, good); !errors.Is(err, ErrPlaying) {
		t.Errorf("more than the bound: %v", err)
	}
	s.Release()
	if err := s.Play(A, good); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	b.play(other, B, good)
	b.pace()
	a.nothing()
	other.Hush(B)
	other.Hush(B)
	if n := b.pacer.playing.Load(); n != 0 {
		t.Errorf("%d are playing", n)
	}
}

// On hold nothing is sent, and the prompt ends all the same.
func TestPlayToASideOnHold(t *testing.T) {
	b := newBed(t, nil)
	a := newPeer(t, "127.0.0.1")
	ended := false
	s := b.allocate(Options{Events: Events{OnPlayed: func(Side) { ended = true }}})
	b.setRemote(s, A, Remote{RTP: a.addr(), Direction: SendOnly})
	b.play(s, A, Prompt{Sound: counted(frameSamples), Times: 2})
	for range 3 {
		b.at.Add(int64(frameTime))
		b.pace()
	}
	b.tell()
	a.nothing()
	if !ended {
		t.Error("it has no end")
	}
}

// Everything at once, under the race detector, on the pacer of a relay as it runs.
func TestPlayingRaces(t *testing.T) {
	b := newBed(t, nil)
	b.now = monotonic()
	b.sweeper.Go(b.keepPacing)
	b.sweeper.Go(b.keepTelling)
	a, z := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			var s *Session
			said := make(chan struct{}, 8)
			s, err := b.Allocate(Options{Events: Events{OnPlayed: func(Side) { said <- struct{}{} }, OnDigit: func(Side, byte) {}}})
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.SetRemote(A, Remote{RTP: a.addr()})
			_ = s.SetRemote(B, Remote{RTP: z.addr()})
			s.Listen(B, 101)
			for range 3 {
				if err := s.Play(A, Prompt{Sound: counted(2 * frameSamples), Times: 1}); err != nil {
					t.Error(err)
				}
				if err := s.Play(B, Prompt{Sound: counted(frameSamples)}); err != nil {
					t.Error(err)
				}
				s.Separate(i%2 == 0)
				<-said
				s.Hush(B)
				s.Stats()
			}
			s.Release()
		})
	}
	work.Wait()
	eventually(t, "nothing is played", func() bool { return b.pacer.playing.Load() == 0 && b.pacer.idle() })
}

// The beat of the real clock: as many packets as 20 ms fit, none twice.
func TestPacerKeepsTheBeat(t *testing.T) {
	b := newBed(t, nil)
	b.now = monotonic()
	b.sweeper.Go(b.keepPacing)
	b.sweeper.Go(b.keepTelling)
	a := newPeer(t, "127.0.0.1")
	done := make(chan struct{})
	s := b.allocate(Options{Events: Events{OnPlayed: func(Side) { close(done) }}})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	sound := counted(10 * frameSamples)
	b.play(s, A, Prompt{Sound: sound, Times: 1})
	var got []byte
	for i := range 10 {
		packet, _ := a.receive()
		p := readPacket(t, packet)
		if p.mark != (i == 0) {
			t.Errorf("packet %d: marker %v", i, p.mark)
		}
		got = append(got, p.sound...)
	}
	<-done
	a.nothing()
	if !bytes.Equal(got, sound.laws[muLaw]) {
		t.Error("the sound was changed")
	}
}

func BenchmarkPace(b *testing.B) {
	bed := newBed(b, func(c *Config) { c.PortMax = 30399 })
	a := newPeer(b, "127.0.0.1")
	sound := counted(100 * frameSamples)
	const players = 100
	for range players {
		s := bed.allocate(Options{})
		bed.setRemote(s, A, Remote{RTP: a.addr()})
		bed.play(s, A, Prompt{Sound: sound})
	}
	b.ReportAllocs()
	for b.Loop() {
		bed.at.Add(int64(frameTime))
		bed.pace()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/players, "ns/packet")
}
