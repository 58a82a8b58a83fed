package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"maskline/api/events"
	"maskline/api/webhook"
	"maskline/configs"
	"maskline/numberdb"
	"maskline/routing"
	"maskline/sip"
)

// eventing is what tells tenants what has happened: the hub that others tell, what
// writes behind, and what delivers.
type eventing struct {
	hub       *events.Hub
	engine    *webhook.Engine
	sender    *webhook.Sender
	traffic   *events.Traffic
	events    *events.Events
	endpoints *webhook.Endpoints
}

// newEvents comes after the store and before what tells.
func (e *edge) newEvents() (err error) {
	cfg, mode := &e.cfg.API.Webhooks, webhook.Mode(e.inside != nil)
	engine := webhookConfig(e.cfg)
	engine.Mode = mode
	e.told.sender = webhook.NewSender(webhook.SenderConfig{AllowPrivate: cfg.AllowPrivate, Timeout: cfg.Timeout}, time.Now)
	e.told.engine, err = webhook.NewEngine(engine, e.store, e.told.sender, time.Now, e.log.Named("webhooks"), e.metrics)
	if err != nil {
		return fmt.Errorf("making the webhooks: %w", err)
	}
	e.told.hub = &events.Hub{Waker: e.told.engine}
	if e.told.hub.Notes, err = events.NewNotes(e.store, e.told.hub.Told, e.now, e.log.Named("events"), e.metrics); err != nil {
		return fmt.Errorf("making the events: %w", err)
	}
	e.told.traffic = events.NewTraffic(e.store, e.told.hub.Notes, e.log.Named("events"))
	if e.told.events, err = events.NewEvents(events.Config{Lives: e.keyLives, Traffic: e.told.traffic, Mode: mode}, e.store, e.told.hub, e.metrics); err != nil {
		return fmt.Errorf("making the events: %w", err)
	}
	e.told.endpoints = &webhook.Endpoints{
		Store: e.store, Sender: e.told.sender, Tenant: func(name string) bool { return e.bindings.hasTenant(name) },
		Changed: func() { e.told.engine.Changed(); e.told.traffic.Changed() }, Now: time.Now, Mode: mode,
	}
	return nil
}

// keyLives reports whether a key still lets its holder in; the keys are made later.
func (e *edge) keyLives(key string) bool { return e.keys.Lives(key) }

// webhookConfig names this process for the leases.
func webhookConfig(cfg *configs.Config) webhook.Config {
	return webhook.Config{
		Holder:      holder(cfg),
		Concurrency: cfg.API.Webhooks.Concurrency, Timeout: cfg.API.Webhooks.Timeout, Keep: cfg.API.Webhooks.Keep,
	}
}

// run starts what writes and delivers.
func (t *eventing) run(ctx context.Context, e *edge, back *group, stop context.CancelCauseFunc) {
	back.start("events", stop, func() error { return t.hub.Notes.Run(ctx) })
	back.start("what events are wanted", stop, func() error { return t.traffic.Run(ctx) })
	back.start("webhooks", stop, func() error {
		defer t.sender.Close()
		return t.engine.Run(ctx)
	})
	back.start("states that are told", stop, func() error { e.watchStates(ctx); return nil })
}

// note tells an event that belongs to no change. The data is words and names.
func (t *eventing) note(tenant, kind, once string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		return // not with structs of words
	}
	t.hub.Note(&numberdb.Event{Tenant: tenant, Type: kind, Once: once, Data: text})
}

const (
	watchEvery = time.Second
	poolsEvery = 5 * time.Minute
	poolLow    = 3 // days
)

// watchStates tells of carriers that come and go, of pools that will be exhausted
// soon, and of quotas that are nearly used up.
func (e *edge) watchStates(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	up, quotas := map[string]bool{}, map[string]quotaLevel{}
	var pools time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e.tellCarriers(up)
		e.tellQuotas(quotas, time.Now())
		if now := time.Now(); now.Sub(pools) >= poolsEvery {
			pools = now
			e.tellPools(now)
		}
	}
}

type carrierTold struct {
	Carrier string `json:"carrier"`
	Service string `json:"service"`
	Node    string `json:"node"`
}

// tellCarriers compares with what was seen before; one that is down when it is first
// seen has not changed.
func (e *edge) tellCarriers(up map[string]bool) {
	for _, c := range e.router.Carriers() {
		for _, service := range []routing.Service{routing.SMS, routing.Voice} {
			if !c.Services.Has(service) {
				continue
			}
			key, is := c.Name+" "+service.String(), c.Up(service)
			was, known := up[key]
			up[key] = is
			if known && was == is {
				continue
			}
			switch {
			case is:
				e.told.note("", "carrier.up", "", carrierTold{c.Name, service.String(), string(e.cfg.Node)})
			case known:
				e.told.note("", "carrier.down", "", carrierTold{c.Name, service.String(), string(e.cfg.Node)})
			}
		}
	}
}

type poolTold struct {
	Pool string  `json:"pool"`
	Days float64 `json:"days"`
}

// tellPools tells once a day of each pool that lasts for a few days by its trend.
func (e *edge) tellPools(now time.Time) {
	owners := map[string]string{}
	for _, p := range e.sessions.Pools() {
		owners[p.Name] = p.Tenant
	}
	report := e.sessions.Report()
	for i := range report.Pools {
		p := &report.Pools[i]
		if math.IsNaN(p.Days) || p.Days > poolLow {
			continue
		}
		e.told.note(owners[p.Name], "pool.low", "low "+p.Name+" "+now.UTC().Format(time.DateOnly), poolTold{p.Name, math.Round(p.Days*10) / 10})
	}
}

// quotaLevel is how far a quota is used.
type quotaLevel uint8

const (
	quotaFree    quotaLevel = iota
	quotaWarning            // four fifths
	quotaReached
)

type quotaTold struct {
	Quota string `json:"quota"` // sessions or masks
	Used  int    `json:"used"`
	Limit int    `json:"limit"`
}

// tellQuotas compares with what was seen before. Each is told once an hour, whichever
// edge sees it.
func (e *edge) tellQuotas(seen map[string]quotaLevel, now time.Time) {
	for name, t := range e.protection.rules.Load().Tenants {
		sessions, masks := e.protection.live.Has(name)
		for _, q := range []quotaTold{{"sessions", sessions, t.Sessions}, {"masks", masks, t.Masks}} {
			level := quotaFree
			switch {
			case q.Limit <= 0:
			case q.Used >= q.Limit:
				level = quotaReached
			case 5*q.Used >= 4*q.Limit:
				level = quotaWarning
			}
			key := name + " " + q.Quota
			before := seen[key]
			if seen[key] = level; level <= before {
				continue
			}
			kind := "quota.warning"
			if level == quotaReached {
				kind = "quota.reached"
			}
			e.told.note(name, kind, kind+" "+key+" "+now.UTC().Format("2006-01-02T15"), q)
		}
	}
}

type optOutTold struct {
	Scope string `json:"scope"` // contact or tenant
}

// optOut tells a tenant of an opt-out, without the party.
func (t *eventing) optOut(c *numberdb.RestrictionChange) {
	kind, scope := "optout.created", "contact"
	if c.Lifted {
		kind = "optout.removed"
	}
	if c.Peer == (numberdb.Endpoint{}) {
		scope = "tenant"
	}
	t.note(c.Tenant, kind, "", optOutTold{scope})
}

// What is told of keys that are held for abuse.
const (
	abuseDetected  = "abuse.detected"
	abuseSuspended = "abuse.suspended"
	// abuseThirdParty is of a leased mask.
	abuseThirdParty = "abuse.third_party_code"
)

type abuseTold struct {
	Key string `json:"key,omitempty"`
}

// abuse tells a tenant what one of its keys is held for; without a key, what has come
// to one of its leases.
func (t *eventing) abuse(tenant, kind, key string) { t.note(tenant, kind, "", abuseTold{key}) }

// calls tells of calls, and passes on their records.
type calls struct {
	records sip.Records // nil: none are kept
	told    *eventing
}

// Full is that of the records.
func (c calls) Full() bool { return c.records != nil && c.records.Full() }

type callTold struct {
	Call    string  `json:"call_id"`
	Seconds float64 `json:"seconds,omitempty"`
	EndedBy string  `json:"ended_by"`
	Reason  string  `json:"reason"`
}

// Add tells a tenant of the end of a call: answered or missed. Emergency calls are
// nobody's business.
func (c calls) Add(r *sip.Record) {
	if c.records != nil {
		c.records.Add(r)
	}
	if r.Emergency || r.Tenant == "" || r.Order != "" { // whoever ordered it tells
		return
	}
	kind, data := "call.missed", callTold{Call: r.ID, EndedBy: r.EndedBy.String(), Reason: r.Reason}
	if !r.Answered.IsZero() {
		kind, data.Seconds = "call.ended", math.Round(r.Ended.Sub(r.Answered).Seconds()*10)/10
	}
	c.told.note(r.Tenant, kind, "", data)
}
