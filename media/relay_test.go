package media

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"
)

func TestRelayBothWaysOctetForOctet(t *testing.T) {
	for _, family := range []struct{ name, relay, a, z string }{
		{"IPv4", "", "127.0.0.2", "127.0.0.3"},
		{"IPv6", "::1", "::1", "::1"},
	} {
		t.Run(family.name, func(t *testing.T) {
			b := newBed(t, func(c *Config) {
				if family.relay != "" {
					c.Addr = netip.MustParseAddr(family.relay)
				}
			})
			a, z := newPeer(t, family.a), newPeer(t, family.z)
			s := b.call(a, z)
			for seq := range uint16(100) {
				exchange(t, s, A, a, z, seq)
				exchange(t, s, B, z, a, seq)
			}
			st := s.Release()
			if st.A.Received.Packets != 100 || st.A.Sent.Packets != 100 || st.B.Received.Octets != 100*172 || st.B.Sent.Octets != 100*172 {
				t.Errorf("stats: %+v", st)
			}
			if n := st.A.Dropped.Total() + st.B.Dropped.Total() + st.A.Lost + st.B.Lost; n != 0 {
				t.Errorf("dropped or lost %d", n)
			}
		})
	}
}

// exchange sends a packet from one side and checks what the other gets.
func exchange(t testing.TB, s *Session, in Side, from, to *peer, seq uint16) {
	t.Helper()
	sent := packet(uint32(in), seq)
	from.send(s.Local(in), sent)
	got, source := to.receive()
	if !bytes.Equal(got, sent) {
		t.Fatalf("from %v: packet %d altered", in, seq)
	}
	if source != s.Local(in.other()) {
		t.Fatalf("from %v: source is not what the SDP of the other side says", in)
	}
}

func TestRTCPIsRewrittenBothWays(t *testing.T) {
	b := newBed(t, nil)
	a, aRTCP := newPeers(t, "127.0.0.2")
	z, zRTCP := newPeers(t, "127.0.0.3")
	s := b.call(a, z)
	names := map[string]Side{}
	for _, way := range []struct {
		in       Side
		from, to *peer
	}{{A, aRTCP, zRTCP}, {B, zRTCP, aRTCP}} {
		way.from.send(next(s.Local(way.in)), everything(t))
		got, source := way.to.receive()
		if source != next(s.Local(way.in.other())) {
			t.Errorf("from %v: wrong source port", way.in)
		}
		if bytes.Contains(got, []byte(testNumber[4:])) {
			t.Errorf("from %v: the number got through", way.in)
		}
		packets, err := rtcp.Unmarshal(got)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			if d, ok := p.(*rtcp.SourceDescription); ok {
				names[d.Chunks[0].Items[0].Text] = way.in
			}
		}
	}
	if len(names) != 2 {
		t.Errorf("the sides must have a name each, got %d", len(names))
	}
	if st := s.Stats(); st.A.RTCPReceived != 1 || st.B.RTCPSent != 1 || st.B.RTCPReceived != 1 || st.A.RTCPSent != 1 {
		t.Errorf("stats: %+v", st)
	}
}

func TestRTCPGoesWhereSDPSays(t *testing.T) {
	b := newBed(t, nil)
	a, z, zRTCP := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"), newPeer(t, "127.0.0.4")
	aRTCP := newPeer(t, "127.0.0.2")
	s := b.allocate(Options{})
	b.setRemote(s, A, Remote{RTP: a.addr()}) // RTCP comes from another port than the next: learned
	b.setRemote(s, B, Remote{RTP: z.addr(), RTCP: zRTCP.addr()})
	aRTCP.send(next(s.Local(A)), marshal(t, senderReport()))
	zRTCP.receive()
	zRTCP.send(next(s.Local(B)), marshal(t, senderReport()))
	aRTCP.receive()
}

func TestWeSendToSDPBeforeAnythingCame(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	exchange(t, b.call(a, z), A, a, z, 1) // z has sent nothing
}

func TestNothingPassesBeforeSDP(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.allocate(Options{})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	a.send(s.Local(A), packet(1, 1)) // A is not named yet
	z.send(s.Local(B), packet(2, 1)) // to A, who is not named yet
	eventually(t, "both are dropped", func() bool {
		st := s.Stats()
		return st.A.Dropped[DropNoRemote] == 1 && st.B.Dropped[DropNoTarget] == 1
	})
	z.nothing()
}

func TestReInviteMovesTheRemoteNotOurPorts(t *testing.T) {
	b := newBed(t, nil)
	a, z, moved := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3"), newPeer(t, "127.0.0.5")
	s := b.call(a, z)
	ports := [2]netip.AddrPort{s.Local(A), s.Local(B)}
	exchange(t, s, A, a, z, 1)
	exchange(t, s, B, z, a, 1)

	moved.send(s.Local(A), packet(1, 2))
	exchange(t, s, A, a, z, 3) // so the one before was judged, and found strange
	b.setRemote(s, A, Remote{RTP: moved.addr()})
	exchange(t, s, B, z, moved, 2)
	exchange(t, s, A, moved, z, 4)
	a.send(s.Local(A), packet(1, 5))
	exchange(t, s, A, moved, z, 6)
	a.nothing()
	if got := [2]netip.AddrPort{s.Local(A), s.Local(B)}; got != ports {
		t.Errorf("our ports changed")
	}
}

func TestSourcePortIsLearnedOnceAndAgainAfterReInvite(t *testing.T) {
	b := newBed(t, nil)
	sdp, port, other, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(sdp, z)
	exchange(t, s, A, port, z, 1)
	exchange(t, s, B, z, port, 1)
	other.send(s.Local(A), packet(1, 2))
	exchange(t, s, A, port, z, 3)
	b.setRemote(s, A, Remote{RTP: sdp.addr()})
	exchange(t, s, B, z, port, 2) // the same SDP: still there until found elsewhere
	other.send(s.Local(A), packet(1, 4))
	eventually(t, "who was known goes first", func() bool { return s.Stats().A.Dropped[DropStranger] == 2 })
	b.pass(relearnAfter)
	exchange(t, s, A, other, z, 4)
	exchange(t, s, B, z, other, 3)
	port.send(s.Local(A), packet(1, 5))
	exchange(t, s, A, other, z, 6)
	if n := s.Stats().A.Dropped[DropStranger]; n != 3 {
		t.Errorf("strangers %d, want 3", n)
	}
}

func TestTrunkPrefixMaySend(t *testing.T) {
	b := newBed(t, nil)
	a, gateway, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.1.7.7"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	b.setRemote(s, A, Remote{RTP: a.addr(), From: []netip.Prefix{netip.MustParsePrefix("127.1.0.0/16")}})
	exchange(t, s, A, gateway, z, 1)
	exchange(t, s, B, z, a, 1) // where we send does not follow
}

func TestNATLearnsTheAddress(t *testing.T) {
	b := newBed(t, nil)
	behind, z := newPeer(t, "127.0.0.9"), newPeer(t, "127.0.0.3")
	s := b.call(newPeer(t, "127.0.0.2"), z)
	b.setRemote(s, A, Remote{RTP: netip.MustParseAddrPort("127.0.0.2:9"), NAT: true})
	const few = learnPackets - 1
	for seq := range uint16(few) {
		behind.send(s.Local(A), packet(uint32(A), seq))
	}
	behind.send(s.Local(A), []byte("not RTP")) // so it begins anew
	for seq := range uint16(few) {
		behind.send(s.Local(A), packet(uint32(A), few+seq))
	}
	exchange(t, s, A, behind, z, 2*few)
	exchange(t, s, B, z, behind, 1)
	if n := s.Stats().A.Dropped[DropLearning]; n != 2*few {
		t.Errorf("dropped %d while learning, want %d", n, 2*few)
	}
}

func TestNATLearnsRTCPFromWhereRTPCame(t *testing.T) {
	b := newBed(t, nil)
	behind, behindRTCP, stranger := newPeer(t, "127.0.0.9"), newPeer(t, "127.0.0.9"), newPeer(t, "127.0.0.8")
	z, zRTCP := newPeers(t, "127.0.0.3")
	s := b.call(z, z)
	b.setRemote(s, A, Remote{RTP: netip.MustParseAddrPort("127.0.0.2:9"), NAT: true})
	behindRTCP.send(next(s.Local(A)), marshal(t, senderReport()))
	eventually(t, "RTCP is too early", func() bool { return s.Stats().A.Dropped[DropLearning] == 1 })
	for seq := range uint16(learnPackets) {
		behind.send(s.Local(A), packet(1, seq))
	}
	z.receive()
	stranger.send(next(s.Local(A)), marshal(t, senderReport()))
	behindRTCP.send(next(s.Local(A)), marshal(t, senderReport()))
	zRTCP.receive()
	zRTCP.nothing()
}

func TestDirection(t *testing.T) {
	for _, tt := range []struct {
		name            string
		direction       Direction // of A
		toA, toB, rtcpA bool
	}{
		{"sendrecv", SendRecv, true, true, true},
		{"sendonly", SendOnly, false, true, true},
		{"recvonly", RecvOnly, true, true, true}, // B decides whether it wants to hear A
		{"inactive", Inactive, false, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, nil)
			a, aRTCP := newPeers(t, "127.0.0.2")
			z, zRTCP := newPeers(t, "127.0.0.3")
			s := b.call(a, z)
			b.setRemote(s, A, Remote{RTP: a.addr(), Direction: tt.direction})
			exchange(t, s, A, a, z, 1)
			zRTCP.send(next(s.Local(B)), marshal(t, senderReport()))
			aRTCP.receive()
			if tt.toA {
				exchange(t, s, B, z, a, 1)
				return
			}
			z.send(s.Local(B), packet(2, 1))
			eventually(t, "it is dropped", func() bool { return s.Stats().B.Dropped[DropDirection] == 1 })
			a.nothing()
		})
	}
}

func TestHoldInTheOldManner(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	exchange(t, s, B, z, a, 1)
	b.setRemote(s, A, Remote{RTP: netip.MustParseAddrPort("0.0.0.0:5000")}) // RFC 2543 §B.5
	z.send(s.Local(B), packet(2, 2))
	eventually(t, "it is dropped", func() bool { return s.Stats().B.Dropped[DropNoTarget] == 1 })
	b.setRemote(s, A, Remote{RTP: a.addr()})
	exchange(t, s, B, z, a, 3)
}

func TestRemoteIsChecked(t *testing.T) {
	b := newBed(t, nil)
	s := b.allocate(Options{})
	own := b.cfg.Addr.String()
	for _, tt := range []struct {
		name   string
		remote Remote
	}{
		{"IPv6 where we have IPv4", Remote{RTP: netip.MustParseAddrPort("[2001:db8::1]:5000")}},
		{"multicast", Remote{RTP: netip.MustParseAddrPort("224.0.0.1:5000")}},
		{"broadcast", Remote{RTP: netip.MustParseAddrPort("255.255.255.255:5000")}},
		{"link-local", Remote{RTP: netip.MustParseAddrPort("169.254.1.1:5000")}},
		{"one of our own ports", Remote{RTP: netip.MustParseAddrPort(own + ":20010")}},
		{"RTCP to one of our own ports", Remote{RTP: netip.MustParseAddrPort("127.0.0.2:5000"), RTCP: netip.MustParseAddrPort(own + ":20011")}},
		{"DSCP", Remote{RTP: netip.MustParseAddrPort("127.0.0.2:5000"), DSCP: 64}},
		{"direction", Remote{RTP: netip.MustParseAddrPort("127.0.0.2:5000"), Direction: 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := s.SetRemote(A, tt.remote); !errors.Is(err, ErrRemote) {
				t.Errorf("got %v, want ErrRemote", err)
			}
		})
	}
	if err := s.SetRemote(A, Remote{RTP: netip.MustParseAddrPort("[::ffff:127.0.0.2]:5000")}); err != nil {
		t.Errorf("a mapped address is an IPv4 address: %v", err)
	}
}

func TestDSCPMarksWhatWeSend(t *testing.T) {
	for _, family := range []struct {
		ip                  string
		level, option, kind int
	}{
		{"127.0.0.1", unix.IPPROTO_IP, unix.IP_RECVTOS, unix.IP_TOS},
		{"::1", unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, unix.IPV6_TCLASS},
	} {
		t.Run(family.ip, func(t *testing.T) {
			b := newBed(t, func(c *Config) { c.Addr = netip.MustParseAddr(family.ip) })
			a, z := newPeer(t, family.ip), newPeer(t, family.ip)
			s := b.call(a, z)
			types := NewPayloadTypes(8)
			b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: types})
			b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: types, DSCP: 46})
			raw, err := z.conn.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), family.level, family.option, 1) })
			if err != nil {
				t.Fatal(err)
			}
			for seq := range uint16(3) { // the last ones by the kernel, where it does
				a.send(s.Local(A), packet(1, seq))
				_ = z.conn.SetReadDeadline(time.Now().Add(patience))
				oob := make([]byte, 128)
				_, n, _, _, err := z.conn.ReadMsgUDPAddrPort(make([]byte, 2048), oob)
				if err != nil {
					t.Fatal(err)
				}
				messages, err := unix.ParseSocketControlMessage(oob[:n])
				if err != nil || len(messages) != 1 || int(messages[0].Header.Type) != family.kind || messages[0].Data[0] != 46<<2 {
					t.Errorf("packet %d: traffic class %v, error %v, want %d", seq, messages, err, 46<<2)
				}
			}
		})
	}
}

// A port that was closed makes the peer's host refuse packets. The refusal is
// reported on a later call, which must not cost a packet. Raw sockets hear of none.
func TestRefusedPacketsCostNoOther(t *testing.T) {
	b := newBed(t, onPortable)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	exchange(t, s, A, a, z, 1)
	exchange(t, s, B, z, a, 1) // both latched, both sockets connected
	at := z.addr()
	_ = z.conn.Close()
	for range 20 {
		a.send(s.Local(A), packet(1, 2))
	}
	eventually(t, "all are refused", func() bool {
		return s.Stats().A.Received.Packets == 21 && (tested == "steer" || b.total.icmp.Load() > 0)
	}) // a raw socket hears of none
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	z = &peer{t: t, conn: conn}
	exchange(t, s, A, a, z, 3)
	exchange(t, s, B, z, a, 2)
}

func TestCloseEndsEverything(t *testing.T) {
	newPeer(t, "127.0.0.1") // opens what the runtime itself keeps
	before := descriptors(t)
	b := newBed(t, nil)
	b.call(&peer{t, newPeer(t, "127.0.0.2").conn}, newPeer(t, "127.0.0.3"))
	released := b.allocate(Options{})
	released.Release()
	live := b.allocate(Options{})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n := descriptors(t) - before; n != 2 { // the two peers
		t.Errorf("%d descriptors more than before, want those of the peers", n)
	}
	if _, err := b.Allocate(Options{}); !errors.Is(err, ErrClosed) {
		t.Errorf("allocating: %v", err)
	}
	if err := live.SetRemote(A, Remote{}); !errors.Is(err, ErrClosed) {
		t.Errorf("setting a remote: %v", err)
	}
	live.Release()
	if err := b.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closing twice: %v", err)
	}
}

// descriptors counts those that are open. Go's tests have a log, which the garbage
// collector closes sometime in the second run over all of them.
func descriptors(t testing.TB) (n int) {
	t.Helper()
	const open = "/proc/self/fd"
	entries, err := os.ReadDir(open)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if file, _ := os.Readlink(filepath.Join(open, e.Name())); filepath.Base(file) != "testlog.txt" {
			n++
		}
	}
	return n
}
