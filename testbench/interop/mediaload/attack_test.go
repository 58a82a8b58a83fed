package mediaload

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/media"
	"maskline/testbench/rtp"
)

// duel is one call of the attack test.
type duel struct {
	session *media.Session
	a, b    *rtp.Stream
}

// TestSprayedCalls attacks all ports of 50 calls without a pause: before they
// are set up, while they are, while they talk and are re-invited. The attackers
// are at a third address and at the parties' own with other ports; the latter
// join once the parties talk. Nothing of theirs is heard, nothing is sent to
// them, and no packet of the parties is lost.
func TestSprayedCalls(t *testing.T) {
	relay, err := media.New(media.Config{Addr: netip.MustParseAddr("127.0.0.1"), PortMin: 10000, PortMax: 19999, Drain: time.Second},
		zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = relay.Close() }()
	g, err := rtp.New(rtp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()

	calls := make([]duel, 50)
	attack := rtp.Attack{From: netip.MustParseAddrPort("127.0.0.66:0"), Rate: 4000}
	for i := range calls {
		d := &calls[i]
		if d.session, err = relay.Allocate(media.Options{}); err != nil {
			t.Fatal(err)
		}
		d.a, d.b = open(t, g, "127.0.0.2"), open(t, g, "127.0.0.3")
		d.a.Expect(d.b)
		d.b.Expect(d.a)
		for side, party := range map[media.Side]*rtp.Stream{media.A: d.a, media.B: d.b} {
			at := d.session.Local(side)
			attack.Targets = append(attack.Targets, at, netip.AddrPortFrom(at.Addr(), at.Port()+1))
			attack.SSRC = append(attack.SSRC, party.SSRC(), party.SSRC())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan rtp.Attacked, 3)
	spray := func(from string) {
		attack := attack
		attack.From = netip.MustParseAddrPort(from)
		go func() {
			r, err := rtp.Spray(ctx, attack)
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	spray("127.0.0.66:0")
	time.Sleep(100 * time.Millisecond) // the attack's lead: nothing is waited for
	for _, d := range calls {
		describe(t, d)
		d.a.Start(d.session.Local(media.A))
		d.b.Start(d.session.Local(media.B))
	}
	talk := func(packets int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); calls[49].b.Report().Received < packets; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d packets never came: %+v", packets, calls[49].b.Report())
			}
		}
	}
	talk(25)
	spray("127.0.0.2:0")
	spray("127.0.0.3:0")
	talk(50)
	for _, d := range calls {
		describe(t, d)
	}
	talk(75)
	for _, d := range calls {
		d.a.Stop()
		d.b.Stop()
	}
	for _, d := range calls {
		check(t, d.a, d.b)
		check(t, d.b, d.a)
		d.session.Release()
	}
	cancel()
	for range 3 {
		if r := <-results; r.Sent < 100 || r.Received != 0 {
			t.Errorf("an attacker sent %d packets and was sent %d", r.Sent, r.Received)
		}
	}
}

func open(t *testing.T, g *rtp.Generator, ip string) *rtp.Stream {
	t.Helper()
	s, err := g.Open(netip.MustParseAddr(ip))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func describe(t *testing.T, d duel) {
	t.Helper()
	for side, party := range map[media.Side]*rtp.Stream{media.A: d.a, media.B: d.b} {
		if err := d.session.SetRemote(side, media.Remote{RTP: party.Local(), PayloadTypes: media.NewPayloadTypes(0, 101)}); err != nil {
			t.Fatal(err)
		}
	}
}

// check waits until all that one sent has reached the other.
func check(t *testing.T, from, to *rtp.Stream) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); to.Report().Received < from.Report().Sent && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	sent, r := from.Report().Sent, to.Report()
	if r.Received != sent || r.Duplicated+r.Foreign+r.WrongSource != 0 {
		t.Errorf("of %d packets sent: %d received, %d lost, %d twice, %d of the attacker, %d from elsewhere",
			sent, r.Received, r.Lost, r.Duplicated, r.Foreign, r.WrongSource)
	}
}
