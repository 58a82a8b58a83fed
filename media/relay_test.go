package media

import (
	"bytes"
	"testing"
)

func TestRelayBothWaysOctetForOctet(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	for seq := range uint16(100) {
		for _, way := range []struct {
			from, to *peer
			in, out  Side
		}{{a, z, A, B}, {z, a, B, A}} {
			sent := packet(uint32(way.in), seq)
			way.from.send(s.Local(way.in), sent)
			got, source := way.to.receive()
			if !bytes.Equal(got, sent) {
				t.Fatalf("%v to %v: packet %d altered", way.in, way.out, seq)
			}
			if source != s.Local(way.out) {
				t.Fatalf("%v sees source %v, its SDP says %v", way.out, source, s.Local(way.out))
			}
		}
	}
	st := s.Release()
	if st.A.Received.Packets != 100 || st.A.Sent.Packets != 100 || st.B.Received.Octets != 100*172 || st.B.Sent.Octets != 100*172 {
		t.Errorf("stats: %+v", st)
	}
	if n := st.A.Dropped.Total() + st.B.Dropped.Total() + st.A.Lost + st.B.Lost; n != 0 {
		t.Errorf("dropped or lost %d", n)
	}
}
