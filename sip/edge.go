package sip

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/routing"
	"maskline/sip/message"
)

// Edge is the SIP side: its sockets, trunks and calls.
type Edge struct {
	cfg       Config
	router    Router
	media     Media
	log       *zap.Logger
	parserLog *slog.Logger
	metrics   *metrics
	now       func() time.Time
	decide    func(*routing.Request) evRouted
	goodbye   time.Duration // how long the end waits for answers to our BYEs

	tokens    *tokens
	trunks    []*trunk
	byCarrier map[string][]*trunk // those that we can send to
	matcher   *matcher
	sockets   []*socket
	opened    time.Time // when they were
	probers   []*prober
	calls     *calls
	timers    *timers
	showing   sync.Mutex // of a carrier's state to routing
	draining  atomic.Bool
	active    atomic.Int64 // calls that are not over
	unsettled atomic.Int64 // and those of which something of ours is unanswered

	ids   sync.Mutex
	draws *rand.ChaCha8
}

const defaultGoodbye = 5 * time.Second

// New makes an edge from its configuration. Its error names the trunk and the
// key at fault.
func New(cfg Config, router Router, media Media, log *zap.Logger, reg prometheus.Registerer) (*Edge, error) {
	setDefault(&cfg.MaxAttempts, defaultMaxAttempts)
	cfg.MaxAttempts = min(cfg.MaxAttempts, mostAttempts)
	setDefault(&cfg.MaxCalls, defaultMaxCalls)
	setDefault(&cfg.ReadBuffer, defaultReadBuffer)
	var seed [48]byte
	_, _ = crand.Read(seed[:]) // never fails
	ids, err := newTokens(seed[32:])
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	e := &Edge{
		cfg: cfg, router: router, media: media, log: log, parserLog: newParserLog(log), now: time.Now,
		tokens: ids, draws: rand.NewChaCha8([32]byte(seed[:32])), calls: newCalls(), timers: newTimers(),
		byCarrier: map[string][]*trunk{},
	}
	e.decide, e.goodbye = e.decideByRouting, defaultGoodbye
	if err := e.addTrunks(); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	if e.metrics, err = newMetrics(reg, e); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	for _, t := range e.trunks {
		t.initState()
		t.state.metrics = e.metrics.trunk(t.Name)
	}
	return e, nil
}

func (e *Edge) addTrunks() error {
	if len(e.cfg.Listen) == 0 {
		return errors.New("there is nothing to listen on")
	}
	names := map[string]bool{}
	for _, cfg := range e.cfg.Trunks {
		t, err := newTrunk(cfg, e.cfg.OwnMedia)
		if err != nil {
			return err
		}
		if names[t.Name] {
			return fmt.Errorf("trunk %s: there are two of this name", t.Name)
		}
		if t.Carrier != "" && e.router.Carrier(t.Carrier) == nil {
			return fmt.Errorf("trunk %s: no carrier is named %q", t.Name, t.Carrier)
		}
		names[t.Name] = true
		e.trunks = append(e.trunks, t)
		if t.Carrier != "" && t.addr.IsValid() {
			e.byCarrier[t.Carrier] = append(e.byCarrier[t.Carrier], t)
		}
	}
	e.matcher = newMatcher(e.trunks)
	return nil
}

// Listen opens the sockets. Run serves them.
func (e *Edge) Listen() error {
	for i, cfg := range e.cfg.Listen {
		s, err := e.listen(context.Background(), i, cfg)
		if err != nil {
			e.Close()
			return fmt.Errorf("sip: %w", err)
		}
		e.sockets = append(e.sockets, s)
	}
	for _, t := range e.trunks {
		if err := e.bind(t); err != nil {
			e.Close()
			return fmt.Errorf("sip: trunk %s: %w", t.Name, err)
		}
		e.addProber(t)
	}
	e.opened = e.now()
	return nil
}

// bind chooses the socket that a trunk is reached from.
func (e *Edge) bind(t *trunk) error {
	for i, s := range e.sockets {
		if t.addr.IsValid() && t.addr.Addr().Is4() != s.local.Addr().Is4() {
			continue
		}
		if t.Local == "" || t.Local == s.local.String() || t.Local == s.local.Addr().String() {
			t.socket, t.own = i, s.own
			return nil
		}
	}
	return errors.New("local: none of the sockets has this address and IP version")
}

// Addrs are the addresses of the sockets, in the order of Config.Listen.
func (e *Edge) Addrs() []netip.AddrPort {
	var all []netip.AddrPort
	for _, s := range e.sockets {
		all = append(all, s.local)
	}
	return all
}

// Close closes the sockets of an edge that is not run.
func (e *Edge) Close() {
	for _, s := range e.sockets {
		_ = s.Close()
	}
}

// Run serves until ctx ends, then drains: new calls are answered 503, those that
// stand go on for up to Config.Drain, the rest is ended. It returns when
// everything has stopped.
func (e *Edge) Run(ctx context.Context) {
	// Where the start took long, for want of a database, callers have given up;
	// what still wants an answer is repeated.
	late := e.now().Sub(e.opened) > t2
	var work sync.WaitGroup
	for _, s := range e.sockets {
		if late {
			s.discard()
		}
		work.Go(s.serve)
	}
	work.Go(e.timers.run)
	e.startProbes()
	<-ctx.Done()
	e.drain()
	e.Close()
	e.timers.close()
	work.Wait()
	for _, a := range e.calls.all() {
		a.post(evEnd{"shutdown"}) // gives back what a call holds that would not end
	}
}

func (e *Edge) startProbes() {
	for name := range e.byCarrier {
		e.showCarrier(name)
	}
	for _, p := range e.probers {
		e.timers.set(&p.alarm, e.now())
	}
}

// drain waits for the calls, then ends them.
func (e *Edge) drain() {
	e.draining.Store(true)
	e.log.Info("draining", zap.Int64("calls", e.active.Load()))
	e.await(e.cfg.Drain, &e.active)
	for _, a := range e.calls.all() {
		a.post(evEnd{"drain"})
	}
	e.await(e.goodbye, &e.unsettled)
}

// await returns when the count has come to zero, or after limit.
func (e *Edge) await(limit time.Duration, count *atomic.Int64) {
	const every = 20 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	end := time.NewTimer(limit)
	defer end.Stop()
	for count.Load() > 0 {
		select {
		case <-tick.C:
		case <-end.C:
			return
		}
	}
}

// correlationID is the call's name in the logs: letters alone, so that nobody
// takes it for a number, the log's redaction neither.
func correlationID(id uint64) string {
	var text [16]byte
	for i := range text {
		text[i] = 'a' + byte(id&15)
		id >>= 4
	}
	return string(text[:])
}

func (e *Edge) newActor(t *trunk, inviteKey, mergeKey callKey) *actor {
	e.ids.Lock()
	id := e.draws.Uint64()
	e.ids.Unlock()
	a := &actor{
		edge: e, call: newCall(id, e.tokens, e.cfg.MaxAttempts), id: correlationID(id),
		inviteKey: inviteKey, mergeKey: mergeKey, trunk: t,
	}
	a.idle.L = &a.mu
	a.alarm.fire = func() { a.post(evTick{}) }
	return a
}

// isEmergency asks routing whether a call that a limit would refuse is an
// emergency call, which none may hold up.
func (e *Edge) isEmergency(t *trunk, req *message.Request) bool {
	called := req.Called(&t.cli.Numbers)
	return e.decide(&routing.Request{
		Service: routing.Voice, Origin: &t.origin, Dialled: []byte(called.Dialled),
		To: called.Number, From: req.Caller(&t.cli.Numbers, t.TrustPAI), Now: e.now(),
	}).emergency
}

// recovered, deferred, keeps a panic from the process.
func (e *Edge) recovered(where string) {
	if fault := recover(); fault != nil {
		e.panicked(where, debug.Stack())
	}
}

// panicked counts and logs a fault of ours. The panic's own text may quote the
// wire, so only the stack's function names are kept.
func (e *Edge) panicked(where string, stack []byte) {
	e.metrics.panics.Inc()
	e.log.Error("panic", zap.String("where", where), zap.Strings("stack", functions(stack)))
}
