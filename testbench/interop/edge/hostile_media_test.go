//go:build peers

package edge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"maskline/testbench/leak"
)

func mediaAttacks() []attack {
	return []attack{
		{
			input: "RTP from a third address, with the SSRC of the call", answer: "none, nothing of it is relayed",
			counter: `maskline_media_dropped_total{reason="stranger"}`, times: 5, each: 2 * intrusions, make: intrude,
		},
		{
			input: "RTCP with numbers in SDES", answer: "relayed without them, under a CNAME of the edge's",
			counter: `maskline_media_packets_total{direction="out",protocol="rtcp"}`, times: 5, each: 1, make: gossipInRTCP,
		},
		{
			input: "RTCP that is SDES alone", answer: "none, nothing of it is relayed",
			counter: `maskline_media_dropped_total{reason="rtcp"}`, times: 5, each: 1, make: bareSDES,
		},
	}
}

const (
	intrusions = 50
	callSSRC   = 0x01020304
	calm       = 100 * time.Millisecond // in which nothing may come
)

// talking is a call of the caller's with the callee.
func (h *hostile) talking() (caller, callee *leg) {
	h.t.Helper()
	caller = h.caller.dial(guest, guestDials)
	callee = h.callee.ring(driver)
	callee.answer()
	caller.answered()
	return caller, callee
}

func (h *hostile) hangUp(caller, callee *leg) {
	h.t.Helper()
	caller.bye()
	callee.hungUp()
}

func voicePacket(sequence uint16, payload string) []byte {
	b := []byte{0x80, 8}
	b = binary.BigEndian.AppendUint16(b, sequence)
	b = binary.BigEndian.AppendUint32(b, uint32(sequence)*160)
	b = binary.BigEndian.AppendUint32(b, callSSRC)
	return append(b, bytes.Repeat([]byte(payload), 160/len(payload))...)
}

// received is what comes to a socket: those that must, and what follows them until
// it is quiet.
func received(conn *net.UDPConn, must int) (all [][]byte) {
	for {
		wait := calm
		if len(all) < must {
			wait = patience
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		b := make([]byte, 1500)
		n, err := conn.Read(b)
		if err != nil {
			return all
		}
		all = append(all, b[:n])
	}
}

// heardNothing wants a socket to stay quiet.
func heardNothing(t *testing.T, conn *net.UDPConn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(calm))
	if n, err := conn.Read(make([]byte, 1500)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d octets came (%v)", n, err)
	}
}

// intrude sprays both sides of a call before and after its own first packets.
func intrude(t *testing.T, h *hostile) {
	caller, callee := h.talking()
	spray := func() {
		for i := range uint16(intrusions) {
			for _, port := range []netip.AddrPort{caller.toEdge, callee.toEdge} {
				if _, err := h.third.rtp.WriteToUDPAddrPort(voicePacket(i, "intruder"), port); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	spray()
	for i, own := range []struct{ from, to *leg }{{caller, callee}, {callee, caller}} {
		voice := voicePacket(uint16(1000+i), "of the call ")
		if _, err := own.from.p.rtp.WriteToUDPAddrPort(voice, own.from.toEdge); err != nil {
			t.Fatal(err)
		}
		if got := received(own.to.p.rtp, 1); len(got) != 1 || !bytes.Equal(got[0], voice) {
			t.Fatalf("%d packets came, not the one of the call", len(got))
		}
	}
	spray()
	heardNothing(t, caller.p.rtp)
	heardNothing(t, callee.p.rtp)
	heardNothing(t, h.third.rtp)
	h.hangUp(caller, callee)
}

func gossip() *rtcp.SourceDescription {
	number := guest.Reveal()
	return &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: callSSRC, Items: []rtcp.SourceDescriptionItem{
		{Type: rtcp.SDESCNAME, Text: number + "@example.com"},
		{Type: rtcp.SDESName, Text: number},
		{Type: rtcp.SDESPhone, Text: number},
		{Type: rtcp.SDESNote, Text: number},
	}}}}
}

func sendRTCP(t *testing.T, l *leg, packets ...rtcp.Packet) {
	t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.p.rtcp.WriteToUDPAddrPort(b, l.toEdgeRTCP); err != nil {
		t.Fatal(err)
	}
}

func gossipInRTCP(t *testing.T, h *hostile) {
	caller, callee := h.talking()
	sendRTCP(t, caller, &rtcp.SenderReport{SSRC: callSSRC, PacketCount: 7}, gossip())
	got := received(callee.p.rtcp, 1)
	if len(got) != 1 {
		t.Fatalf("%d packets came", len(got))
	}
	if found := leak.NewScanner(guest).Find(got[0]); len(found) > 0 {
		t.Fatalf("the callee learns the caller's number: %v", found)
	}
	packets, err := rtcp.Unmarshal(got[0])
	if err != nil {
		t.Fatal(err)
	}
	report, isReport := packets[0].(*rtcp.SenderReport)
	names, isNames := packets[1].(*rtcp.SourceDescription)
	if len(packets) != 2 || !isReport || !isNames || report.PacketCount != 7 || len(names.Chunks[0].Items) != 1 {
		t.Fatalf("relayed as %v", packets)
	}
	h.hangUp(caller, callee)
}

func bareSDES(t *testing.T, h *hostile) {
	caller, callee := h.talking()
	sendRTCP(t, caller, gossip())
	heardNothing(t, callee.p.rtcp)
	h.hangUp(caller, callee)
}
