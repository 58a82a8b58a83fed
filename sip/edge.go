package sip

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	gosip "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"maskline/routing"
	"maskline/sip/message"
	"maskline/udp"
)

// Edge is the SIP side: its sockets, trunks and calls.
type Edge struct {
	cfg     Config
	router  Router
	media   Media
	log     *zap.Logger
	parser  *gosip.Parser // of datagrams
	metrics *metrics
	now     func() time.Time
	decide  func(*routing.Request) evRouted
	goodbye time.Duration // how long the end waits for answers to our BYEs

	tokens        *tokens
	trunks        atomic.Pointer[trunkSet] // set reads it
	changing      sync.Mutex               // held by whoever stores another one
	auth          *authGuard
	sockets       []*socket
	readers       *udp.Group // of datagrams
	streams       *streams
	names         *resolver
	work          sync.WaitGroup // what serves the sockets
	opened        time.Time      // when they were
	lastProber    atomic.Uint64  // its number
	lastRegistrar atomic.Uint64
	newcomers     *newcomers
	strangers     *strangers
	newCalls      *rate.Limiter // per second, of all trunks
	load          atomic.Uint32 // a load
	measure       func(due time.Time) (backlog float64, lag time.Duration)
	leaving       atomic.Int64 // registrations that are being taken away
	calls         *calls
	verdicts      *verdicts
	texts         *texts // nil: MESSAGE is not served
	voice         atomic.Pointer[VoiceConfig]
	timers        *timers
	showing       sync.Mutex // of a carrier's state to routing
	draining      atomic.Bool
	contacts      atomic.Int64 // reply slots that calls wait for
	active        atomic.Int64 // calls that are not over
	unsettled     atomic.Int64 // and those of which something of ours is unanswered

	ids   sync.Mutex
	draws *rand.ChaCha8
}

const defaultGoodbye = 5 * time.Second

// New makes an edge from its configuration. Its error names the trunk and the
// key at fault.
func New(cfg Config, router Router, media Media, log *zap.Logger, reg prometheus.Registerer) (*Edge, error) {
	cfg.setDefaults()
	var seed [48]byte
	_, _ = crand.Read(seed[:]) // never fails
	ids, err := newTokens(seed[32:])
	if err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	e := &Edge{
		cfg: cfg, router: router, media: media, log: log, parser: gosip.NewParser(), now: time.Now,
		tokens: ids, draws: rand.NewChaCha8([32]byte(seed[:32])), calls: newCalls(), verdicts: &verdicts{}, timers: newTimers(),
	}
	e.auth, e.newcomers, e.newCalls = newAuthGuard(cfg.Auth), newNewcomers(), limiter(cfg.MaxCPS, 0)
	e.texts = newTexts(e)
	e.measure = e.measureLoad
	e.strangers = &strangers{log: log, now: func() time.Time { return e.now() }}
	e.SetVoice(cfg.Voice)
	e.decide, e.goodbye = e.decideByRouting, defaultGoodbye
	e.streams, e.names = newStreams(e), newResolver(e)
	if err := e.addTrunks(); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	if e.metrics, err = newMetrics(reg, e); err != nil {
		return nil, fmt.Errorf("sip: %w", err)
	}
	for _, t := range e.set().list {
		t.initState()
		t.state.metrics = e.metrics.trunk(t.Name)
		if t.digest != nil {
			t.state.metrics.guard()
		}
		if r := e.newRegistrar(t); r != nil {
			e.set().registrars[r.number] = r // nobody reads it yet
		}
	}
	return e, nil
}

func (e *Edge) addTrunks() error {
	if len(e.cfg.Listen) == 0 {
		return errors.New("there is nothing to listen on")
	}
	s, err := newTrunkSet(&e.cfg, &trunkSet{}, func(t *trunk) error {
		if t.Carrier != "" && e.router.Carrier(t.Carrier) == nil {
			return fmt.Errorf("no carrier is named %q", t.Carrier)
		}
		return e.equip(t)
	})
	if err != nil {
		return err
	}
	e.trunks.Store(s)
	return nil
}

// equip gives a trunk what it has of the edge.
func (e *Edge) equip(t *trunk) (err error) {
	if t.digest, err = e.auth.forTrunk(t); err != nil {
		return fmt.Errorf("auth_in: %w", err)
	}
	return nil
}

// Listen opens the sockets. Run serves them.
func (e *Edge) Listen() error {
	var err error
	if e.readers, err = udp.NewGroup(); err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	for i, cfg := range e.cfg.Listen {
		s, err := e.listen(context.Background(), i, cfg)
		if err != nil {
			e.Close()
			return fmt.Errorf("sip: %w", err)
		}
		e.sockets = append(e.sockets, s)
	}
	s := e.set()
	for _, t := range s.list {
		if err := e.bind(t); err != nil {
			e.Close()
			return fmt.Errorf("sip: trunk %s: %w", t.Name, err)
		}
		if p := e.newProber(t); p != nil {
			s.probers[p.number] = p // nobody reads it yet
		}
	}
	e.opened = e.now()
	return nil
}

// bind chooses the socket that a trunk is reached from, of each IP version.
func (e *Edge) bind(t *trunk) error {
	bound := false
	for i, s := range e.sockets {
		is4 := s.local.Addr().Is4()
		switch {
		case t.callable() && t.over != s.over, t.addr.IsValid() && t.addr.Addr().Is4() != is4:
		case t.Local != "" && t.Local != s.local.String() && t.Local != s.local.Addr().String():
		case !bound:
			t.socket, t.own, t.is4, bound = i, s.own, is4, true
		case t.is4 != is4 && t.other == nil:
			t.other = &home{i, s.own, is4}
		}
	}
	if bound {
		return nil
	}
	return errors.New("local: none of the sockets has this address, transport and IP version")
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
	if e.readers != nil {
		e.readers.Stop()
	}
	for _, s := range e.sockets {
		s.close()
	}
	e.streams.close()
}

// Run serves until ctx ends, then drains: new calls are answered 503, those that
// stand go on for up to Config.Drain, the rest is ended. It returns when
// everything has stopped.
func (e *Edge) Run(ctx context.Context) {
	// Where the start took long, for want of a database, callers have given up;
	// what still wants an answer is repeated.
	late := e.now().Sub(e.opened) > t2
	for _, s := range e.sockets {
		if late {
			s.discard()
		}
		s.serve() //nolint:contextcheck // connections last until the drain is done, beyond ctx
	}
	e.work.Go(e.readers.Run)
	e.work.Go(e.timers.run)
	calm := make(chan struct{})
	e.work.Go(func() { e.watchLoad(calm) })
	e.startTrunks(e.now())
	e.work.Go(func() { e.names.run(ctx) })
	<-ctx.Done()
	e.drain()
	e.Close()
	e.timers.close()
	close(calm)
	e.work.Wait()
	for _, a := range e.calls.all() {
		a.post(evEnd{"shutdown"}) // gives back what a call holds that would not end
	}
}

// drain waits for the calls, then ends them.
func (e *Edge) drain() {
	e.draining.Store(true)
	e.unregister()
	e.log.Info("draining", zap.Int64("calls", e.active.Load()))
	e.await(e.cfg.Drain, &e.active)
	e.texts.drain()
	for _, a := range e.calls.all() {
		a.post(evEnd{"drain"})
	}
	e.await(e.goodbye, &e.unsettled)
	e.await(e.goodbye, &e.leaving)
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
		inviteKey: inviteKey, mergeKey: mergeKey, trunk: t, uses: []*trunk{t},
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
