//go:build peers

package sip

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
	"maskline/sip"
	"maskline/testbench/await"
)

var (
	alice = e164.MustParse("447700900001")
	bob   = e164.MustParse("447700900002")
	maskA = e164.MustParse("441110000001") // Alice dials it
	maskB = e164.MustParse("441110000002") // Bob sees it
)

// bed is an edge with real routing over a real table: Alice calls in through
// the carrier "origin", Bob is reached by "alfa", else by "bravo".
type bed struct {
	t           *testing.T
	edge        *sip.Edge
	addr        netip.AddrPort
	caller      *port
	alfa, bravo *port
	media       *ports
	log         *syncBuffer
	reg         *prometheus.Registry
	stop        func()
}

func newBed(t *testing.T, change func(*sip.Config)) *bed {
	t.Helper()
	return newBedBy(t, change, (*bed).router)
}

// newBedBy is a bed with a router of its own.
func newBedBy(t *testing.T, change func(*sip.Config), router func(*bed) *routing.Router) *bed {
	t.Helper()
	b := &bed{
		t: t, caller: reserve(t), alfa: reserve(t), bravo: reserve(t),
		media: &ports{}, log: &syncBuffer{}, reg: prometheus.NewRegistry(),
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	trunk := func(carrier string, p *port) sip.TrunkConfig {
		return sip.TrunkConfig{
			Name: carrier, Carrier: carrier, Addr: fmt.Sprintf("udp://127.0.0.1:%d", p.number), Allow: loopback, MediaFrom: loopback,
			Probe: sip.Probe{Every: -1}, FirstResponse: 5 * time.Second, // SIPp may be late
		}
	}
	cfg := sip.Config{
		Listen: []sip.Listen{{Addr: "udp://127.0.0.1:0"}},
		Trunks: []sip.TrunkConfig{trunk("origin", b.caller), trunk("alfa", b.alfa), trunk("bravo", b.bravo)},
	}
	if change != nil {
		change(&cfg)
	}
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), b.log, zapcore.DebugLevel))
	var err error
	if b.edge, err = sip.New(cfg, router(b), b.media, log, b.reg); err != nil {
		t.Fatal(err)
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
		<-done
	}
	t.Cleanup(b.stop)
	return b
}

func (b *bed) router() *routing.Router {
	b.t.Helper()
	table := numberdb.NewTable()
	for _, binding := range []numberdb.Binding{
		{Mask: maskA, Party: alice, To: numberdb.Endpoint{Kind: numberdb.Tel, Number: bob}, Present: maskB, Services: numberdb.Voice},
		{Mask: maskB, Party: bob, To: numberdb.Endpoint{Kind: numberdb.Tel, Number: alice}, Present: maskA, Services: numberdb.Voice},
	} {
		table.Apply([]numberdb.Change{{Binding: binding}})
	}
	router, err := routing.New(table, routing.Config{Carriers: []routing.CarrierConfig{
		{Name: "origin", Priority: 90, Prefixes: []string{"1"}, Services: routing.Voice},
		{Name: "alfa", Priority: 10, Services: routing.Voice},
		{Name: "bravo", Priority: 20, Services: routing.Voice},
	}}, b.reg)
	if err != nil {
		b.t.Fatal(err)
	}
	return router
}

// port is one of the loopback address that is kept free, of UDP and of TCP, until
// somebody shall have it.
type port struct {
	number int
	conn   *net.UDPConn
	stream int // a socket that holds the port and does not listen
}

func reserve(t *testing.T) *port {
	t.Helper()
	for range 100 {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		p := &port{conn.LocalAddr().(*net.UDPAddr).Port, conn, -1}
		if p.holdTCP() == nil {
			t.Cleanup(p.release)
			return p
		}
		p.release()
	}
	t.Fatal("no port is free")
	return nil
}

func (p *port) holdTCP() (err error) {
	if p.stream, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	return unix.Bind(p.stream, &unix.SockaddrInet4{Port: p.number, Addr: [4]byte{127, 0, 0, 1}})
}

// release leaves the port closed, or to another process.
func (p *port) release() {
	_ = p.conn.Close()
	if p.stream >= 0 {
		_ = unix.Close(p.stream)
		p.stream = -1
	}
}

// metrics is the whole output in one text.
func (b *bed) metrics() string {
	b.t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		fmt.Fprintln(&text, f)
	}
	return text.String()
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
		if f.GetName() != name {
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
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await.That(t, 30*time.Second, what, ok)
}

// ports stands in for the media relay: addresses without streams.
type ports struct{ allocated, released atomic.Int64 }

type portsOfCall struct {
	ports *ports
	n     uint16
}

func (p *ports) Allocate(sip.MediaOptions) (sip.MediaSession, error) {
	return &portsOfCall{p, uint16(p.allocated.Add(1) % 8000)}, nil
}

func (s *portsOfCall) Local(side sip.Side) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 20000+4*s.n+2*uint16(side))
}

func (s *portsOfCall) SetRemote(sip.Side, sip.Remote) error { return nil }

func (s *portsOfCall) Answered(string) {}

func (s *portsOfCall) Release() sip.MediaStats {
	s.ports.released.Add(1)
	return sip.MediaStats{}
}

// syncBuffer keeps the log.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Sync does nothing; zap wants it.
func (b *syncBuffer) Sync() error { return nil }

func (b *syncBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.text.Bytes())
}
