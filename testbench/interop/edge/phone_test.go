//go:build peers

package edge

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"maskline/e164"
	"maskline/testbench/loopback"
)

// phone is a SIP user agent written by hand, to say what no library would. It
// is a carrier of its own, on a loopback address of its own.
type phone struct {
	t              *testing.T
	name           string
	edge           netip.AddrPort
	sip, rtp, rtcp *net.UDPConn
	came           map[string]bool // messages: the edge repeats one that it takes for lost
}

func newPhone(t *testing.T, name string) *phone {
	t.Helper()
	ip := loopback.Addr()
	return &phone{t: t, name: name, sip: udp(t, ip), rtp: udp(t, ip), rtcp: udp(t, ip), came: map[string]bool{}}
}

func udp(t *testing.T, ip netip.Addr) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func local(conn *net.UDPConn) netip.AddrPort { return conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// carrier is the phone's entry among the carriers of a configuration.
func (p *phone) carrier() string {
	return fmt.Sprintf("  - {name: %s, priority: 90, sip: [{addr: \"udp://%s\", media_from: [%s/32], probe: {every: 0s}}]}\n",
		p.name, local(p.sip), local(p.sip).Addr())
}

// sipMessage is a message that the edge sent.
type sipMessage struct {
	text, start string
	head        []string
	body        string
}

func readMessage(b []byte) *sipMessage {
	m := &sipMessage{text: string(b)}
	head, body, _ := strings.Cut(m.text, "\r\n\r\n")
	m.head, m.body = strings.Split(head, "\r\n"), body
	m.start = m.head[0]
	return m
}

// header is the value of the first header with this name.
func (m *sipMessage) header(name string) string {
	for _, line := range m.head[1:] {
		if n, value, found := strings.Cut(line, ":"); found && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// user is the user part of a header's URI.
func (m *sipMessage) user(name string) string {
	_, uri, _ := strings.Cut(m.header(name), "sip:")
	user, _, _ := strings.Cut(uri, "@")
	return user
}

// media is where a description wants RTP and RTCP.
func (m *sipMessage) media(t *testing.T) (rtp, rtcp netip.AddrPort) {
	t.Helper()
	var host string
	var port, control uint16
	for line := range strings.SplitSeq(m.body, "\r\n") {
		_, _ = fmt.Sscanf(line, "c=IN IP4 %s", &host)
		_, _ = fmt.Sscanf(line, "m=audio %d ", &port)
		_, _ = fmt.Sscanf(line, "a=rtcp:%d", &control)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || port == 0 {
		t.Fatalf("a description without an address: %q", m.body)
	}
	if control == 0 {
		control = port + 1
	}
	return netip.AddrPortFrom(ip, port), netip.AddrPortFrom(ip, control)
}

func (p *phone) send(text string) {
	p.t.Helper()
	if _, err := p.sip.WriteToUDPAddrPort([]byte(text), p.edge); err != nil {
		p.t.Fatal(err)
	}
}

// next is the next message that has not come before, nil where none comes in time.
func (p *phone) next(deadline time.Time) *sipMessage {
	p.t.Helper()
	_ = p.sip.SetReadDeadline(deadline)
	b := make([]byte, 64<<10)
	for {
		n, _, err := p.sip.ReadFromUDPAddrPort(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			p.t.Fatal(err)
		}
		if m := readMessage(b[:n]); !p.came[m.text] {
			p.came[m.text] = true
			return m
		}
	}
}

// await returns the next message that begins so; others are passed over.
func (p *phone) await(start string) *sipMessage {
	p.t.Helper()
	var passed []string
	deadline := time.Now().Add(patience)
	for m := p.next(deadline); m != nil; m = p.next(deadline) {
		if strings.HasPrefix(m.start, start) {
			return m
		}
		passed = append(passed, m.start)
	}
	p.t.Fatalf("no %q came in time, but %q", start, passed)
	return nil
}

// offer describes the phone's media, with everything in it that could carry a
// number.
func (p *phone) offer(gossip string) string {
	return fmt.Sprintf("v=0\r\no=%[3]s 1 1 IN IP4 %[1]s\r\ns=%[3]s\r\ni=%[3]s\r\ne=%[3]s@example.com\r\np=+%[3]s\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n"+
		"m=audio %[2]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=rtcp:%[4]d\r\na=X-caller:%[3]s\r\n",
		local(p.rtp).Addr(), local(p.rtp).Port(), gossip, local(p.rtcp).Port())
}

// leg is the phone's side of a call.
type leg struct {
	p                  *phone
	callID             string
	local, remote      string // From and To of our requests
	target             string
	branch             string // of our INVITE
	cseq               int
	gossip             string // what no other party may see
	inbound            *sipMessage
	toEdge, toEdgeRTCP netip.AddrPort
}

// dial sends an INVITE whose every corner holds the caller's number.
func (p *phone) dial(from, to e164.Number) *leg {
	p.t.Helper()
	l := &leg{
		p: p, callID: rand.Text(), branch: "z9hG4bK" + rand.Text(), cseq: 1, gossip: digits(from),
		local:  fmt.Sprintf("\"%[1]s\" <sip:%[1]s@%[2]s>;tag=%[3]s", from.Reveal(), local(p.sip), rand.Text()),
		target: fmt.Sprintf("sip:%s@%s", to.Reveal(), p.edge),
	}
	l.remote = "<" + l.target + ">"
	p.send(l.request("INVITE", l.branch, p.offer(l.gossip),
		"Contact: \""+l.gossip+"\" <sip:"+from.Reveal()+"@"+local(p.sip).String()+">",
		"P-Asserted-Identity: <tel:"+from.Reveal()+">",
		"Remote-Party-ID: <sip:"+from.Reveal()+"@example.com>;party=calling",
		"Diversion: <sip:"+from.Reveal()+"@example.com>;reason=unconditional",
		"History-Info: <sip:"+from.Reveal()+"@example.com>;index=1",
		"Subject: call of "+l.gossip,
		"User-Agent: "+l.gossip,
		"User-to-User: 3434373730303930303130313b;encoding=hex",
		"X-Caller: "+l.gossip))
	return l
}

// request builds a request of the leg; a body is a description.
func (l *leg) request(method, branch, body string, more ...string) string {
	lines := []string{
		method + " " + l.target + " SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=%s;rport", local(l.p.sip), branch),
		"Max-Forwards: 70",
		"From: " + l.local,
		"To: " + l.remote,
		"Call-ID: " + l.callID,
		fmt.Sprintf("CSeq: %d %s", l.cseq, method),
	}
	if body != "" {
		more = append(more, "Content-Type: application/sdp")
	}
	more = append(more, fmt.Sprintf("Content-Length: %d", len(body)))
	return strings.Join(append(lines, more...), "\r\n") + "\r\n\r\n" + body
}

// answered waits for the 200 and acknowledges it.
func (l *leg) answered() *sipMessage {
	l.p.t.Helper()
	m := l.p.await("SIP/2.0 200")
	l.remote = m.header("To")
	contact := m.header("Contact")
	l.target = strings.Trim(contact[strings.Index(contact, "<"):], "<>")
	l.toEdge, l.toEdgeRTCP = m.media(l.p.t)
	l.p.send(l.request("ACK", "z9hG4bK"+rand.Text(), ""))
	return m
}

// refused waits for a final answer other than 200 and acknowledges it.
func (l *leg) refused(code int) *sipMessage {
	l.p.t.Helper()
	m := l.p.await(fmt.Sprint("SIP/2.0 ", code))
	l.remote = m.header("To")
	l.p.send(l.request("ACK", l.branch, ""))
	return m
}

// cancel takes the INVITE back.
func (l *leg) cancel() {
	l.p.t.Helper()
	l.p.send(l.request("CANCEL", l.branch, "", "Reason: SIP;cause=487;text=\""+l.gossip+"\""))
}

// bye hangs up.
func (l *leg) bye() {
	l.p.t.Helper()
	l.cseq++
	l.p.send(l.request("BYE", "z9hG4bK"+rand.Text(), "", "Reason: Q.850;cause=16;text=\""+l.gossip+"\""))
	l.p.await("SIP/2.0 200")
}

// ring waits for an INVITE and answers 180.
func (p *phone) ring(gossip e164.Number) *leg {
	p.t.Helper()
	m := p.await("INVITE ")
	l := &leg{
		p: p, callID: m.header("Call-ID"), inbound: m, gossip: digits(gossip), cseq: 1,
		local: m.header("To") + ";tag=" + rand.Text(), remote: m.header("From"),
	}
	contact := m.header("Contact")
	l.target = strings.Trim(contact[strings.Index(contact, "<"):], "<>")
	l.toEdge, l.toEdgeRTCP = m.media(p.t)
	l.respond(m, "180 Ringing", "")
	return l
}

// respond answers a request of the edge's.
func (l *leg) respond(m *sipMessage, status, body string) {
	l.p.t.Helper()
	lines := []string{
		"SIP/2.0 " + status,
		"Via: " + m.header("Via"),
		"From: " + m.header("From"),
		"To: " + l.local,
		"Call-ID: " + l.callID,
		"CSeq: " + m.header("CSeq"),
		"Contact: \"" + l.gossip + "\" <sip:" + l.gossip + "@" + local(l.p.sip).String() + ">",
		"Server: " + l.gossip,
		"P-Asserted-Identity: <tel:+" + l.gossip + ">",
		"X-Callee: " + l.gossip,
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	l.p.send(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)
}

// answer takes the call and waits until the edge knows.
func (l *leg) answer() {
	l.p.t.Helper()
	l.respond(l.inbound, "200 OK", l.p.offer(l.gossip))
	l.p.await("ACK ")
}

// hungUp waits for a BYE and answers it.
func (l *leg) hungUp() {
	l.p.t.Helper()
	l.respond(l.p.await("BYE "), "200 OK", "")
}

// cancelled waits for a CANCEL and gives up the INVITE.
func (l *leg) cancelled() {
	l.p.t.Helper()
	l.respond(l.p.await("CANCEL "), "200 OK", "")
	l.respond(l.inbound, "487 Request Terminated", "")
	l.p.await("ACK ")
}
