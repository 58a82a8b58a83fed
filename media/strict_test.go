package media

import (
	"net/netip"
	"testing"
	"time"
)

// A neighbour that shares the strict party's address speaks first, with its SSRC, to
// RTP and RTCP, before the party does and after each re-INVITE: nobody hears it, and
// it is sent nothing.
func TestNobodySpeaksForAStrictParty(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Relatch = time.Second })
	a, aRTCP := newPeers(t, "127.0.0.2")
	z, zRTCP := newPeers(t, "127.0.0.3")
	neighbour := newPeer(t, "127.0.0.2")
	s := b.allocate(Options{ID: "call"})
	strict := Remote{
		RTP: a.addr(), Strict: true, From: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, PayloadTypes: NewPayloadTypes(8),
	}
	b.setRemote(s, A, strict)
	b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: NewPayloadTypes(8)})
	intrude := func() {
		before := s.Stats().A.Dropped[DropStranger]
		neighbour.send(s.Local(A), packet(1, 7))
		neighbour.send(next(s.Local(A)), marshal(t, senderReport()))
		eventually(t, "both are strangers", func() bool { return s.Stats().A.Dropped[DropStranger] == before+2 })
	}
	intrude()
	for seq := range uint16(3) {
		exchange(t, s, A, a, z, seq)
		exchange(t, s, B, z, a, seq)
	}
	aRTCP.send(next(s.Local(A)), marshal(t, senderReport()))
	zRTCP.receive()
	b.setRemote(s, A, strict)
	intrude()
	b.pass(2 * relearnAfter)
	intrude()
	b.fallSilent(2 * time.Second) // Relatch is for others
	b.setRemote(s, A, strict)
	intrude()
	exchange(t, s, A, a, z, 100)
	exchange(t, s, B, z, a, 100)
	z.nothing()
	zRTCP.nothing()
	neighbour.nothing()
}

// A side that becomes strict in a call forgets the port that was learned.
func TestStrictForgetsWhatWasLearned(t *testing.T) {
	b := newBed(t, nil)
	a, z, behind := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"), newPeer(t, "127.0.0.2")
	s := b.call(a, z)
	exchange(t, s, A, behind, z, 1)
	exchange(t, s, B, z, behind, 1)
	b.setRemote(s, A, Remote{RTP: a.addr(), Strict: true})
	behind.send(s.Local(A), packet(1, 2))
	exchange(t, s, B, z, a, 2)
	exchange(t, s, A, a, z, 3)
	behind.nothing()
}
