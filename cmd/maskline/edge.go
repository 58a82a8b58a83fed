package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/issuer"
	"maskline/api/usage"
	"maskline/configs"
	"maskline/ledger"
	"maskline/media"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/routing"
	"maskline/seal"
	"maskline/sip"
	"maskline/smpp"
)

// edge is all packages wired together. newEdge opens what keeps state, Listen
// opens the sockets, Run serves.
type edge struct {
	cfg     *configs.Config
	log     *zap.Logger
	metrics registry
	started time.Time
	now     func() time.Time // by which data lives and ends
	inside  *sandboxed       // what the edge is the sandbox of; nil: of nothing, it is live
	boxes   *sandboxes       // of its tenants; nil: it is one

	store    stores
	table    *numberdb.Table
	syncer   *numberdb.Syncer
	restrict *numberdb.Restrictions
	sessions *sessions.Owner
	desk     *sessionDesk
	sweeper  *numberdb.Sweeper
	ledger   *ledger.Ledger
	cdrs     *ledger.CDRs // nil: none are written
	router   *routing.Router
	media    *media.Relay
	smpp     *smpp.Edge
	outbound
	sip      *sip.Edge
	prompts  atomic.Pointer[media.Prompts]
	bindings *bindings
	prefixes *prefixes
	keys     *auth.Keys
	issuers  *issuer.Issuers

	certificates auth.Certificates
	secured      *api.TLS // of api.listen, where it has a certificate

	v1     http.Handler
	told   eventing
	reload func(file string) (api.Reloaded, error) // nil: there is no file

	api, metricsOnly, control net.Listener
	listening, draining       atomic.Bool

	meter      *usage.Meter
	changes    *ledgerOfChanges
	protection *protection
}

// registry takes metrics in and gives them out; *prometheus.Registry is one.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// newEdge builds an edge. On an error what was opened is closed again.
func newEdge(ctx context.Context, cfg *configs.Config, log *zap.Logger, metrics registry) (*edge, error) {
	return builtEdge(ctx, &edge{cfg: cfg, log: log, metrics: metrics, now: time.Now})
}

func builtEdge(ctx context.Context, e *edge) (*edge, error) {
	e.started, e.table = time.Now(), numberdb.NewTable()
	if err := e.build(ctx); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *edge) build(ctx context.Context) (err error) {
	cfg, log := e.cfg, e.log
	e.metrics.MustRegister(goCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	prompts, err := loadPrompts(cfg)
	if err != nil {
		return err
	}
	e.prompts.Store(prompts)
	if err := os.MkdirAll(string(cfg.DataDir), 0o700); err != nil {
		return fmt.Errorf("making data_dir: %w", err)
	}
	if err := e.openState(ctx); err != nil {
		return err
	}
	if err := e.newMeter(); err != nil {
		return err
	}
	if err := e.newProtection(); err != nil {
		return err
	}
	if err := e.newReplies(); err != nil {
		return err
	}
	if err := e.newRouter(ctx); err != nil {
		return err
	}
	s := smppConfig(cfg)
	s.Usage = usageFile(filepath.Join(string(cfg.DataDir), "quotas.json"))
	if len(cfg.SIP.Listen) > 0 {
		s.Messenger = toSIP{e}
	}
	if s.Reports, err = e.newOutbound(); err != nil {
		return err
	}
	s.Brought = (&witness{e.told.traffic, e.sessions}).brought
	if e.smpp, err = smpp.New(s, e.timed(e.router), &journal{e.ledger}, log.Named("smpp"), e.metrics); err != nil {
		return err
	}
	if err := e.newSandboxes(); err != nil {
		return err
	}
	if err := e.newREST(); err != nil {
		return err
	}
	if len(cfg.SIP.Listen) == 0 {
		return nil
	}
	if e.media, err = media.New(mediaConfig(cfg), log.Named("media"), e.metrics); err != nil {
		return err
	}
	if e.sip, err = sip.New(e.sipConfig(cfg), e.timedVoice(e.router), relay{e.media, &e.prompts}, log.Named("sip"), e.metrics); err != nil {
		return err
	}
	return nil
}

// sipConfig is the configuration of SIP with what only this edge has.
func (e *edge) sipConfig(cfg *configs.Config) sip.Config {
	s := sipConfig(cfg)
	s.Messenger = e.smpp
	told := calls{told: &e.told}
	if e.cdrs != nil {
		told.records = records{e.cdrs}
	}
	s.Records = told
	s.Progress = (&witness{e.told.traffic, e.sessions}).progress
	return s
}

// openState opens the store with its sync and the ledger.
func (e *edge) openState(ctx context.Context) (err error) {
	_, err = os.Stat(keyFile(e.cfg))
	isNew := errors.Is(err, fs.ErrNotExist)
	if !isNew { // before the store, whose words for it are longer
		if _, err := seal.Load(keyFile(e.cfg)); err != nil {
			return err
		}
	}
	if e.store, err = openStoreAt(ctx, e.cfg, e.now); err != nil {
		return err
	}
	if err := checkKey(ctx, e.store); err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	e.changes = newChanges(e.cfg, e.store, e.now)
	sync := numberdb.SyncConfig{
		MaxStale: cmp.Or(e.cfg.Database.MaxStale, noLimit), Wait: e.cfg.Database.Wait, Compare: e.cfg.Database.Compare,
	}
	if e.syncer, err = numberdb.NewSyncer(e.store, e.table, sync, e.log.Named("numberdb"), e.metrics); err != nil {
		return err
	}
	if e.restrict, err = numberdb.NewRestrictions(auditedRestrictions{e.store, e.changes}, e.log.Named("numberdb"), e.metrics); err != nil {
		return err
	}
	if e.sweeper, err = numberdb.NewSweeper(e.store, e.now, e.log.Named("numberdb"), e.metrics); err != nil {
		return err
	}
	e.restrict.Limit(e.cfg.Routing.MaxOptOuts)
	e.bindings = newBindings(e.cfg, e.table, e.apply)
	key, _, err := seal.LoadOrCreate(keyFile(e.cfg))
	if err != nil {
		return err
	}
	if err := e.newEvents(); err != nil {
		return err
	}
	owner := sessionsConfig(e.cfg, key)
	owner.Events = e.told.hub
	e.restrict.Tell(e.told.optOut)
	if e.sessions, err = sessions.New(owner, e.store, e.syncer, e.table, e.now, e.log.Named("sessions"), e.metrics); err != nil {
		return err
	}
	e.syncer.Observe(e.sessions.Observer())
	e.desk = &sessionDesk{owner: e.sessions, store: e.store, bindings: e.bindings, lifecycle: e.cfg.Lifecycle, only: e.only()}
	e.desk.follow(e.cfg)
	if isNew {
		e.log.Info("made the key file; keep a copy of it, what is sealed cannot be read without")
	}
	if e.ledger, err = ledger.Open(ctx, ledgerConfig(e.cfg), key, e.log.Named("ledger"), e.metrics); err != nil {
		return err
	}
	if e.cfg.Observe.CDR.Dir != "" && len(e.cfg.SIP.Listen) > 0 {
		e.cdrs, err = ledger.OpenCDRs(cdrConfig(e.cfg), key, e.log.Named("ledger"), e.metrics)
	}
	return err
}

// apply is the syncer's, with a word on a store that the edge knows to be away.
func (e *edge) apply(ctx context.Context, changes []numberdb.Change) error {
	err := e.changes.bindings(ctx, changes)
	if err == nil {
		err = e.syncer.Apply(ctx, changes)
	}
	if err != nil && !e.syncer.Fresh().Up && !errors.Is(err, numberdb.ErrNotYetRouted) {
		err = fmt.Errorf("the store is away: %w", err)
	}
	return err
}

// Listen opens every socket of the configuration, or none.
func (e *edge) Listen(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			e.closeSockets()
		}
	}()
	if err = e.smpp.Listen(); err != nil {
		return err
	}
	if e.sip != nil {
		if err = e.sip.Listen(); err != nil {
			return err
		}
	}
	listen := func(addr string) (net.Listener, error) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("listening for HTTP: %w", err)
		}
		return l, nil
	}
	if e.api, err = listen(e.cfg.API.Listen.String()); err != nil {
		return err
	}
	if e.cfg.API.MetricsListen.IsValid() {
		if e.metricsOnly, err = listen(e.cfg.API.MetricsListen.String()); err != nil {
			return err
		}
	}
	if e.control, err = listenControl(ctx, string(e.cfg.DataDir)); err != nil {
		return err
	}
	e.listening.Store(true)
	e.log.Info("listening", zap.Stringer("api", e.api.Addr()), zap.Stringers("smpp", e.smppAddrs()), zap.Stringers("sip", e.sipAddrs()))
	return nil
}

// closeSockets closes what Listen has opened, where it failed.
func (e *edge) closeSockets() {
	e.smpp.Close()
	if e.sip != nil {
		e.sip.Close()
	}
	for _, l := range []net.Listener{e.api, e.metricsOnly, e.control} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// Run serves until ctx ends, then drains: messages and calls under way are
// finished within the configured times while the API still answers.
func (e *edge) Run(ctx context.Context) error {
	defer func() {
		if err := e.close(); err != nil {
			e.log.Error("not everything was closed in order", zap.Error(err))
		}
	}()
	serve, stopServing := context.WithCancelCause(ctx)
	defer stopServing(nil)
	// What others need until the last message has gone lives longer.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()

	var front, back group
	back.start("the store", stopServing, func() error { return e.syncer.Run(background) })
	back.start("sessions", stopServing, func() error { return e.sessions.Run(background) })
	e.told.run(background, e, &back, stopServing)
	back.start("messages", stopServing, func() error { return e.messages.Run(background) })
	back.start("replies", stopServing, func() error { return e.replies.Run(background) })
	back.start("calls of the API", stopServing, func() error { return e.calls.Run(background) })
	back.start("verifications", stopServing, func() error { return e.verify.Run(background) })
	back.start("opt-outs and blocks", stopServing, func() error { return e.restrict.Run(background) })
	back.start("purging", stopServing, func() error { return e.sweeper.Run(background) })
	back.start("the meter of traffic", stopServing, func() error { return e.runMeter(background) })
	if e.inside == nil {
		back.start("API keys", stopServing, func() error { return e.keys.Run(background) })
		back.start("identity providers", stopServing, func() error { return e.issuers.Run(background) })
		back.start("sandboxes", stopServing, func() error { return e.boxes.run(background) })
		back.start("the API", stopServing, func() error { return e.serveAPI(background) })
		back.start("the control socket", stopServing, func() error {
			return api.Serve(background, e.control, e.controlHandler(), api.ControlLimits(), e.log)
		})
	}
	e.protection.start(background, &back, stopServing)
	if e.metricsOnly != nil {
		back.start("metrics", stopServing, func() error {
			return api.Serve(background, e.metricsOnly, e.metricsHandler(), e.httpLimits(), e.log)
		})
	}
	if err := e.waitLoaded(serve); err == nil {
		front.start("SMPP", stopServing, func() error { return e.smpp.Run(serve) })
		if e.sip != nil {
			front.start("SIP", stopServing, func() error { e.sip.Run(serve); return nil })
		}
		e.log.Info("serving", zap.Int("bindings", e.table.Len()))
	}
	<-serve.Done()
	e.draining.Store(true)
	e.log.Info("draining")
	err := front.wait()
	stopBackground()
	err = errors.Join(err, back.wait())
	e.log.Info("stopped")
	return err
}

// waitLoaded keeps traffic out until the memory holds what the store has: an
// empty table would refuse messages for good, and none would be opted out.
func (e *edge) waitLoaded(ctx context.Context) error {
	tick := time.NewTicker(loadPoll)
	defer tick.Stop()
	for !e.fresh().Loaded {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// fresh is the table's state; it counts as loaded with the opt-outs and blocks.
func (e *edge) fresh() numberdb.Freshness {
	f := e.syncer.Fresh()
	f.Loaded = f.Loaded && e.restrict.Loaded()
	return f
}

// close closes what Run leaves open, in the order of its use.
func (e *edge) close() error {
	var all []error
	for _, l := range []net.Listener{e.api, e.metricsOnly, e.control} {
		if l != nil {
			_ = l.Close() // most are closed already
		}
	}
	if e.media != nil {
		if err := e.media.Close(); !errors.Is(err, media.ErrClosed) {
			all = append(all, err)
		}
	}
	if e.cdrs != nil {
		all = append(all, e.cdrs.Close())
	}
	if e.ledger != nil {
		all = append(all, e.ledger.Close())
	}
	if e.store != nil {
		all = append(all, e.store.Close())
	}
	return errors.Join(all...)
}

const loadPoll = 5 * time.Millisecond

// group runs the parts of an edge; the first that fails stops the edge.
type group struct {
	wg     sync.WaitGroup
	mu     sync.Mutex
	failed []error
}

func (g *group) start(name string, stop context.CancelCauseFunc, run func() error) {
	g.wg.Go(func() {
		if err := run(); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			g.mu.Lock()
			g.failed = append(g.failed, err)
			g.mu.Unlock()
			stop(err)
		}
	})
}

func (g *group) wait() error {
	g.wg.Wait()
	return errors.Join(g.failed...)
}

func (e *edge) serveAPI(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("/v1/", e.v1)
	e.health().Routes(mux)
	if e.metricsOnly == nil {
		mux.Handle("GET /metrics", api.Metrics(e.metrics))
	}
	limits := e.httpLimits()
	if e.cfg.API.TLS.Cert != "" {
		limits.TLS = e.secured
	}
	return api.Serve(ctx, e.api, mux, limits, e.log)
}

func (e *edge) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", api.Metrics(e.metrics))
	return mux
}

// httpLimits leave a message that is sent by the API the time that its carriers and the
// store have: its answer has to be written.
func (e *edge) httpLimits() api.ServerConfig {
	limits := &e.cfg.API.Limits
	return api.ServerConfig{
		HeaderTimeout: limits.Header, ReadTimeout: limits.Read, WriteTimeout: 2*limits.Read + e.cfg.SMPP.AnswerWithin + settleWithin,
	}
}

// settleWithin is what sending takes beside its carriers, at most: until they are
// given up, and for the store.
const settleWithin = 15 * time.Second

// goCollector also tells what was alive at the last collection, without the
// garbage since.
func goCollector() prometheus.Collector {
	return collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
		collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}))
}

func (e *edge) controlHandler() http.Handler {
	stock := e.inventory()
	control := api.Control{
		Numbers:  stock,
		Pools:    poolDesk{stock},
		Sessions: e.desk,
		Keys:     &apiKeys{e.keys, e.bindings.hasTenant, e.resumeKey},
		Bindings: e.bindings,
		Blocks:   &blocks{e.restrict, e.bindings.hasTenant},
		OptOuts:  &optOuts{e.restrict},
		Prefixes: e.prefixes,
		Audit:    &auditDesk{e.store, endFile(e.cfg.DataDir)},
		Explain:  func(q api.Question) (api.Explanation, error) { return explain(e.router, e.table, q) },
		Report:   e.health().Report,
		Reload:   e.reload,
	}
	return byOperator(control.Handler())
}

// byOperator names the actor of what comes through the control socket.
func byOperator(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(numberdb.WithActor(r.Context(), numberdb.OperatorActor)))
	})
}

// inventory is the masks and pools of the edge.
func (e *edge) inventory() *inventory {
	return &inventory{stock: e.sessions, bindings: e.bindings, report: e.sessions.Report}
}

func (e *edge) health() *api.Health {
	return &api.Health{
		Node: string(e.cfg.Node), Version: version, Started: e.started,
		State: func() api.State {
			return api.State{
				Listening: e.listening.Load(), Draining: e.draining.Load(),
				Bindings: e.table.Len(), Table: e.fresh(),
			}
		},
		Carriers: e.router.Carriers,
		Links: func() api.Links {
			links := api.Links{Binds: e.smpp.Binds(), Trunks: []sip.TrunkState{}}
			if e.sip != nil {
				links.Trunks, links.Calls = e.sip.Trunks(), e.sip.ActiveCalls()
			}
			return links
		},
	}
}

func (e *edge) smppAddrs() []net.Addr { return e.smpp.Addrs() }

func (e *edge) sipAddrs() []netip.AddrPort {
	if e.sip == nil {
		return nil
	}
	return e.sip.Addrs()
}
