package media

import (
	"bytes"
	"testing"
)

// TestMuxLeavesTheVoiceInTheKernel sends reports to ports whose voice the kernel
// relays: they come to user space, the voice does not.
func TestMuxLeavesTheVoiceInTheKernel(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  func(*Config)
		a, z string
	}{{"IPv4", nil, "127.0.0.2", "127.0.0.3"}, {"IPv6", onIPv6, "::1", "::1"}} {
		t.Run(c.name, func(t *testing.T) {
			if tested == "kernel" {
				kernelRelaysMuxed(t, newBed(t, c.cfg), newPeer(t, c.a), newPeer(t, c.z))
			}
		})
	}
}

func kernelRelaysMuxed(t *testing.T, b *bed, a, z *peer) {
	s := b.muxPasses(muxPeer{a, a, true}, muxPeer{z, z, true})
	if x, y := b.forwarded(s, A), b.forwarded(s, B); x < 3 || x > 5 || y < 3 || y > 5 {
		t.Errorf("%d and %d packets were forwarded, want 3 to 5: all voice but the first", x, y)
	}
}

// TestTapKeepsTheSessionInUserSpace takes a stream back from the kernel, and gives it
// back after the recording.
func TestTapKeepsTheSessionInUserSpace(t *testing.T) {
	b := kernelBed(t)
	if b == nil {
		return
	}
	s, a, z := kernelCall(t, b)
	e := record(t, s)
	for seq := range uint16(20) {
		exchange(t, s, A, a, z, 3+seq)
		exchange(t, s, B, z, a, 3+seq)
	}
	if n := b.forwarded(s, A) + b.forwarded(s, B); n != 0 {
		t.Errorf("the kernel relayed %d", n)
	}
	eventually(t, "all are heard", func() bool { n, _ := e.count(); return n == 40 })
	s.StopRecording()
	for seq := range uint16(5) {
		exchange(t, s, A, a, z, 23+seq)
	}
	if n := b.forwarded(s, A); n < 4 {
		t.Errorf("the kernel relayed %d of 5 after the end", n)
	}
	eventually(t, "it ends", func() bool { _, ends := e.count(); return ends == 1 })
	if n, _ := e.count(); n != 40 {
		t.Errorf("%d were heard, want 40", n)
	}
}

// TestNotForTheKernel has what must come to user space: the kernel relays a call
// without it.
func TestNotForTheKernel(t *testing.T) {
	cases := []struct {
		name string
		set  func(t *testing.T, s *Session, a, z *Remote)
	}{
		{"SRTP of the side that speaks", func(t *testing.T, _ *Session, a, _ *Remote) { a.SRTP = newKeys(t, AES128SHA80) }},
		{"SRTP of the side that hears", func(t *testing.T, _ *Session, _, z *Remote) { z.SRTP = newKeys(t, AES128SHA80) }},
		{"SRTP at a shared port", func(t *testing.T, _ *Session, a, _ *Remote) { a.SRTP, a.Mux = newKeys(t, AES256GCM), true }},
		{"a tap", func(t *testing.T, s *Session, _, _ *Remote) { record(t, s) }},
		{"a tap and a shared port", func(t *testing.T, s *Session, a, _ *Remote) { record(t, s); a.Mux = true }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := kernelBed(t)
			if b == nil {
				return
			}
			s, a, z := kernelCall(t, b)
			exchange(t, s, A, a, z, 3)
			if n := b.forwarded(s, A); n == 0 {
				t.Fatal("the kernel relays nothing as it is")
			}
			ra, rz := Remote{RTP: a.addr(), PayloadTypes: NewPayloadTypes(8)}, Remote{RTP: z.addr(), PayloadTypes: NewPayloadTypes(8)}
			c.set(t, s, &ra, &rz)
			b.setRemote(s, A, ra)
			b.setRemote(s, B, rz)
			before := b.forwarded(s, A)
			protect := func(b []byte) []byte { return b }
			if ra.SRTP.Suite != PlainRTP {
				protect = newPhone(t, ra.SRTP).protect
			}
			for seq := range uint16(4) {
				spoken := packet(uint32(A), 4+seq)
				a.send(s.Local(A), protect(spoken))
				if got, _ := z.receive(); bytes.Equal(got, spoken) != (rz.SRTP.Suite == PlainRTP) {
					t.Error("another packet came out, or one without protection")
				}
			}
			if n := b.forwarded(s, A); n != before {
				t.Errorf("the kernel relayed %d", n-before)
			}
		})
	}
}
