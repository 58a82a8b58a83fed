package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/sandbox"
	"maskline/e164"
	"maskline/routing"
	"maskline/smpp"
	"maskline/smpp/pdu"
	"maskline/testbench/exchange"
	"maskline/testbench/smppsim"
)

// sandboxed is the sandbox of a tenant: an edge with files, numbers and a clock of its
// own, whose carriers are simulated.
type sandboxed struct {
	tenant   string
	live     *edge
	ranges   *sandbox.Ranges
	clock    *movedClock
	networks []*smppsim.Network
	phones   []*exchange.Exchange // of the same carriers
	taken    lately[sandbox.Received]
	called   lately[sandbox.Called]
	calling  chan struct{} // of a few places
	edge     *edge

	ended   context.Context // until close
	stop    context.CancelFunc
	stopped chan error
}

const passwordOctets = 4 // of 8 digits, which is the most that SMPP 3.4 has

// openSandboxOf opens it, with masks.
func openSandboxOf(ctx context.Context, s *sandboxes, tenant string) (*sandboxed, error) {
	dir := filepath.Join(string(s.config.Load().DataDir), "sandbox", tenant)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of a sandbox: %w", err)
	}
	box := &sandboxed{tenant: tenant, live: s.live, ranges: s.ranges, calling: make(chan struct{}, mostCalls)}
	box.ended, box.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := box.open(ctx, s, dir); err != nil {
		return nil, errors.Join(err, box.close())
	}
	return box, nil
}

func (b *sandboxed) open(ctx context.Context, s *sandboxes, dir string) (err error) {
	if b.clock, err = loadClock(filepath.Join(dir, "clock")); err != nil {
		return err
	}
	var secret [passwordOctets]byte
	_, _ = rand.Read(secret[:]) // it never fails, says crypto/rand
	password := hex.EncodeToString(secret[:])
	for i := range sandboxCarriers {
		n, err := b.network(i, password)
		if err != nil {
			return err
		}
		b.networks = append(b.networks, n)
		x, err := b.exchange(i)
		if err != nil {
			return err
		}
		b.phones = append(b.phones, x)
	}
	cfg, err := sandboxConfig(s.config.Load(), dir, b, password)
	if err != nil {
		return err
	}
	log := s.log.With(zap.String("sandbox", b.tenant))
	if b.edge, err = builtEdge(ctx, &edge{cfg: cfg, log: log, metrics: prometheus.NewRegistry(), now: b.clock.Now, inside: b}); err != nil {
		return err
	}
	if err := b.edge.sip.Listen(); err != nil {
		return errors.Join(err, b.edge.close())
	}
	b.stopped = make(chan error, 1)
	go func() {
		err := b.edge.Run(b.ended)
		b.stop() // where it has ended by itself
		b.stopped <- err
	}()
	if err := b.await(ctx); err != nil {
		return err
	}
	return b.stock(ctx)
}

// network is one of the simulated carriers.
func (b *sandboxed) network(i int, password string) (*smppsim.Network, error) {
	name := sandboxCarriers[i]
	return smppsim.StartNetwork(smppsim.NetworkConfig{
		Name: name, Password: password,
		Outcome: func(to []byte) smppsim.Outcome { return networkOutcome(to, i == 0) },
		Taken: func(m smppsim.Message) {
			b.taken.add(sandbox.Received{From: plus(m.Source), To: plus(m.Destination), Text: m.Text, Carrier: name, At: b.clock.Now().UTC()})
		},
	})
}

func plus(digits string) string { return "+" + digits }

// networkOutcome is what a carrier does with a message to a number.
func networkOutcome(to []byte, first bool) smppsim.Outcome {
	n, err := e164.Parse(string(to))
	if err != nil {
		return smppsim.Outcome{Status: pdu.RInvDstAdr}
	}
	switch sandbox.OutcomeOf(n) {
	case sandbox.UnknownUser:
		return smppsim.Outcome{State: pdu.Undeliverable, Code: 1}
	case sandbox.Absent:
		return smppsim.Outcome{State: pdu.Undeliverable, Code: 27}
	case sandbox.Expired:
		return smppsim.Outcome{State: pdu.Expired}
	case sandbox.Rejected:
		return smppsim.Outcome{State: pdu.Rejected, Code: 34}
	case sandbox.NoReceipt:
		return smppsim.Outcome{Quiet: true}
	case sandbox.Second:
		if first {
			return smppsim.Outcome{Status: pdu.RSysErr}
		}
	case sandbox.Silent:
		return smppsim.Outcome{Silent: true}
	case sandbox.RefusedForGood:
		return smppsim.Outcome{Status: pdu.RxPAppn}
	case sandbox.NobodyThere:
		return smppsim.Outcome{Status: pdu.RInvDstAdr}
	case sandbox.NoCarrier:
		return smppsim.Outcome{Status: pdu.RSysErr}
	default:
	}
	return smppsim.Outcome{State: pdu.Delivered}
}

// await waits until the edge serves and its carriers are up.
func (b *sandboxed) await(ctx context.Context) error {
	tick := time.NewTicker(loadPoll)
	defer tick.Stop()
	for !b.edge.fresh().Loaded || !b.up() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the sandbox: %w", ctx.Err())
		case err := <-b.stopped:
			b.stopped <- err
			return errors.Join(errors.New("the sandbox has stopped"), err)
		case <-tick.C:
		}
	}
	return b.edge.sessions.Ready(ctx)
}

func (b *sandboxed) up() bool {
	for _, name := range sandboxCarriers {
		if c := b.edge.router.Carrier(name); c == nil || !c.Up(routing.SMS) || !c.Up(routing.Voice) {
			return false
		}
	}
	return true
}

// close ends it; its files stay.
func (b *sandboxed) close() (err error) {
	b.stop()
	if b.stopped != nil {
		err = <-b.stopped
	}
	for _, n := range b.networks {
		n.Close()
	}
	for _, x := range b.phones {
		x.Close()
	}
	return err
}

// only is which numbers people of the edge have; nil: all.
func (e *edge) only() func(e164.Number) bool {
	if e.inside == nil {
		return nil
	}
	return e.inside.ranges.Has
}

func (e *edge) isDraining() bool {
	return e.draining.Load() || e.inside != nil && e.inside.live.draining.Load()
}

// timed is the router by the clock of the edge. SMPP goes by the time.
func (e *edge) timed(r *routing.Router) smpp.Router {
	if e.inside == nil {
		return r
	}
	return movedRouter{r, e.inside.clock}
}

// movedRouter decides by the clock of a sandbox.
type movedRouter struct {
	*routing.Router
	clock *movedClock
}

// Decide is routing.Router's.
func (r movedRouter) Decide(req *routing.Request, plan *routing.Plan) {
	was := req.Now
	req.Now = r.clock.of(was)
	r.Router.Decide(req, plan)
	req.Now = was
}

// Delivered is routing.Router's.
func (r movedRouter) Delivered(plan *routing.Plan, by int, fingerprint uint64, at time.Time) {
	r.Router.Delivered(plan, by, fingerprint, r.clock.of(at))
}

// Talked is routing.Router's.
func (r movedRouter) Talked(tenant string, cost uint64, talked time.Duration, at time.Time) {
	r.Router.Talked(tenant, cost, talked, r.clock.of(at))
}

// Open is routing.Router's.
func (r movedRouter) Open(plan *routing.Plan, by time.Time, done func(opened bool)) {
	r.Router.Open(plan, r.clock.of(by), done)
}

// magicRestrictions adds the people of a sandbox who want no messages or are blocked.
type magicRestrictions struct{ routing.Restrictions }

// Blocked is routing.Restrictions's.
func (r magicRestrictions) Blocked(tenant string, mask, party e164.Number) bool {
	return sandbox.OutcomeOf(party) == sandbox.Blocked || r.Restrictions.Blocked(tenant, mask, party)
}

// OptedOut is routing.Restrictions's.
func (r magicRestrictions) OptedOut(tenant string, party e164.Number, peer routing.Endpoint) bool {
	return sandbox.OutcomeOf(party) == sandbox.OptedOut || r.Restrictions.OptedOut(tenant, party, peer)
}
