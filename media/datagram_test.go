package media

import (
	"bytes"
	"testing"
)

// udptl is a datagram of T.38, as far as we look at it.
func udptl(seq uint16, size int) []byte {
	return append([]byte{byte(seq >> 8), byte(seq), 1}, bytes.Repeat([]byte{0x06}, size-leastDatagram)...)
}

func TestDatagramsPassUnread(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	exchange(t, s, A, a, z, 1)
	b.setRemote(s, A, Remote{RTP: a.addr(), Datagrams: true, PayloadTypes: NewPayloadTypes(8)})
	a.send(s.Local(A), udptl(1, 40)) // the other side has not changed over
	eventually(t, "it is kept back", func() bool { return s.Stats().A.Dropped[DropApart] == 1 })
	z.send(s.Local(B), packet(2, 1))
	eventually(t, "and so is audio", func() bool { return s.Stats().B.Dropped[DropApart] == 1 })

	b.setRemote(s, B, Remote{RTP: z.addr(), Datagrams: true})
	for seq, size := range []int{leastDatagram, 40, 400, maxPacket} {
		sent := udptl(uint16(seq), size)
		a.send(s.Local(A), sent)
		if got, from := z.receive(); !bytes.Equal(got, sent) || from != s.Local(B) {
			t.Errorf("%d octets changed, or came from %v", size, from)
		}
		z.send(s.Local(B), sent)
		if got, _ := a.receive(); !bytes.Equal(got, sent) {
			t.Errorf("%d octets changed on the way back", size)
		}
	}
	stranger := newPeer(t, "127.0.0.9")
	stranger.send(s.Local(B), udptl(1, 40))
	z.send(s.Local(B), udptl(1, leastDatagram)[1:])
	z.send(s.Local(B), udptl(1, maxPacket+1))
	eventually(t, "a stranger, one too short and one too long are dropped", func() bool {
		d := s.Stats().B.Dropped
		return d[DropStranger] <= 1 && d[DropSize] == 2
	})
	if got := s.Stats().A.Received.Packets; got != 6 {
		t.Errorf("%d packets of side A, want 6", got)
	}
	a.nothing()

	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	exchange(t, s, A, a, z, 100) // audio again
}

// TestDatagramsLearnAnAddress needs as many in a row as RTP does.
func TestDatagramsLearnAnAddress(t *testing.T) {
	b := newBed(t, nil)
	a, named, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.4"), newPeer(t, "127.0.0.3")
	s := b.call(named, z)
	b.setRemote(s, A, Remote{RTP: named.addr(), NAT: true, Datagrams: true})
	b.setRemote(s, B, Remote{RTP: z.addr(), Datagrams: true})
	for seq := range uint16(learnPackets) {
		a.send(s.Local(A), udptl(seq, 40))
	}
	if got, _ := z.receive(); !bytes.Equal(got, udptl(learnPackets-1, 40)) {
		t.Error("not the one that proved the address")
	}
	z.send(s.Local(B), udptl(1, 40))
	a.receive()
}

func TestDatagramsAllocateNothing(t *testing.T) {
	s, _ := detached(Remote{RTP: benchFrom, Datagrams: true})
	s.sides[B].datagrams = true
	w, p := &work{now: 1, total: &counters{}}, udptl(1, 40)
	if n := testing.AllocsPerRun(1000, func() { s.sides[A].rtp.receive(p, benchFrom, w) }); n != 0 {
		t.Errorf("%v allocations per datagram", n)
	}
}
