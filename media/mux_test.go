package media

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/rtcp"
)

// muxPeer is a party whose RTCP comes and goes at one of its two sockets.
type muxPeer struct {
	*peer
	rtcp *peer
	mux  bool
}

func newMuxPeer(t *testing.T, ip string, mux bool) muxPeer {
	rtp, rtcp := newPeers(t, ip)
	if mux {
		rtcp = rtp
	}
	return muxPeer{rtp, rtcp, mux}
}

// to is where the party sends its RTCP.
func (p muxPeer) to(local netip.AddrPort) netip.AddrPort {
	if p.mux {
		return local
	}
	return next(local)
}

// muxCall has the kernel relay what is of the payload types, where there are any.
func (b *bed) muxCall(a, z muxPeer, types ...uint8) *Session {
	s := b.allocate(Options{ID: "call"})
	b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: NewPayloadTypes(types...), Mux: a.mux})
	b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: NewPayloadTypes(types...), Mux: z.mux})
	return s
}

// TestMuxIsEachSidesOwn passes voice and reports between sides that share a port
// and sides that do not.
func TestMuxIsEachSidesOwn(t *testing.T) {
	for _, ip := range []struct {
		version, a, z string
		change        func(*Config)
	}{{"IPv4", "127.0.0.2", "127.0.0.3", nil}, {"IPv6", "::1", "::1", onIPv6}} {
		for _, tt := range []struct {
			name string
			a, z bool
		}{{"both", true, true}, {"caller", true, false}, {"callee", false, true}, {"neither", false, false}} {
			t.Run(ip.version+" "+tt.name, func(t *testing.T) {
				b := newBed(t, ip.change)
				b.muxPasses(newMuxPeer(t, ip.a, tt.a), newMuxPeer(t, ip.z, tt.z)).Release()
			})
		}
	}
}

// muxPasses has five packets of voice and as many reports pass each way.
func (b *bed) muxPasses(a, z muxPeer) *Session {
	t := b.t
	t.Helper()
	s := b.muxCall(a, z, 8)
	for seq := range uint16(5) {
		exchange(t, s, A, a.peer, z.peer, seq)
		exchange(t, s, B, z.peer, a.peer, seq)
		for _, way := range []struct {
			in       Side
			from, to muxPeer
		}{{A, a, z}, {B, z, a}} {
			way.from.rtcp.send(way.from.to(s.Local(way.in)), everything(t))
			got, source := way.to.rtcp.receive()
			if source != way.to.to(s.Local(way.in.other())) {
				t.Errorf("from %v: it came from %v", way.in, source)
			}
			if _, err := rtcp.Unmarshal(got); err != nil || bytes.Contains(got, []byte(testNumber[4:])) {
				t.Errorf("from %v: not rewritten, error %v", way.in, err)
			}
		}
	}
	st := s.Stats()
	if st.A.Received.Packets != 5 || st.B.Received.Packets != 5 || st.A.RTCPReceived != 5 || st.B.RTCPReceived != 5 ||
		st.A.RTCPSent != 5 || st.B.RTCPSent != 5 || st.A.Dropped.Total()+st.B.Dropped.Total() != 0 || st.A.Lost+st.A.Restarts != 0 {
		t.Errorf("stats: %+v", st)
	}
	return s
}

// TestAmbiguousPayloadTypeStaysInUserSpace has a payload type that could be RTCP
// where no port is shared: with the marker it is dropped, on each backend.
func TestAmbiguousPayloadTypeStaysInUserSpace(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.allocate(Options{})
	b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: NewPayloadTypes(8, 72)})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	for seq := range uint16(3) {
		exchange(t, s, A, a, z, seq)
		odd := packet(uint32(A), seq)
		odd[1] = 72 | 0x80
		a.send(s.Local(A), odd)
	}
	exchange(t, s, A, a, z, 3)
	eventually(t, "they are dropped", func() bool { return s.Stats().A.Dropped[DropMultiplexed] == 3 })
	z.nothing()
}

// TestMuxedRTCPKeepsTheSourcesRule takes reports from where the voice may come from
// alone, and never learns a port from them.
func TestMuxedRTCPKeepsTheSourcesRule(t *testing.T) {
	report := func(t *testing.T) []byte { return marshal(t, senderReport()) }
	t.Run("before the voice", func(t *testing.T) {
		b := newBed(t, nil)
		a, z := newMuxPeer(t, "127.0.0.2", true), newMuxPeer(t, "127.0.0.3", true)
		s := b.muxCall(a, z)
		near := newPeer(t, "127.0.0.2")
		near.send(s.Local(A), report(t))
		z.receive()
		exchange(t, s, B, z.peer, a.peer, 1) // not to near
		exchange(t, s, A, newPeer(t, "127.0.0.2"), z.peer, 1)
	})
	t.Run("strangers", func(t *testing.T) {
		b := newBed(t, nil)
		a, z := newMuxPeer(t, "127.0.0.2", true), newMuxPeer(t, "127.0.0.3", true)
		s := b.muxCall(a, z)
		stranger, near := newPeer(t, "127.0.0.66"), newPeer(t, "127.0.0.2")
		stranger.send(s.Local(A), report(t))
		eventually(t, "it is dropped", func() bool { return s.Stats().A.Dropped[DropStranger] == 1 })
		exchange(t, s, A, a.peer, z.peer, 1)
		near.send(s.Local(A), report(t))
		exchange(t, s, A, a.peer, z.peer, 2) // so what was before it was judged
		z.nothing()
	})
	t.Run("the other port", func(t *testing.T) {
		b := newBed(t, nil)
		a, z := newMuxPeer(t, "127.0.0.2", true), newMuxPeer(t, "127.0.0.3", true)
		s := b.muxCall(a, z)
		a.send(next(s.Local(A)), report(t))
		eventually(t, "it is dropped", func() bool { return s.Stats().A.Dropped[DropNoRemote] == 1 })
		z.nothing()
	})
	t.Run("nat", func(t *testing.T) {
		b := newBed(t, nil)
		z := newMuxPeer(t, "127.0.0.3", true)
		behind, other := newPeer(t, "127.0.0.9"), newPeer(t, "127.0.0.9")
		s := b.muxCall(z, z)
		b.setRemote(s, A, Remote{RTP: netip.MustParseAddrPort("127.0.0.2:9"), NAT: true, Mux: true})
		for range 2 * learnPackets {
			behind.send(s.Local(A), report(t)) // proves nothing
		}
		eventually(t, "they are dropped", func() bool { return s.Stats().A.Dropped[DropLearning] == 2*learnPackets })
		for seq := range uint16(learnPackets) {
			behind.send(s.Local(A), packet(1, seq))
		}
		z.receive()
		other.send(s.Local(A), report(t))
		behind.send(s.Local(A), report(t))
		z.receive()
		z.nothing()
	})
}

// TestMuxMayChange takes a re-INVITE that ends the sharing, and a fax after it.
func TestMuxMayChange(t *testing.T) {
	b := newBed(t, nil)
	a, z := newMuxPeer(t, "127.0.0.2", true), newMuxPeer(t, "127.0.0.3", true)
	s := b.muxCall(a, z)
	exchange(t, s, A, a.peer, z.peer, 1)
	_, separate := newPeers(t, "127.0.0.2")
	b.setRemote(s, A, Remote{RTP: a.addr(), RTCP: separate.addr(), PayloadTypes: NewPayloadTypes(8)})
	separate.send(next(s.Local(A)), marshal(t, senderReport()))
	z.receive()
	z.send(s.Local(B), marshal(t, senderReport()))
	separate.receive()
	a.send(s.Local(A), marshal(t, senderReport()))
	eventually(t, "it is no RTCP any more", func() bool { return s.Stats().A.Dropped[DropMultiplexed] == 1 })
	for side, p := range []muxPeer{a, z} {
		b.setRemote(s, Side(side), Remote{RTP: p.addr(), Datagrams: true})
	}
	fax := []byte{0, 200, 1, 2} // its second octet looks like a sender report
	a.send(s.Local(A), fax)
	if got, _ := z.receive(); !bytes.Equal(got, fax) {
		t.Errorf("% x", got)
	}
}
