package media

import (
	"testing"
	"time"
)

// BenchmarkSecured is what a packet costs outside the kernel between a side with
// SRTP and one without, in each direction.
func BenchmarkSecured(b *testing.B) {
	for _, c := range allSuites {
		for side, name := range []string{"/from", "/to"} {
			b.Run(c.name+name, func(b *testing.B) {
				keys := newKeys(b, c.suite)
				s, _ := detached(Remote{RTP: benchFrom, SRTP: keys})
				to := s.sides[B].rtp.latch.expect.unpack()
				p, far := packet(1, 1), newPhone(b, keys)
				w, from := &work{now: time.Minute, total: &counters{}}, []struct {
					side Side
					make func(seq uint16) []byte
				}{
					{A, func(uint16) []byte { sealed, _ := far.out.EncryptRTP(nil, p, nil); return sealed }},
					{B, func(uint16) []byte { return p }},
				}[side]
				b.ReportAllocs()
				for seq := uint16(0); b.Loop(); seq++ {
					p[2], p[3] = byte(seq>>8), byte(seq)
					source := to
					if from.side == A {
						b.StopTimer()
						source = benchFrom
					}
					made := from.make(seq)
					if from.side == A {
						b.StartTimer()
					}
					s.sides[from.side].rtp.receive(made, source, w)
				}
				if n := s.sides[from.side].dropped(); n.Total() != 0 {
					b.Fatalf("%d dropped", n.Total())
				}
			})
		}
	}
}

// BenchmarkSecuring is what the keys of a side cost at set-up.
func BenchmarkSecuring(b *testing.B) {
	for _, c := range allSuites {
		b.Run(c.name, func(b *testing.B) {
			keys := newKeys(b, c.suite)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := secure(nil, &keys, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzSRTP lets no input reach the other side of a call, since none has the key.
func FuzzSRTP(f *testing.F) {
	keys := newKeys(f, AES128SHA80)
	gcm := newKeys(f, AES256GCM)
	f.Add(packet(7, 1), false, false)
	f.Add(packet(7, 1)[:rtpHeader], true, false)
	f.Add(newPhone(f, newKeys(f, AES128SHA80)).protect(packet(7, 1)), false, false)
	f.Add(append([]byte{0x80, 201, 0, 1, 0, 0, 0, 7}, make([]byte, 30)...), true, true)
	f.Fuzz(func(t *testing.T, b []byte, second, control bool) {
		k := keys
		if second {
			k = gcm
		}
		s, out := detached(Remote{RTP: benchFrom, RTCP: benchFrom, SRTP: k})
		w := &work{now: time.Minute, total: &counters{}}
		if control {
			s.sides[A].rtcp.receive(b, benchFrom, w)
		} else {
			s.sides[A].rtp.receive(b, benchFrom, w)
		}
		if n := s.sides[A].dropped(); out.sent != 0 || n.Total() != 1 {
			t.Fatalf("%d sent, %d dropped", out.sent, n.Total())
		}
	})
}
