package media

import (
	"testing"
	"time"
)

const relatchAfter = 5 * time.Second

// fallSilent lets the sweeps see that nothing comes for a while.
func (b *bed) fallSilent(d time.Duration) {
	for range d / sweepEvery {
		b.pass(sweepEvery)
	}
}

func TestRelatch(t *testing.T) {
	const owner, other = 0, 7 // SSRC
	tests := []struct {
		name   string
		after  time.Duration // Config.Relatch
		silent time.Duration
		ip     string
		ssrc   uint32
		let    bool
	}{
		{"never, by default", 0, 50 * time.Second, "127.0.0.2", owner, false},
		{"the same stream from another port", relatchAfter, relatchAfter, "127.0.0.2", owner, true},
		{"too soon", relatchAfter, relatchAfter - sweepEvery, "127.0.0.2", owner, false},
		{"an attacker at the same address, who does not know the SSRC", relatchAfter, relatchAfter, "127.0.0.2", other, false},
		{"an attacker elsewhere, who knows it", relatchAfter, relatchAfter, "127.0.0.66", owner, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, func(c *Config) { c.Relatch = tt.after })
			a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
			s, types := b.allocate(Options{ID: "call"}), NewPayloadTypes(8)
			b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: types})
			b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: types})
			for seq := range uint16(3) { // the kernel takes over where it may
				exchange(t, s, A, a, z, seq)
				exchange(t, s, B, z, a, seq)
			}
			exchange(t, s, A, a, z, 3)
			if tt.after > 0 { // while the party speaks it is a stranger in any case
				newPeer(t, tt.ip).send(s.Local(A), packet(tt.ssrc, 4))
				eventually(t, "the stranger is counted", func() bool { return s.Stats().A.Dropped[DropStranger] == 1 })
			}
			b.fallSilent(sweepEvery) // sees what came
			b.fallSilent(tt.silent)

			from := newPeer(t, tt.ip)
			from.send(s.Local(A), packet(tt.ssrc, 100))
			if !tt.let {
				exchange(t, s, A, a, z, 101) // what came before it did not pass
				exchange(t, s, B, z, a, 101)
				from.nothing()
				return
			}
			z.receive()
			exchange(t, s, A, from, z, 101)
			exchange(t, s, B, z, from, 101)
			a.send(s.Local(A), packet(owner, 200)) // of SDP's very address, which takes over
			z.receive()
			exchange(t, s, B, z, a, 200)
			if got := s.Stats().A.Dropped[DropStranger]; got != 1 {
				t.Errorf("%d strangers, want the one before the silence", got)
			}
		})
	}
}

func TestRelatchIsBounded(t *testing.T) {
	for _, d := range []time.Duration{-1, time.Minute + 1} {
		if _, err := (Config{Addr: ownAddr(), Relatch: d}).checked(); err == nil {
			t.Errorf("%v is taken", d)
		}
	}
}
