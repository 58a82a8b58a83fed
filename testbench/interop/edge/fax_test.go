//go:build peers

package edge

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"maskline/testbench/leak"
)

// fax describes media on a port of the phone's address as T.38.
func (p *phone) fax(gossip string, port uint16) string {
	return fmt.Sprintf("v=0\r\no=%[3]s 1 2 IN IP4 %[1]s\r\ns=%[3]s\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=image %[2]d udptl t38\r\n"+
		"a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\na=T38VendorInfo:%[3]s\r\n",
		local(p.rtp).Addr(), port, gossip)
}

// change is a re-INVITE.
func (l *leg) change(body string) {
	l.p.t.Helper()
	l.cseq++
	l.branch = "z9hG4bK" + rand.Text()
	l.p.send(l.request("INVITE", l.branch, body, "Contact: <sip:"+local(l.p.sip).String()+">"))
}

// acknowledge waits for the answer to it.
func (l *leg) acknowledge() *sipMessage {
	l.p.t.Helper()
	m := l.p.await("SIP/2.0 200")
	l.p.send(l.request("ACK", "z9hG4bK"+rand.Text(), ""))
	return m
}

// udptl is T.38's sequence number, length and redundancy around data.
func udptl(seq byte) []byte {
	return append([]byte{0, seq, 6}, bytes.Repeat([]byte{0x30 + seq}, 40)...)
}

// carries sends datagrams one way.
func carries(t *testing.T, from *net.UDPConn, to netip.AddrPort, ear *net.UDPConn) {
	t.Helper()
	const count = 20
	for seq := range byte(count) {
		if _, err := from.WriteToUDPAddrPort(udptl(seq), to); err != nil {
			t.Fatal(err)
		}
	}
	got := received(ear, count)
	if len(got) != count {
		t.Fatalf("%d of %d datagrams came", len(got), count)
	}
	for seq, b := range got {
		if !bytes.Equal(b, udptl(byte(seq))) {
			t.Errorf("datagram %d is not what was sent: %x", seq, b)
		}
	}
}

// TestFax turns a call into a fax by re-INVITE and back, and sends one to a trunk
// that refuses it.
func TestFax(t *testing.T) {
	b := newBed(t)
	caller, callee := newPhone(t, "charlie"), newPhone(t, "delta")
	trunk := func(p *phone, more string) string {
		return fmt.Sprintf("  - {name: %s, priority: 90, sip: [{addr: \"udp://%s\", media_from: [%s/32], probe: {every: 0s}%s}]}\n",
			p.name, local(p.sip), local(p.sip).Addr(), more)
	}
	b.start(settings{carriers: trunk(caller, ", t38: relay") + trunk(callee, ", t38: relay")})
	caller.edge = b.edge.Listeners().SIP[0]
	callee.edge = caller.edge
	b.imports(bindings + guestDials.Reveal() + "," + guest.Reveal() + ",tel:" + driver.Reveal() + "," + driverDials.Reveal() + ",voice,delta,,shop\n")

	a := caller.dial(guest, guestDials)
	z := callee.ring(driver)
	z.answer()
	a.answered()
	a.change(caller.fax(a.gossip, local(caller.rtp).Port()))
	offer := callee.await("INVITE ")
	if !strings.Contains(offer.body, fmt.Sprintf("m=image %d udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n", z.toEdge.Port())) ||
		strings.Contains(offer.body, "VendorInfo") || len(leak.NewScanner(guest).Find([]byte(offer.text))) > 0 {
		t.Errorf("the offer of a fax is\n%s", offer.body)
	}
	z.respond(offer, "200 OK", callee.fax(z.gossip, local(callee.rtp).Port()))
	answer := a.acknowledge()
	if !strings.Contains(answer.body, fmt.Sprintf("m=image %d udptl t38\r\n", a.toEdge.Port())) || len(leak.NewScanner(driver).Find([]byte(answer.text))) > 0 {
		t.Errorf("the answer is\n%s", answer.body)
	}
	callee.await("ACK ")
	carries(t, caller.rtp, a.toEdge, callee.rtp)
	carries(t, callee.rtp, z.toEdge, caller.rtp)

	a.change(caller.offer(a.gossip))
	offer = callee.await("INVITE ")
	if !strings.Contains(offer.body, fmt.Sprintf("m=audio %d RTP/AVP 8\r\n", z.toEdge.Port())) {
		t.Errorf("the offer of audio is\n%s", offer.body)
	}
	z.respond(offer, "200 OK", callee.offer(z.gossip))
	a.acknowledge()
	callee.await("ACK ")
	sent := voicePacket(1, "voice again")
	if _, err := caller.rtp.WriteToUDPAddrPort(sent, a.toEdge); err != nil {
		t.Fatal(err)
	}
	if got := received(callee.rtp, 1); len(got) != 1 || !bytes.Equal(got[0], sent) {
		t.Errorf("%d packets of audio came", len(got))
	}
	a.bye()
	z.hungUp()
}
