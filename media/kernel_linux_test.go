package media

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// onKernel asks for the kernel's backend, whatever is tested. A host that does not
// permit it has no such test.
func kernelBed(t *testing.T) *bed {
	t.Helper()
	if tested != "kernel" {
		return nil
	}
	return newBed(t, nil)
}

// forwarded is how many packets of a side user space has not seen.
func (b *bed) forwarded(s *Session, which Side) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.sides[which].bypass.(*flow)
	if !f.active {
		return 0
	}
	s.collect(&s.sides[which], b.now())
	return f.counted[0]
}

func kernelCall(t *testing.T, b *bed) (s *Session, a, z *peer) {
	t.Helper()
	return kernelCallOf(t, b, newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"))
}

func kernelCallOf(t *testing.T, b *bed, a, z *peer) (*Session, *peer, *peer) {
	t.Helper()
	s := b.allocate(Options{ID: "call"})
	types := NewPayloadTypes(0, 8, 101)
	b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: types, DSCP: 46})
	b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: types})
	exchange(t, s, A, a, z, 1)
	exchange(t, s, B, z, a, 1)
	exchange(t, s, A, a, z, 2) // from here on the kernel does it
	exchange(t, s, B, z, a, 2)
	return s, a, z
}

func TestKernelForwards(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  func(*Config)
		a, z string
	}{{"IPv4", nil, "127.0.0.2", "127.0.0.3"}, {"IPv6", onIPv6, "::1", "::1"}} {
		t.Run(c.name, func(t *testing.T) {
			if tested == "kernel" {
				kernelForwards(t, newBed(t, c.cfg), newPeer(t, c.a), newPeer(t, c.z))
			}
		})
	}
}

func kernelForwards(t *testing.T, b *bed, a, z *peer) {
	s, a, z := kernelCallOf(t, b, a, z)
	for seq := uint16(3); seq < 53; seq++ {
		exchange(t, s, A, a, z, seq)
		exchange(t, s, B, z, a, seq)
	}
	if x, y := b.forwarded(s, A), b.forwarded(s, B); x < 50 || y < 50 {
		t.Errorf("%d and %d packets were forwarded, want 50 and more", x, y)
	}
	stats := s.Stats()
	if stats.A.Received.Packets != 52 || stats.B.Received.Packets != 52 || stats.A.Sent.Packets != 52 || stats.A.Lost != 0 {
		t.Errorf("%+v", stats)
	}
	if after := s.Release(); after.A.Received != stats.A.Received {
		t.Errorf("%+v after the end", after.A)
	}
}

func TestKernelCountsGaps(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	s, a, z := kernelCall(t, b)
	for _, seq := range []uint16{3, 4, 7, 6, 8, 8, 9} { // 5 is lost, 6 late, 8 comes twice
		exchange(t, s, A, a, z, seq)
	}
	if got := s.Stats().A; got.Lost != 1 || got.Late != 1 || got.Duplicates != 1 || got.Received.Packets != 9 {
		t.Errorf("%+v", got)
	}
}

// Packets may wait in the socket while the kernel takes over: they come late, and the
// stream is not handed over again before the last of them.
func TestKernelTakesOverBeforeTheSocketIsEmpty(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	s, a, z := kernelCall(t, b)
	exchange(t, s, A, a, z, 6)
	exchange(t, s, A, a, z, 7)
	for _, waited := range []struct {
		seq   uint16
		taken bool
	}{{3, false}, {4, false}, {5, false}, {8, true}} {
		p := packet(uint32(A), waited.seq)
		p[0] |= 0x20 // padding: the kernel leaves it to user space
		p[len(p)-1] = 1
		a.send(s.Local(A), p)
		if got, _ := z.receive(); !bytes.Equal(got, p) {
			t.Fatalf("packet %d: % x", waited.seq, got)
		}
		s.mu.Lock()
		taken := s.sides[A].bypass.open()
		s.mu.Unlock()
		if taken != waited.taken {
			t.Errorf("after packet %d: the kernel has the stream: %v", waited.seq, taken)
		}
	}
	if got := s.Stats().A; got.Lost != 0 || got.Late != 3 || got.Duplicates != 0 || got.Received.Packets != 8 || got.Bursts != 0 {
		t.Errorf("%+v", got)
	}
}

func TestKernelLeavesTheRestToUserSpace(t *testing.T) {
	cases := []struct {
		name string
		do   func(*bed, *Session)
	}{
		{"listening for keys", func(_ *bed, s *Session) { s.Listen(A, 101) }},
		{"kept apart", func(_ *bed, s *Session) { s.Separate(true); s.Separate(false) }},
		{"signalling", func(b *bed, s *Session) {
			b.setRemote(s, A, Remote{RTP: s.sides[A].rtp.latch.expect.unpack(), PayloadTypes: NewPayloadTypes(0, 8, 101)})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := kernelBed(t)
			if b == nil {
				return
			}
			s, a, z := kernelCall(t, b)
			c.do(b, s)
			if n := b.forwarded(s, A) + b.forwarded(s, B); n != 0 {
				t.Errorf("the kernel still has %d", n)
			}
			exchange(t, s, A, a, z, 3)
			exchange(t, s, B, z, a, 3)
			if got := s.Stats(); got.A.Received.Packets != 3 || got.B.Received.Packets != 3 || got.A.Lost+got.B.Lost != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestStrangersMeetUserSpace(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	s, a, z := kernelCall(t, b)
	stranger := newPeer(t, "127.0.0.66")
	copied := packet(1, 3)
	for range 20 {
		stranger.send(s.Local(A), copied)
	}
	exchange(t, s, A, a, z, 3)
	z.nothing()
	stranger.nothing()
	eventually(t, "the strangers are counted", func() bool { return s.Stats().A.Dropped[DropStranger] == 20 })
}

// A new SSRC comes to user space first, and goes to the kernel with it.
func TestKernelFollowsANewStream(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	s, a, z := kernelCall(t, b)
	other := packet(1, 500)
	other[8] ^= 0xFF
	for seq := byte(0); seq < 5; seq++ {
		other[3] = seq
		a.send(s.Local(A), other)
		if got, _ := z.receive(); !bytes.Equal(got, other) {
			t.Fatalf("packet %d: % x", seq, got)
		}
	}
	if n := b.forwarded(s, A); n == 0 {
		t.Error("the kernel has not taken the new stream")
	}
	if got := s.Stats().A; got.Restarts != 1 || got.Received.Packets != 7 {
		t.Errorf("%+v", got)
	}
}

func TestSilenceIsSeenThroughTheKernel(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	s, a, z := kernelCall(t, b)
	s.Answered()
	for i := range 5 { // each within the limit, all together beyond it
		b.pass(50 * time.Second)
		exchange(t, s, A, a, z, uint16(3+i))
		b.pass(time.Second)
	}
	if _, ended := s.expire(b.now(), 0); ended {
		t.Error("it ended, though packets came")
	}
	b.at.Add(int64(61 * time.Second))
	if why, ended := s.expire(b.now(), 0); !ended || why != TimeoutSilent {
		t.Error("it did not end")
	}
}

// TestKernelLeavesSRTPAlone begins with plain streams that the kernel has, and
// then protects one side: nothing may pass from there on as it came.
func TestKernelLeavesSRTPAlone(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	s, a, z := kernelCall(t, b)
	keys := newKeys(t, AES128SHA80)
	p := newPhone(t, keys)
	b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: NewPayloadTypes(0, 8, 101), SRTP: keys})
	for seq := uint16(3); seq < 20; seq++ {
		a.send(s.Local(A), p.protect(packet(7, seq)))
		if got, _ := z.receive(); !bytes.Equal(got, packet(7, seq)) {
			t.Fatal("another packet came out")
		}
		z.send(s.Local(B), packet(9, seq))
		got, _ := a.receive()
		if !bytes.Equal(p.hears(got), packet(9, seq)) {
			t.Fatal("another packet came back")
		}
	}
	if x, y := b.forwarded(s, A), b.forwarded(s, B); x != 0 || y != 0 {
		t.Errorf("the kernel forwarded %d and %d packets", x, y)
	}
}

// smallMap is a map with room for a page of entries.
func smallMap(t *testing.T, size uint32) *ebpf.Memory {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	memory, err := m.Memory()
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

func TestFullMapLeavesStreamsToUserSpace(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	room := smallMap(t, flowSize)
	b.networks[0].backend.(*steer).forward.memory = room
	refused := 0
	for range 6 {
		s, a, z := kernelCall(t, b)
		for seq := uint16(3); seq < 10; seq++ {
			exchange(t, s, A, a, z, seq)
			exchange(t, s, B, z, a, seq)
		}
		for i := range s.sides {
			if s.sides[i].bypass.(*flow).offset(flowSize) > int64(room.Size()) {
				refused++
				if got := s.Stats(); got.A.Received.Packets != 9 || got.B.Received.Packets != 9 {
					t.Errorf("%+v", got)
				}
			}
		}
	}
	if got := b.scrape()["kernel_refused_total{}"]; got != float64(refused) || refused == 0 {
		t.Errorf("%v streams are counted, want %d", got, refused)
	}
	if got := b.logs.FilterMessageSnippet("stays in user space").Len(); got != 1 {
		t.Errorf("told %d times", got)
	}
}

func TestFullMapRefusesACall(t *testing.T) {
	if kernelBed(t) == nil {
		return
	}
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax = 20000, 24095 })
	b.networks[0].backend.(*steer).steering.memory = smallMap(t, portEntry)
	var err error
	calls := 0
	for ; calls < 100 && err == nil; calls++ {
		_, err = b.Allocate(Options{})
	}
	if !errors.Is(err, ErrBind) {
		t.Errorf("got %v, want ErrBind", err)
	}
	if got := b.networks[0].ports.used(); got != 2*(calls-1) {
		t.Errorf("%d pairs are used by %d calls", got, calls-1)
	}
}
