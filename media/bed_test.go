package media

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"maskline/testbench/await"
)

const patience = 10 * time.Second // for what must happen; nothing waits as long when it does

// bed is a relay with a clock of its own that is swept by hand.
type bed struct {
	*Relay
	t    testing.TB
	at   atomic.Int64
	reg  *prometheus.Registry
	logs *observer.ObservedLogs
}

// ownAddr is a loopback address that other test processes hardly use, so that
// a test has its range of ports to itself.
func ownAddr() netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(64 + rand.N(64)), byte(rand.N(256)), byte(1 + rand.N(250))})
}

func newBed(t testing.TB, change func(*Config)) *bed {
	t.Helper()
	cfg := Config{
		Addr: ownAddr(), PortMin: 20000, PortMax: 20399, Loops: 2, Backend: tested,
		Initial: 30 * time.Second, Silent: 60 * time.Second, Hold: time.Hour, Drain: time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	b := &bed{t: t, reg: prometheus.NewRegistry()}
	b.at.Store(int64(time.Minute))
	core, logs := observer.New(zapcore.InfoLevel)
	b.logs = logs
	var err error
	b.Relay, err = open(cfg, zap.New(core), b.reg, func() time.Duration { return time.Duration(b.at.Load()) }, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return b
}

// pass lets time pass and sweeps.
func (b *bed) pass(d time.Duration) {
	b.at.Add(int64(d))
	b.sweep()
}

// kept is how many sockets sleep.
func (b *bed) kept() (n int) {
	for _, each := range b.networks {
		if s, ok := each.backend.(sleeper); ok {
			n += s.sleepers()
		}
	}
	return n
}

func (b *bed) allocate(opts Options) *Session {
	b.t.Helper()
	s, err := b.Allocate(opts)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bed) setRemote(s *Session, side Side, r Remote) {
	b.t.Helper()
	if err := s.SetRemote(side, r); err != nil {
		b.t.Fatal(err)
	}
}

// call allocates a session between two peers of which each names its socket.
func (b *bed) call(a, z *peer) *Session {
	b.t.Helper()
	s := b.allocate(Options{ID: "call"})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	return s
}

// peer is a plain UDP socket.
type peer struct {
	t    testing.TB
	conn *net.UDPConn
}

func newPeer(t testing.TB, ip string) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, conn: conn}
}

// newPeers is two peers on an even port and the next, for RTP and RTCP.
func newPeers(t testing.TB, ip string) (rtp, rtcp *peer) {
	t.Helper()
	for range 100 {
		p := newPeer(t, ip)
		next := netip.AddrPortFrom(p.addr().Addr(), p.addr().Port()+1)
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(next))
		if err != nil {
			continue
		}
		t.Cleanup(func() { conn.Close() })
		return p, &peer{t: t, conn: conn}
	}
	t.Fatal("no two neighbouring ports")
	return nil, nil
}

func (p *peer) addr() netip.AddrPort {
	return p.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (p *peer) send(to netip.AddrPort, b []byte) {
	p.t.Helper()
	if _, err := p.conn.WriteToUDPAddrPort(b, to); err != nil {
		p.t.Fatal(err)
	}
}

// receive waits for the next datagram.
func (p *peer) receive() ([]byte, netip.AddrPort) {
	p.t.Helper()
	b, from, err := p.next(patience)
	if err != nil {
		p.t.Fatal(err)
	}
	return b, from
}

// nothing fails if a datagram is there already. Callers must know that what
// they fear would have come by now.
func (p *peer) nothing() {
	p.t.Helper()
	if b, _, err := p.next(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("received %d octets, error %v", len(b), err)
	}
}

func (p *peer) next(wait time.Duration) ([]byte, netip.AddrPort, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, 2048)
	n, from, err := p.conn.ReadFromUDPAddrPort(b)
	return b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
}

// packet is an RTP packet of payload type 8 with a payload of its own.
func packet(ssrc uint32, seq uint16) []byte {
	b := make([]byte, rtpHeader+160)
	b[0], b[1] = 0x80, 8
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], uint32(seq)*160)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	for i := range b[rtpHeader:] {
		b[rtpHeader+i] = byte(i) ^ byte(seq)
	}
	return b
}

func next(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.Port()+1) }

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	await.That(t, patience, what, ok)
}

func onPortable(c *Config) { c.Backend = "portable" }
