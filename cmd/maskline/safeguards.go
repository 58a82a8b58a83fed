package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"maskline/api/guard"
	"maskline/api/rest"
	"maskline/api/safeguards"
	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
)

// protection is what keeps the edge from being misused, and the audit.
type protection struct {
	guard    *guard.Guard
	live     *guard.Live
	rules    atomic.Pointer[guard.Rules]
	auditor  *numberdb.Auditor
	records  *ledgerOfChanges
	alarms   *alarms
	screened screenMetrics
	consents *safeguards.Consents
	masks    guard.Masks
	limits   *safeguards.Limits
}

// newProtection makes it over the store and the table.
func (e *edge) newProtection() (err error) {
	p := &protection{
		live: guard.NewLive(e.table.Each), masks: allMasks{e},
		records: e.changes,
	}
	p.alarms = newAlarms(p.records, e.log.Named("guard"))
	if p.screened, err = newScreenMetrics(e.metrics); err != nil {
		return fmt.Errorf("registering metrics of codes: %w", err)
	}
	rules, err := p.prepare(e.cfg)
	if err != nil {
		return err
	}
	p.consents = &safeguards.Consents{
		Store: e.store, Attempts: e.store, Commit: p.records, Tenant: e.bindings.hasTenant, Now: e.now, IDs: &numberdb.IDs{},
	}
	cfg := guard.Config{Quotas: p.live, Consents: p.consents, Alarm: p.alarms, Clock: e.now}
	if p.guard, err = guard.New(cfg, rules, e.log.Named("guard"), e.metrics); err != nil {
		return fmt.Errorf("making the guard: %w", err)
	}
	p.consents.Guard = p.guard
	p.use(rules)
	end := endFile(string(e.cfg.DataDir))
	if p.auditor, err = numberdb.NewAuditor(e.store, end.Keep, e.log.Named("audit"), e.metrics); err != nil {
		return fmt.Errorf("making the auditor: %w", err)
	}
	e.protection = p
	return nil
}

// allMasks are those in bindings and those in stock.
type allMasks struct{ edge *edge }

// IsMask takes no lock.
func (m allMasks) IsMask(n e164.Number) bool {
	_, stocked := m.edge.sessions.Mask(n)
	return stocked || m.edge.table.IsMask(n)
}

// start runs what it needs until ctx ends.
func (p *protection) start(ctx context.Context, run *group, stop context.CancelCauseFunc) {
	run.start("the audit", stop, func() error { return p.auditor.Run(ctx) })
	run.start("quotas", stop, func() error { p.live.Run(ctx, p.withQuotas); return nil })
	run.start("alarms", stop, func() error { p.alarms.run(ctx); return nil })
}

// prepare reads the rules of a configuration and the file that it names.
func (p *protection) prepare(cfg *configs.Config) (*guard.Rules, error) {
	rules := guardRules(cfg)
	rules.Masks = p.masks
	standard, err := guard.StandardDestinations()
	if err != nil {
		return nil, fmt.Errorf("reading the denied ranges: %w", err)
	}
	lists := [][]guard.Destination{standard}
	if cfg.API.Destinations != "" {
		file, err := os.Open(string(cfg.API.Destinations))
		if err != nil {
			return nil, fmt.Errorf("api.destinations: %w", err)
		}
		own, err := guard.ReadDestinations(file)
		_ = file.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("api.destinations: %w", err)
		}
		lists = append(lists, own)
	}
	rules.Destinations = guard.NewDestinations(lists...)
	return rules, nil
}

// use decides by rules from now on.
func (p *protection) use(rules *guard.Rules) {
	p.rules.Store(rules)
	p.guard.SetRules(rules)
}

// withQuotas are the tenants whose sessions are counted.
func (p *protection) withQuotas() (names []string) {
	for name, t := range p.rules.Load().Tenants {
		if t.Sessions > 0 || t.Masks > 0 {
			names = append(names, name)
		}
	}
	return names
}

// guardRules is what the configuration says, without what other files do.
func guardRules(cfg *configs.Config) *guard.Rules {
	limits, abuse, emergency := &cfg.API.Limits, &cfg.API.Abuse, emergencyStrings(cfg)
	r := &guard.Rules{
		Rate: limits.RPS, Default: guard.TenantLimits{Rate: limits.TenantRPS, Inflight: limits.TenantInflight}, Tenants: map[string]guard.TenantRules{},
		Regions: texts(cfg.API.Regions), Emergency: func(digits string) bool { return emergency[digits] },
		Score: guard.ScoreConfig{
			Allocations: abuse.Allocations, Leases: abuse.Leases, Rotations: abuse.Rotations, Countries: abuse.Countries, Neighbours: abuse.Sequential,
			RefusedRange: abuse.Denied, Throttle: abuse.Throttle, StepUp: abuse.StepUp, Suspend: abuse.Suspend, Slow: abuse.Slow,
		},
	}
	for i := range cfg.Tenants {
		t := &cfg.Tenants[i]
		r.Tenants[string(t.Name)] = guard.TenantRules{
			TenantLimits: guard.TenantLimits{Rate: t.RPS, Inflight: t.Inflight}, Sessions: t.Sessions, Masks: t.Masks, Regions: texts(t.Regions), Consent: t.Consents,
		}
	}
	return r
}

// register adds the counting of requests and the resources. It comes before all other
// resources: what is registered earlier is not counted.
func (p *protection) register(a *rest.API) {
	p.limits = &safeguards.Limits{Guard: p.guard, Live: p.live, Rules: p.rules.Load}
	a.UseMiddleware(p.limits.Middleware)
	for _, resource := range []interface{ Register(api huma.API) }{
		p.limits, p.consents, &safeguards.Audit{Store: p.records.store},
	} {
		resource.Register(a)
	}
}

// desk is a desk of sessions whose requests are judged first.
func (p *protection) desk(of rest.SessionDesk) rest.SessionDesk {
	return &safeguards.Desk{SessionDesk: of, Guard: p.guard, Live: p.live, Attempts: p.records.store, Now: p.records.now}
}

// alarms hears of abuse: it goes to the audit, and a key is suspended.
type alarms struct {
	records *ledgerOfChanges
	log     *zap.Logger
	queue   chan alarm
	// suspend suspends a key by its id. Nil: there are no keys.
	suspend func(ctx context.Context, key string) error
	// tell tells the key's tenant. Nil: nobody.
	tell func(tenant, kind, key string)

	mu   sync.Mutex
	told map[e164.Number]time.Time // masks at which codes were met
}

type alarm struct {
	who       guard.Who
	score     guard.Score
	suspended bool
	mask      e164.Number // at which a code of others was met; none: it is about a key
}

const (
	// toldMasks bounds the masks that are remembered as told.
	toldMasks = 1024
	tellAgain = time.Hour

	alarmQueue = 256
	alarmTime  = 10 * time.Second // also for all that wait at the end
	alarmAgain = time.Second
)

func newAlarms(records *ledgerOfChanges, log *zap.Logger) *alarms {
	return &alarms{records: records, log: log, queue: make(chan alarm, alarmQueue), told: map[e164.Number]time.Time{}}
}

// Detected takes it in.
func (a *alarms) Detected(who guard.Who, s guard.Score) { a.put(alarm{who: who, score: s}) }

// Suspended takes it in.
func (a *alarms) Suspended(who guard.Who, s guard.Score) {
	a.put(alarm{who: who, score: s, suspended: true})
}

// thirdParty hears of a code of others at a leased mask, and tells of it once an hour.
func (a *alarms) thirdParty(tenant string, mask e164.Number) {
	now := time.Now()
	a.mu.Lock()
	told := now.Sub(a.told[mask]) < tellAgain
	if !told {
		if len(a.told) >= toldMasks {
			clear(a.told)
		}
		a.told[mask] = now
	}
	a.mu.Unlock()
	if !told {
		a.put(alarm{who: guard.Who{Tenant: tenant}, mask: mask})
	}
}

func (a *alarms) put(one alarm) {
	select {
	case a.queue <- one:
	default:
		a.log.Error("too many alarms at once; one is not in the audit", zap.String("key", one.who.Key), zap.Bool("suspended", one.suspended))
	}
}

// run acts until ctx ends, and then on what still waits. What the store does not take is
// tried again after the others: the guard tells of a suspension once.
func (a *alarms) run(ctx context.Context) {
	failing := false
	for {
		select {
		case <-ctx.Done():
			a.finish(ctx)
			return
		case one := <-a.queue:
			err := a.act(ctx, one)
			if err != nil {
				a.put(one)
			}
			if err != nil && !failing && ctx.Err() == nil {
				a.log.Error("could not act on abuse by a key; trying on", zap.String("key", one.who.Key), zap.Bool("suspended", one.suspended), zap.Error(err))
			}
			if failing = err != nil; failing {
				select {
				case <-ctx.Done():
				case <-time.After(alarmAgain):
				}
			}
		}
	}
}

// finish acts once on each that waits: scores do not outlive the edge, so a key that is
// not suspended now would be good again.
func (a *alarms) finish(ctx context.Context) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), alarmTime)
	defer cancel()
	for range len(a.queue) {
		if one := <-a.queue; a.act(last, one) != nil {
			a.log.Error("the edge ends before it could act on abuse by a key", zap.String("key", one.who.Key), zap.Bool("suspended", one.suspended))
		}
	}
}

// act suspends first: that is what counts.
func (a *alarms) act(ctx context.Context, one alarm) error {
	ctx, cancel := context.WithTimeout(ctx, alarmTime)
	defer cancel()
	if one.suspended && a.suspend != nil {
		if err := a.suspend(ctx, one.who.Key); err != nil {
			return fmt.Errorf("suspending the key: %w", err)
		}
	}
	what, subject, detail := one.told()
	err := a.records.Note(ctx, one.who.Tenant, what, subject, detail)
	if err == nil && a.tell != nil {
		a.tell(one.who.Tenant, what, one.who.Key)
	}
	return err
}

// told is what the audit says of an alarm.
func (one *alarm) told() (what, subject, detail string) {
	if one.mask != 0 {
		return abuseThirdParty, one.mask.Reveal(), "a one-time code of somebody else's service came to a leased mask"
	}
	what = abuseDetected
	if one.suspended {
		what = abuseSuspended
	}
	var why []string
	for _, p := range one.score.Why {
		why = append(why, fmt.Sprintf("%s %d of %d", p.Rule, p.Count, p.Limit))
	}
	return what, one.who.Key, fmt.Sprintf("%d points: %s", one.score.Points, strings.Join(why, ", "))
}
