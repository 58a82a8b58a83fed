package smpp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/routing"
)

// Router decides where a message goes. *routing.Router is one.
type Router interface {
	Decide(req *routing.Request, plan *routing.Plan)
	// Delivered tells that a downstream accepted a message: the plan's candidate at this
	// place, or -1, no carrier.
	Delivered(plan *routing.Plan, by int, fingerprint uint64, at time.Time)
	// Carrier finds a carrier by name, nil where there is none.
	Carrier(name string) *routing.Carrier
	// Open makes the sender of a routing.FirstContact known to the mask's owner.
	Open(plan *routing.Plan, by time.Time, done func(opened bool))
}

// Edge is the SMPP side: listeners, binds to carriers, the relay between them.
type Edge struct {
	cfg     Config
	router  Router
	journal Journal
	log     *zap.Logger
	metrics *metrics
	clock   func() time.Time
	started time.Time

	answerWithin time.Duration // Config.AnswerWithin, less what the sweeper may be late

	accounts     atomic.Pointer[accounts]
	carriers     map[string]*carrier // by name
	destinations atomic.Int32        // of carriers and accounts
	redeliveries *redeliveries       // nil: none are recognised
	foreign      *foreign            // nil: there is no SIP
	written      *foreign            // of the edge's own messages; nil: it writes none
	joinable     joinSpace           // submissions of all carriers
	noPassword   [sha256.Size]byte   // what unknown system_ids are compared with

	listeners     []*listener // by index of Config.Listen
	sources       *sources
	takesOutbinds bool         // some bind waits for one
	connections   atomic.Int64 // of peers
	floods        floods
	ids           ids
	references    atomic.Uint32 // of messages that we cut
	segments      *reassembler
	printKey      maphash.Seed // of fingerprints
	messages      messagePool
	turns         atomic.Uint64 // ever made
	crowded       atomic.Bool   // more sessions than crowd
	draining      atomic.Bool
	work          sync.WaitGroup // listeners, dialers, sessions

	reloading sync.Mutex // one reload at a time

	mu       sync.Mutex
	sessions map[*session]struct{}
}

// New makes an edge; it opens nothing. Carriers and accounts of cfg must be
// known to the router by the same names.
func New(cfg Config, router Router, journal Journal, log *zap.Logger, metrics prometheus.Registerer) (*Edge, error) {
	return newEdge(cfg, router, journal, log, metrics, time.Now)
}

func newEdge(cfg Config, router Router, journal Journal, log *zap.Logger, reg prometheus.Registerer, clock func() time.Time) (*Edge, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	e := &Edge{
		cfg: cfg, router: router, journal: journal, log: log, clock: clock, started: clock(),
		metrics:  newMetrics(),
		carriers: map[string]*carrier{},
		sources:  newSources(cfg.Auth, cfg.MaxUnbound), redeliveries: newRedeliveries(cfg.Redelivery),
		sessions: map[*session]struct{}{}, printKey: maphash.MakeSeed(),
		segments: newReassembler(),
	}
	e.joinable.limit = int64(cfg.Submissions)
	e.answerWithin = max(cfg.AnswerWithin-2*tick, cfg.AnswerWithin/2)
	_, _ = rand.Read(e.noPassword[:])
	e.ids.start(e.started)
	e.metrics.unbound = e.metrics.peer("unbound")
	if err := e.makeCarriers(); err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	if err := e.makeListeners(); err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	if err := e.makeAccounts(); err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	if e.cfg.Messenger != nil {
		e.foreign = e.newForeign(peerSIP)
	}
	if e.cfg.Reports != nil {
		e.written = e.newForeign(peerEdge)
	}
	if err := e.metrics.register(e, reg); err != nil {
		return nil, fmt.Errorf("smpp: registering metrics: %w", err)
	}
	return e, nil
}

func (e *Edge) makeCarriers() error {
	for _, cfg := range e.cfg.Carriers {
		rc := e.router.Carrier(cfg.Name)
		if rc == nil {
			return fmt.Errorf("carrier %q is not known to routing", cfg.Name)
		}
		if e.carriers[cfg.Name] != nil {
			return fmt.Errorf("carrier %q stands twice", cfg.Name)
		}
		p := e.metrics.peer(cfg.Name)
		p.responseTime = e.metrics.responseTime.WithLabelValues(cfg.Name)
		p.receiptDelay = e.metrics.receiptDelay.WithLabelValues(cfg.Name)
		c := &carrier{
			cfg: cfg, peer: p, origin: routing.Origin{Carrier: cfg.Name, Country: cfg.Country, CallingCode: cfg.CallingCode},
			destination: e.newDestination(p, rc),
			joiner:      newJoiner(&e.joinable, e.cfg.SubmissionsFor),
		}
		c.destination.pace.Store(newSharedPace(cfg.TPS))
		c.destination.masks = newMaskPaces(cfg.MaskTPS)
		for i := range cfg.Binds {
			login, err := cfg.Binds[i].login()
			if err != nil {
				return fmt.Errorf("carrier %q: bind to %s: %w", cfg.Name, cfg.Binds[i].Addr, err)
			}
			for range cfg.Binds[i].Sessions {
				d := &dialer{edge: e, carrier: c, index: i, bind: &cfg.Binds[i], since: e.started}
				d.stats = e.metrics.newBindStats(cfg.Name, "out", len(c.dialers))
				d.login.Store(login)
				e.takesOutbinds = e.takesOutbinds || d.bind.Outbind.Enabled
				c.dialers = append(c.dialers, d)
			}
		}
		e.carriers[cfg.Name] = c
	}
	return nil
}

func (e *Edge) makeAccounts() error {
	all, _, err := e.withAccounts(&accounts{}, e.cfg.Accounts)
	if err != nil {
		return err
	}
	e.accounts.Store(all)
	for i := range e.cfg.Accounts {
		all.list[i].apply(&e.cfg.Accounts[i])
	}
	return nil
}

// reference is that of the next message that is cut.
func (e *Edge) reference() uint16 { return uint16(e.references.Add(1)) }

// at turns a time into an instant of the edge: nanoseconds since its start, by
// the monotonic clock.
func (e *Edge) at(now time.Time) int64 { return int64(now.Sub(e.started)) }

// Listen opens the listeners. Nobody is served before Run.
func (e *Edge) Listen() error {
	for i, l := range e.listeners {
		opened, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", e.cfg.Listen[i].Addr)
		if err != nil {
			e.closeListeners()
			return fmt.Errorf("smpp: listening: %w", err)
		}
		l.Listener = opened
	}
	return nil
}

// Addrs lists the addresses that Listen has opened, in the order of the
// configuration.
func (e *Edge) Addrs() []net.Addr {
	var all []net.Addr
	for _, l := range e.listeners {
		if l.Listener != nil {
			all = append(all, l.Addr())
		}
	}
	return all
}

// Close closes the listeners of an edge that is not run.
func (e *Edge) Close() { e.closeListeners() }

func (e *Edge) closeListeners() {
	for _, l := range e.listeners {
		if l.Listener != nil {
			_ = l.Close()
		}
	}
}

// Run serves peers and binds to carriers until ctx ends. Then it takes no new
// messages, finishes what is in flight within Config.Drain, unbinds and
// returns.
func (e *Edge) Run(ctx context.Context) error {
	defer e.closeListeners()
	if err := e.restore(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("smpp: restoring receipts: %w", err)
	}
	e.loadUsage()
	sweep, stopSweep := context.WithCancel(context.WithoutCancel(ctx))
	var sweeper sync.WaitGroup
	sweeper.Go(func() { e.sweep(sweep) })
	sweeper.Go(func() { e.keepUsage(sweep) })
	for _, l := range e.listeners {
		if l.Listener == nil {
			continue
		}
		e.work.Go(func() { e.serveListener(ctx, l) })
	}
	for _, c := range e.carriers {
		for _, d := range c.dialers {
			e.work.Go(func() { d.run(ctx) })
		}
	}
	<-ctx.Done()
	e.drain()
	e.work.Wait()
	stopSweep()
	sweeper.Wait()
	return nil
}

// restore takes in what the journal kept.
func (e *Edge) restore(ctx context.Context) error {
	return e.journal.Restore(ctx, e.restoreSubmission, e.restoreReceipt)
}

func (e *Edge) restoreSubmission(s Submission) {
	c, account := e.carriers[s.Carrier], uint32(ownAccount)
	if s.Account != ownName { // whose ids are its writer's
		e.ids.raise(s.LocalID)
		a := e.account(s.Account)
		if a == nil {
			return // gone from the configuration
		}
		account = a.index
	}
	if c == nil {
		return // likewise
	}
	c.joiner.add(submission{
		key: c.joiner.key([]byte(s.RemoteID)), local: s.LocalID, at: s.At.UnixMilli(), account: account,
		wants: s.Wants, ended: endedBy(s.Final), source: importAddress(s.Source), destination: importAddress(s.Destination),
	})
}

func endedBy(final bool) ended {
	if final {
		return hasEnded
	}
	return notEnded
}

func (e *Edge) restoreReceipt(r HeldReceipt) {
	e.ids.raise(max(r.ID, r.LocalID))
	if a := e.account(r.Account); a != nil {
		a.held.restore(r)
	}
}

func (e *Edge) add(s *session) {
	e.mu.Lock()
	e.sessions[s] = struct{}{}
	e.crowded.Store(len(e.sessions) > crowd)
	e.mu.Unlock()
}

func (e *Edge) remove(s *session) {
	e.mu.Lock()
	delete(e.sessions, s)
	e.crowded.Store(len(e.sessions) > crowd)
	e.mu.Unlock()
}

// crowd is how many sessions make it worth while to let other readers run
// before a write; with fewer it would only delay the write.
// docs/decisions/011-smpp-writes.md
const crowd = 16

// snapshot appends all sessions to dst.
func (e *Edge) snapshot(dst []*session) []*session {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.sessions {
		dst = append(dst, s)
	}
	return dst
}
