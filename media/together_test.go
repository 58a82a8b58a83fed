package media

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pion/rtcp"
)

// TestSRTCPAtTheSharedPort has one side with SRTP and RTCP at the port of RTP, and
// the other with neither: what is protected is told apart by its second octet, which
// is never encrypted. RFC 5761 §4, RFC 3711 §3.4.
func TestSRTCPAtTheSharedPort(t *testing.T) {
	for _, c := range allSuites {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, nil)
			a, z := newMuxPeer(t, "127.0.0.2", true), newMuxPeer(t, "127.0.0.3", false)
			keys := newKeys(t, c.suite)
			s, p := b.allocate(Options{}), newPhone(t, keys)
			b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: NewPayloadTypes(8), Mux: true, SRTP: keys})
			b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: NewPayloadTypes(8)})
			for seq := range uint16(5) {
				a.send(s.Local(A), p.protect(packet(7, seq)))
				if got, _ := z.receive(); !bytes.Equal(got, packet(7, seq)) {
					t.Fatal("another packet came out")
				}
				sealed, err := p.out.EncryptRTCP(nil, everything(t), nil)
				if err != nil {
					t.Fatal(err)
				}
				a.send(s.Local(A), sealed)
				got, _ := z.rtcp.receive()
				if _, err := rtcp.Unmarshal(got); err != nil || bytes.Contains(got, []byte(testNumber[4:])) {
					t.Fatalf("no report of ours: %v", err)
				}
				z.send(s.Local(B), packet(9, seq))
				if got, _ := a.receive(); !bytes.Equal(p.hears(got), packet(9, seq)) {
					t.Fatal("another packet came back")
				}
				z.rtcp.send(next(s.Local(B)), everything(t))
				got, source := a.receive()
				plain, err := p.in.DecryptRTCP(nil, got, nil)
				if err != nil || source != s.Local(A) || bytes.Contains(plain, []byte(testNumber[4:])) {
					t.Fatalf("what came back from %v is no report of ours: %v", source, err)
				}
			}
			a.send(s.Local(A), marshal(t, senderReport()))
			eventually(t, "plain RTCP is dropped", func() bool { return s.Stats().A.Dropped[DropTag] == 1 })
			st := s.Release()
			if st.A.Received.Packets != 5 || st.A.RTCPReceived != 5 || st.A.RTCPSent != 5 || st.A.Dropped.Total() != 1 || st.B.Dropped.Total() != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// TestTapHearsWhatSRTPProtected has a tap hear the voice of sides with SRTP as they
// spoke it, and nothing that has a wrong tag.
func TestTapHearsWhatSRTPProtected(t *testing.T) {
	for _, c := range allSuites {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, nil)
			s, a, z, pa, pz := secureCall(b, c.suite, AES256GCM)
			e := record(t, s)
			for seq := range uint16(5) {
				a.send(s.Local(A), pa.protect(packet(7, seq)))
				z.receive()
				z.send(s.Local(B), pz.protect(packet(9, seq)))
				a.receive()
			}
			a.send(s.Local(A), packet(7, 5))
			eventually(t, "the one without protection is dropped", func() bool { return s.Stats().A.Dropped[DropTag] == 1 })
			s.Release()
			eventually(t, "it ends", func() bool { _, ends := e.count(); return ends == 1 })
			if len(e.heard) != 10 || e.lost != 0 {
				t.Fatalf("%d heard, %d lost", len(e.heard), e.lost)
			}
			for i, p := range e.heard {
				if want := packet(p.SSRC, p.Sequence)[rtpHeader:]; p.Side != Side(i%2) || !bytes.Equal(p.Payload, want) {
					t.Errorf("packet %d of %v: another payload", i, p.Side)
				}
			}
		})
	}
}

// TestSharedPortIsTakenBackByTheVoice has a party come back from another port after
// silence: its RTCP at the shared port proves nothing, its voice does.
func TestSharedPortIsTakenBackByTheVoice(t *testing.T) {
	for _, protected := range []bool{false, true} {
		t.Run(fmt.Sprint("SRTP ", protected), func(t *testing.T) {
			b := newBed(t, func(c *Config) { c.Relatch = relatchAfter })
			a, z := newMuxPeer(t, "127.0.0.2", true), newMuxPeer(t, "127.0.0.3", false)
			s, types := b.allocate(Options{}), NewPayloadTypes(8)
			ra := Remote{RTP: a.addr(), PayloadTypes: types, Mux: true}
			voice := func(seq uint16) []byte { return packet(7, seq) }
			report := func() []byte { return marshal(t, senderReport()) }
			if protected {
				ra.SRTP = newKeys(t, AES128SHA80)
				p := newPhone(t, ra.SRTP)
				voice = func(seq uint16) []byte { return p.protect(packet(7, seq)) }
				report = func() []byte {
					sealed, err := p.out.EncryptRTCP(nil, marshal(t, senderReport()), nil)
					if err != nil {
						t.Fatal(err)
					}
					return sealed
				}
			}
			b.setRemote(s, A, ra)
			b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: types})
			for seq := range uint16(3) {
				a.send(s.Local(A), voice(seq))
				z.receive()
			}
			b.fallSilent(sweepEvery)
			b.fallSilent(relatchAfter)
			from := newPeer(t, "127.0.0.2")
			from.send(s.Local(A), report())
			eventually(t, "its RTCP is a stranger's", func() bool { return s.Stats().A.Dropped[DropStranger] == 1 })
			from.send(s.Local(A), voice(100))
			z.receive()
			from.send(s.Local(A), report())
			z.rtcp.receive()
			if st := s.Stats(); st.A.RTCPReceived != 1 || st.A.Received.Packets != 4 {
				t.Errorf("%+v", st.A)
			}
		})
	}
}
