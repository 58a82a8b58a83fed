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
	events    *events.Events
	endpoints *webhook.Endpoints
}

// newEvents comes after the store and before what tells.
func (e *edge) newEvents() (err error) {
	cfg := &e.cfg.API.Webhooks
	e.told.sender = webhook.NewSender(webhook.SenderConfig{AllowPrivate: cfg.AllowPrivate, Timeout: cfg.Timeout}, time.Now)
	e.told.engine, err = webhook.NewEngine(webhookConfig(e.cfg), e.store, e.told.sender, time.Now, e.log.Named("webhooks"), e.metrics)
	if err != nil {
		return fmt.Errorf("making the webhooks: %w", err)
	}
	e.told.hub = &events.Hub{Waker: e.told.engine}
	if e.told.hub.Notes, err = events.NewNotes(e.store, e.told.hub.Told, time.Now, e.log.Named("events"), e.metrics); err != nil {
		return fmt.Errorf("making the events: %w", err)
	}
	if e.told.events, err = events.NewEvents(events.Config{}, e.store, e.told.hub, e.metrics); err != nil {
		return fmt.Errorf("making the events: %w", err)
	}
	e.told.endpoints = &webhook.Endpoints{
		Store: e.store, Sender: e.told.sender, Tenant: func(name string) bool { return e.bindings.hasTenant(name) },
		Changed: e.told.engine.Changed, Now: time.Now,
	}
	return nil
}

// webhookConfig names this process for the leases: a node's name may be that of
// another one by mistake.
func webhookConfig(cfg *configs.Config) webhook.Config {
	var ids numberdb.IDs
	return webhook.Config{
		Holder:      string(cfg.Node) + " " + ids.Next(time.Now()).Text(""),
		Concurrency: cfg.API.Webhooks.Concurrency, Timeout: cfg.API.Webhooks.Timeout, Keep: cfg.API.Webhooks.Keep,
	}
}

// run starts what writes and delivers.
func (t *eventing) run(ctx context.Context, e *edge, back *group, stop context.CancelCauseFunc) {
	back.start("events", stop, func() error { return t.hub.Notes.Run(ctx) })
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

// watchStates tells of carriers that come and go, and of pools that will be
// exhausted soon.
func (e *edge) watchStates(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	up := map[string]bool{}
	var pools time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e.tellCarriers(up)
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

// tellCarriers compares with what was seen before; what is seen first is no change.
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
)

type abuseTold struct {
	Key string `json:"key"`
}

// abuse tells a tenant what one of its keys is held for.
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
