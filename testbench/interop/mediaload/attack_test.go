package mediaload

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"maskline/media"
	"maskline/testbench/rtp"
	"maskline/testbench/rtpload"
)

// within is a relay of this process as a load sees it.
type within struct {
	relay  *media.Relay
	strict bool // nothing is learned of either side

	mu    sync.Mutex
	calls []described
}

// described is a session and what it was told of its sides.
type described struct {
	session *media.Session
	sides   [2]media.Remote
}

func (w *within) Connect(_ context.Context, a, b netip.AddrPort) (rtpload.Ends, error) {
	s, err := w.relay.Allocate(media.Options{})
	if err != nil {
		return rtpload.Ends{}, err
	}
	types := media.NewPayloadTypes(0, 101)
	d := described{s, [2]media.Remote{media.A: {RTP: a, PayloadTypes: types, Strict: w.strict}, media.B: {RTP: b, PayloadTypes: types, Strict: w.strict}}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, d)
	return rtpload.Ends{A: s.Local(media.A), B: s.Local(media.B)}, d.describe()
}

func (d *described) describe() error {
	return errors.Join(d.session.SetRemote(media.A, d.sides[media.A]), d.session.SetRemote(media.B, d.sides[media.B]))
}

// describeAgain is a re-INVITE from both sides of every call.
func (w *within) describeAgain() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all error
	for i := range w.calls {
		all = errors.Join(all, w.calls[i].describe())
	}
	return all
}

// TestSprayedCalls attacks all ports of 1,000 calls without a pause: before they
// are set up, while they are, while they are silent and talk. Attackers are at a
// third address and, once the parties talk, at the parties' own with other ports;
// or at the third one alone while the calls are re-invited again and again, which
// lets a port be learned anew where its party is silent for a second; or at the
// parties' own from the set-up on, where all sides are strict. Nothing of
// theirs is heard, nothing is sent to them, and no packet of the parties is lost.
func TestSprayedCalls(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			for _, tt := range []struct {
				name   string
				siege  rtpload.Siege
				strict bool
			}{
				{"neighbours", rtpload.Siege{Neighbours: true}, false},
				{"re-invited", rtpload.Siege{}, false},
				{"early neighbours, strict", rtpload.Siege{Neighbours: true, Early: true}, true},
			} {
				t.Run(tt.name, func(t *testing.T) {
					relay, _ := relayOf(t, backend, nil)
					if relay != nil {
						besiege(t, &within{relay: relay, strict: tt.strict}, tt.siege)
					}
				})
			}
		})
	}
}

func besiege(t *testing.T, w *within, siege rtpload.Siege) {
	t.Helper()
	l, err := rtpload.New(rtpload.Config{Relay: w, Interval: siegeInterval, Settle: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, over := context.WithCancel(t.Context())
	var again sync.WaitGroup
	if !siege.Neighbours {
		again.Go(func() { w.reinvite(ctx, t) })
	}
	first, err := w.relay.Allocate(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	siege.Relay, siege.PortMin, siege.PortMax, siege.Rate = first.Local(media.A).Addr(), 10000, 19999, siegeRate
	siege.Lead, siege.Pause = 200*time.Millisecond, 300*time.Millisecond
	r, err := l.Besiege(t.Context(), 1000, siegeLasts, siege)
	over()
	again.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if faults := r.Faulty(); len(faults) > 0 {
		t.Errorf("of %d packets: %v", r.Sent, faults)
	}
	if r.Sent < 2000 || r.Attack.Sent < 1000 {
		t.Errorf("%d packets and %d of attackers are too few to tell", r.Sent, r.Attack.Sent)
	}
}

// reinvite describes all sides again and again.
func (w *within) reinvite(ctx context.Context, t *testing.T) {
	tick := time.NewTicker(siegeLasts / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := w.describeAgain(); err != nil {
				t.Error(err)
			}
		case <-ctx.Done():
			return
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
