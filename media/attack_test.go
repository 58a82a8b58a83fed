package media

import (
	"bytes"
	"net/netip"
	"testing"
)

const victims = 50

// siege is calls under attack.
type siege struct {
	t        *testing.T
	calls    []*Session
	a, z     []*peer
	attacker *peer
	seq      uint16
}

// spray sends valid packets with the victims' SSRC to all four ports of each.
func (s *siege) spray() {
	for _, call := range s.calls {
		for side := A; side <= B; side++ {
			s.attacker.send(call.Local(side), packet(uint32(side), s.seq+1))
			s.attacker.send(next(call.Local(side)), marshal(s.t, senderReport()))
		}
	}
}

// talk lets both parties of each call speak while the attack goes on, and
// expects that each hears the other and nothing else.
func (s *siege) talk(rounds int) {
	s.t.Helper()
	for range rounds {
		s.seq++
		s.spray()
		for i, call := range s.calls {
			s.a[i].send(call.Local(A), packet(uint32(A), s.seq))
			s.z[i].send(call.Local(B), packet(uint32(B), s.seq))
		}
		s.spray()
		for i := range s.calls {
			if got, _ := s.z[i].receive(); !bytes.Equal(got, packet(uint32(A), s.seq)) {
				s.t.Fatalf("round %d: call %d: B did not hear A", s.seq, i)
			}
			if got, _ := s.a[i].receive(); !bytes.Equal(got, packet(uint32(B), s.seq)) {
				s.t.Fatalf("round %d: call %d: A did not hear B", s.seq, i)
			}
		}
	}
}

func TestAttackerIsNotHeardAndHearsNothing(t *testing.T) {
	b := newBed(t, nil)
	s := &siege{t: t, attacker: newPeer(t, "127.0.0.66"), seq: 1000}
	for range victims {
		s.a, s.z = append(s.a, newPeer(t, "127.0.0.2")), append(s.z, newPeer(t, "127.0.0.3"))
		s.calls = append(s.calls, b.allocate(Options{ID: "victim"}))
	}
	s.spray() // before anything is known
	for i, call := range s.calls {
		b.setRemote(call, A, Remote{RTP: s.a[i].addr()})
		s.attacker.send(call.Local(A), packet(uint32(A), 1)) // while it is set up
		b.setRemote(call, B, Remote{RTP: s.z[i].addr()})
	}
	s.spray() // before the first legitimate packet
	s.talk(20)
	for i, call := range s.calls { // re-INVITE opens the latches
		b.setRemote(call, A, Remote{RTP: s.a[i].addr()})
		b.setRemote(call, B, Remote{RTP: s.z[i].addr()})
	}
	s.talk(5)
	var strangers uint32
	for _, call := range s.calls {
		st := call.Release()
		strangers += st.A.Dropped[DropStranger] + st.B.Dropped[DropStranger]
		if st.A.Sent.Packets != 25 || st.B.Sent.Packets != 25 {
			t.Fatalf("sent %d and %d, want 25", st.A.Sent.Packets, st.B.Sent.Packets)
		}
	}
	s.spray() // to ports at rest
	if strangers == 0 {
		t.Error("no stranger was counted: the attack did not take place")
	}
	for _, p := range append(append(s.a, s.z...), s.attacker) {
		p.nothing()
	}
	if n := b.logs.FilterMessage("media from a stranger dropped").Len(); n != victims {
		t.Errorf("%d log lines, want one for each of %d calls", n, victims)
	}
}

// Who shares the victim's address may be first, but loses its place to the
// address of SDP and does not get it back.
func TestAttackerAtTheSameAddressLosesToSDP(t *testing.T) {
	b := newBed(t, nil)
	a, z, neighbour := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"), newPeer(t, "127.0.0.2")
	s := b.call(a, z)
	neighbour.send(s.Local(A), packet(1, 1))
	z.receive()
	for seq := range uint16(20) {
		exchange(t, s, A, a, z, 100+seq)
		neighbour.send(s.Local(A), packet(1, 2))
		exchange(t, s, B, z, a, 100+seq)
		b.setRemote(s, A, Remote{RTP: a.addr()}) // a re-INVITE is no chance either
		neighbour.send(s.Local(A), packet(1, 3))
		exchange(t, s, B, z, a, 200+seq)
	}
	z.nothing()
	neighbour.nothing()
}

// The kernel keeps strangers away once both ends are latched; what is read was
// sent by the parties.
func TestLatchedSocketsDropStrangersInTheKernel(t *testing.T) {
	b := newBed(t, onPortable)
	a, z, attacker := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"), newPeer(t, "127.0.0.66")
	s := b.call(a, z)
	exchange(t, s, A, a, z, 1)
	exchange(t, s, B, z, a, 1)
	for range 100 {
		attacker.send(s.Local(A), packet(1, 2))
	}
	exchange(t, s, A, a, z, 3)
	if n := s.Stats().A.Dropped[DropStranger]; n != 0 {
		t.Errorf("%d strangers were read", n)
	}
}

func TestStrangersAreLoggedWithoutPort(t *testing.T) {
	b := newBed(t, nil)
	a, z, attacker := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"), newPeer(t, "127.0.0.66")
	s := b.call(a, z)
	for range 3 {
		attacker.send(s.Local(A), packet(1, 2))
		exchange(t, s, A, a, z, 3)
		b.setRemote(s, A, Remote{RTP: a.addr()})
		b.pass(0)
	}
	lines := b.logs.FilterMessage("media from a stranger dropped").All()
	if len(lines) != 1 {
		t.Fatalf("%d lines, want 1", len(lines))
	}
	if fields := lines[0].ContextMap(); fields["session"] != "call" || fields["from"] != netip.MustParseAddr("127.0.0.66").String() {
		t.Errorf("fields %v", fields)
	}
}

// Media that is hostile in itself is dropped, and a good packet right behind
// it passes.
func TestHostilePacketsDoNotDisturb(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: NewPayloadTypes(8, 101)})
	wrongType := packet(1, 1)
	wrongType[1] = 0
	tests := []struct {
		name string
		in   []byte
		want Drop
	}{
		{"empty", nil, DropSize},
		{"one octet", []byte{0x80}, DropSize},
		{"60 KB", make([]byte, 60000), DropSize},
		{"STUN", append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...), DropVersion},
		{"SIP", []byte("OPTIONS sip:a@example.net SIP/2.0\r\n\r\n"), DropVersion},
		{"wrong payload type", wrongType, DropPayloadType},
		{"RTCP", everything(t), DropMultiplexed},
		{"sources beyond the end", append([]byte{0x8f, 8}, make([]byte, 20)...), DropMalformed},
		{"padding beyond the start", append([]byte{0xa0, 8}, bytes.Repeat([]byte{0xff}, 20)...), DropMalformed},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := s.Stats().A.Dropped[tt.want]
			a.send(s.Local(A), tt.in)
			exchange(t, s, A, a, z, uint16(i))
			eventually(t, "it is counted as "+tt.want.String(), func() bool { return s.Stats().A.Dropped[tt.want] > before })
			if n := s.Stats().A.Dropped[tt.want] - before; n != 1 {
				t.Errorf("counted %d times as %v, want once", n, tt.want)
			}
		})
	}
}
