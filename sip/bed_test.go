package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"maskline/e164"
	"maskline/routing"
	"maskline/testbench/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bed is an edge on loopback between a caller and two candidates, all of them
// plain sockets. Routing is replaced: the mask goes to Bob by the candidates.
type bed struct {
	t      testing.TB
	edge   *Edge
	media  *fakeMedia
	log    *observer.ObservedLogs
	reg    *prometheus.Registry
	router *routing.Router
	talked talks
	stop   func()
	addr   netip.AddrPort
	trunks []TrunkConfig // in effect

	caller, tenant *peer
	callees        [2]*peer
}

func newBed(t testing.TB, change func(*Config), setUp ...func(*Edge)) *bed {
	t.Helper()
	return newBedOver(t, overUDP, nil, change, setUp...)
}

// newBedOver has all peers use one transport; names issues what TLS needs.
func newBedOver(t testing.TB, over transport, names *authority, change func(*Config), setUp ...func(*Edge)) *bed {
	t.Helper()
	b := &bed{t: t, media: &fakeMedia{}, reg: prometheus.NewRegistry()}
	one := func() *peer {
		if over == overUDP {
			return newPeer(t, "127.0.0.1")
		}
		return newStreamPeer(t, over, names)
	}
	b.caller, b.tenant = one(), one()
	b.callees[0], b.callees[1] = one(), one()
	loopback := prefixes("127.0.0.0/8")
	cfg := Config{Listen: []Listen{{Addr: over.String() + "://127.0.0.1:0"}}, Drain: time.Millisecond}
	if over == overTLS {
		cfg.Listen[0].TLS = names.server("edge")
	}
	for _, p := range []struct {
		name string
		peer *peer
	}{{"in", b.caller}, {"out0", b.callees[0]}, {"out1", b.callees[1]}, {"pbx", b.tenant}} {
		tr := TrunkConfig{
			Name: p.name, Carrier: "alfa", Addr: over.String() + "://" + p.peer.addr.String(), Allow: prefixes("127.0.0.1/32"), MediaFrom: loopback,
			Probe: Probe{Every: -1}, FirstResponse: 10 * time.Second, Trying: 10 * time.Second, // none fails over for being slow
		}
		if over == overTLS {
			tr.TLS = ClientTLS{CA: names.certFile("ca"), Name: "peer.example"}
		}
		if p.name == "pbx" {
			tr.Carrier, tr.Tenant = "", "shop"
		}
		cfg.Trunks = append(cfg.Trunks, tr)
	}
	if change != nil {
		change(&cfg)
	}
	b.trunks = cfg.Trunks
	var err error
	b.router, err = routing.New(nil, routing.Config{
		Carriers: []routing.CarrierConfig{{Name: "alfa", Services: routing.Voice}}, Usage: &b.talked,
	}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	b.log = logs
	if b.edge, err = New(cfg, b.router, b.media, zap.New(core), b.reg); err != nil {
		t.Fatal(err)
	}
	b.edge.decide, b.edge.goodbye = b.decide, 200*time.Millisecond
	b.edge.measure = func(time.Time) (float64, time.Duration) { return 0, 0 } // a busy machine is no overload
	for _, f := range setUp {
		f(b.edge)
	}
	if err := b.edge.Listen(); err != nil {
		t.Fatal(err)
	}
	b.addr = b.edge.Addrs()[0]
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.edge.Run(ctx)
	}()
	b.stop = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Error("Run does not return")
		}
	}
	t.Cleanup(func() {
		for _, p := range []*peer{b.caller, b.tenant, b.callees[0], b.callees[1]} {
			p.close() // BYEs to closed ports are not waited for
		}
		b.stop()
	})
	for _, p := range []*peer{b.caller, b.tenant, b.callees[0], b.callees[1]} {
		p.edge = b.addr
	}
	return b
}

func (b *bed) decide(req *routing.Request) evRouted {
	ev := evRouted{
		present: simMaskB, to: simBob, emergency: string(req.Dialled) == "112",
		otherwise: refusal{503, causeNoCircuit, "no_carrier"},
	}
	switch {
	case ev.emergency:
	case req.To == simMaskA && (req.From == simAlice || req.Origin.Tenant != ""):
		ev.mask = simMaskA
	case req.To == e164.MustParse("441110000666"):
		panic("as told")
	default:
		return evRouted{refused: &refusal{404, causeUnallocated, "unknown_mask"}}
	}
	for _, t := range b.edge.set().list {
		if strings.HasPrefix(t.Name, "out") {
			ev.candidates = append(ev.candidates, candidate{carrier: b.router.Carrier("alfa"), trunk: t, cost: 7})
		}
	}
	return ev
}

// count sums a metric over the labels that match.
func (b *bed) count(name string, labels ...string) float64 {
	b.t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "maskline_sip_"+name {
			continue
		}
	next:
		for _, m := range f.GetMetric() {
			for i := 0; i < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
				}
				if !found {
					continue next
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	await.That(t, 10*time.Second, what, ok)
}

// fakeMedia hands out addresses and counts.
type fakeMedia struct {
	mu        sync.Mutex
	allocated int
	released  int
	answered  int
	full      bool
	sessions  []*fakeSession
}

// fakeStats are of every session.
var fakeStats = MediaStats{
	A: MediaSide{Packets: 7},
	B: MediaSide{Packets: 100, Lost: 2, Loss: 0.02, Jitter: 3 * time.Millisecond, RoundTrip: 80 * time.Millisecond, R: 85, MOS: 4.2},
}

type fakeSession struct {
	media     *fakeMedia
	onTimeout func(string)
	onOneWay  func(Side)
	codecs    []string // that it was told of
	remotes   [2]Remote
	released  bool
	voice     fakeVoice
}

func (m *fakeMedia) Allocate(opts MediaOptions) (MediaSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return nil, errors.New("no ports")
	}
	m.allocated++
	s := &fakeSession{media: m, onTimeout: opts.OnTimeout, onOneWay: opts.OnOneWay, voice: newFakeVoice(opts)}
	m.sessions = append(m.sessions, s)
	return s, nil
}

func (m *fakeMedia) fill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = true
}

func (m *fakeMedia) counts() (allocated, released int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.allocated, m.released
}

func (s *fakeSession) Local(side Side) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("203.0.113.1"), 20000+2*uint16(side))
}

func (s *fakeSession) SetRemote(side Side, r Remote) error {
	s.remotes[side] = r
	return nil
}

func (s *fakeSession) Answered(codec string) {
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	s.media.answered++
	s.codecs = append(s.codecs, codec)
}

func (s *fakeSession) Release() MediaStats {
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	if s.released {
		panic("released twice")
	}
	s.released = true
	s.media.released++
	return fakeStats
}

// peer is a SIP device made of a socket and text.
type peer struct {
	t    testing.TB
	conn *net.UDPConn
	addr netip.AddrPort
	edge netip.AddrPort

	over transport // other than UDP: the rest is set
	link *link

	key string // of its SRTP, a letter; empty: it has none
}

func newPeer(t testing.TB, ip string) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{t: t, conn: conn, addr: unmapped(conn.LocalAddr().(*net.UDPAddr).AddrPort())}
}

func (p *peer) close() {
	if p.link != nil {
		p.link.close()
		return
	}
	_ = p.conn.Close()
}

func (p *peer) send(text string) {
	p.t.Helper()
	if p.link != nil {
		p.link.send(p, text)
		return
	}
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), p.edge); err != nil {
		p.t.Fatal(err)
	}
}

// receive is the next message, empty where none comes in time.
func (p *peer) receive(wait time.Duration) string {
	p.t.Helper()
	if p.link != nil {
		return p.link.receive(p, wait)
	}
	if err := p.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		p.t.Fatal(err)
	}
	buf := make([]byte, 65536)
	n, _, err := p.conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// expect is the next datagram that starts like this; others are skipped.
func (p *peer) expect(start string) string {
	p.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	var seen []string
	for time.Now().Before(deadline) {
		text := p.receive(time.Until(deadline))
		if strings.HasPrefix(text, start) {
			return text
		}
		line, _, _ := strings.Cut(text, "\r\n")
		seen = append(seen, line)
	}
	p.t.Fatalf("no %q, but %q", start, seen)
	return ""
}

// silence wants nothing for a moment.
func (p *peer) silence() {
	p.t.Helper()
	if text := p.receive(50 * time.Millisecond); text != "" {
		p.t.Fatalf("got\n%s", text)
	}
}

func (p *peer) sdp() string {
	text := fmt.Sprintf("v=0\r\no=%s 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 8 0\r\n",
		simAlice.Reveal(), 30000)
	if p.key != "" {
		return secured(text, theirLine, p.key)
	}
	return text
}

// invite is Alice calling the mask; key tells calls apart.
func (p *peer) invite(key string) string {
	return withBody(fmt.Sprintf("INVITE sip:%s@edge SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@home>;tag=%s\r\nTo: <sip:%s@edge>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:%s>\r\n",
		simMaskA.Reveal(), p.over.via(), p.addr, key, simAlice.Reveal(), key, simMaskA.Reveal(), key, p.addr), p.sdp())
}

// other is a request outside a call, by method.
func (p *peer) other(method string) string {
	return withBody(fmt.Sprintf("%s sip:edge SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:x@home>;tag=1\r\nTo: <sip:edge>\r\nCall-ID: x\r\nCSeq: 1 %s\r\n", method, p.over.via(), p.addr, method, method), "")
}

// inDialog is a request after an answer that this side got.
func (p *peer) inDialog(method, response string, cseq int) string {
	return withBody(fmt.Sprintf("%s sip:edge SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s%d\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		method, p.over.via(), p.addr, method, cseq, header(response, "From"), header(response, "To"), header(response, "Call-ID"), cseq, method), "")
}

// toDialog is a request of the called side in the dialog of an INVITE.
func (p *peer) toDialog(method, invite string, cseq int) string {
	return withBody(fmt.Sprintf("%s sip:edge SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s%d\r\nFrom: %s;tag=b\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		method, p.over.via(), p.addr, method, cseq, header(invite, "To"), header(invite, "From"), header(invite, "Call-ID"), cseq, method), "")
}

// reply answers a request.
func (p *peer) reply(request string, code int, body string) string {
	to := header(request, "To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=b"
	}
	return withBody(fmt.Sprintf("SIP/2.0 %d x\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:%s@%s>\r\n",
		code, header(request, "Via"), header(request, "From"), to, header(request, "Call-ID"), header(request, "CSeq"), simBob.Reveal(), p.addr), body)
}

// dialog is an answered call as both sides see it.
type dialog struct{ invite, answer string }

// connect sets a call up by the first candidate.
func (b *bed) connect(from *peer, key string) dialog {
	b.t.Helper()
	from.send(from.invite(key))
	from.expect("SIP/2.0 100")
	invite := b.callees[0].expect("INVITE ")
	b.callees[0].send(b.callees[0].reply(invite, 180, ""))
	from.expect("SIP/2.0 180")
	b.callees[0].send(b.callees[0].reply(invite, 200, b.callees[0].sdp()))
	b.callees[0].expect("ACK ")
	answer := from.expect("SIP/2.0 200")
	from.send(from.inDialog("ACK", answer, 1))
	eventually(b.t, "the call is up", func() bool {
		for _, c := range b.edge.Calls() {
			if c.State == "up" {
				return true
			}
		}
		return false
	})
	return dialog{invite, answer}
}

// hangUp ends it from the caller's side.
func (b *bed) hangUp(from *peer, d dialog) {
	b.t.Helper()
	from.send(from.inDialog("BYE", d.answer, 2))
	from.expect("SIP/2.0 200")
	bye := b.callees[0].expect("BYE ")
	b.callees[0].send(b.callees[0].reply(bye, 200, ""))
}
