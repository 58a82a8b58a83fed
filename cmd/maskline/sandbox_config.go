package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"maskline/configs"
	"maskline/numberdb"
)

// sandboxCarriers are the simulated ones, in the order in which they are tried.
var sandboxCarriers = [...]string{"sandbox-1", "sandbox-2"}

const sandboxText = `
data_dir: %q
drain: {sms: 1s, calls: 0s}
tenants: [{name: %q}]
smpp: {answer_within: 5s}
sip: {listen: [{addr: "udp://127.0.0.1:0"}]}
media: {addr: 127.0.0.1, backend: portable}
routing: {breaker: {min: 1000000}}
carriers:
`

const sandboxCarrierText = `
  - name: %s
    priority: %d
    smpp:
      - {addr: %q, system_id: sandbox, password: %q, response_timeout: 2s, reconnect: {min: 20ms, max: 200ms, per_minute: 0}}
    sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], first_response: 2s, trying: 2s, ring: 3s, probe: {every: 0s}}]
`

// sandboxConfig is the configuration of a tenant's sandbox: its own, and of the live
// one what is a rule. Nothing by which anybody could be reached is taken over.
func sandboxConfig(live *configs.Config, dir string, box *sandboxed, password string) (*configs.Config, error) {
	at := slices.IndexFunc(live.Tenants, func(t configs.Tenant) bool { return string(t.Name) == box.tenant })
	if at < 0 {
		return nil, errNoTenantOfSandbox
	}
	text := fmt.Sprintf(sandboxText, dir, box.tenant)
	for i, n := range box.networks {
		text += fmt.Sprintf(sandboxCarrierText, sandboxCarriers[i], i, n.Addr(), password, box.phones[i].Addr())
	}
	cfg, err := configs.Parse("sandbox.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		return nil, fmt.Errorf("configuring a sandbox: %w", err)
	}
	cfg.Node, cfg.Tenants, cfg.Lifecycle = live.Node, []configs.Tenant{live.Tenants[at]}, live.Lifecycle
	cfg.Media.Ports = live.Sandbox.Ports
	own, theirs := &cfg.API, &live.API
	own.Limits, own.Abuse, own.Webhooks = theirs.Limits, theirs.Abuse, theirs.Webhooks
	own.Destinations, own.Regions = theirs.Destinations, theirs.Regions
	r, of := &cfg.Routing, &live.Routing
	r.Rules, r.OptOut, r.MaxOptOuts, r.Loop = of.Rules, of.OptOut, of.MaxOptOuts, of.Loop
	r.UnknownMask.SMS, r.OutOfSession.SMS, r.EndedSession.SMS = of.UnknownMask.SMS, of.OutOfSession.SMS, of.EndedSession.SMS
	r.Emergency.Numbers, r.ThirdPartyCodes, r.OwnCodes = of.Emergency.Numbers, of.ThirdPartyCodes, of.OwnCodes
	return cfg, nil
}

var errNoTenantOfSandbox = errors.New("the tenant of the sandbox is not configured any more")

const (
	sandboxPool     = "sandbox"
	masksEach       = 20 // of each country in a pool
	sandboxMasksWhy = "stock of the sandbox"
)

// stock gives the sandbox the pools of its tenant that it does not have yet, and one
// with masks of all countries.
func (b *sandboxed) stock(ctx context.Context) error {
	has := map[string]bool{}
	for _, p := range b.edge.sessions.Pools() {
		has[p.Name] = true
	}
	used := map[string]int{} // masks by country
	for _, m := range b.edge.sessions.Masks("*") {
		used[m.Country]++
	}
	now := b.clock.Now().UTC().Truncate(time.Microsecond)
	var pools []numberdb.Pool
	var masks []numberdb.Mask
	for _, p := range append(b.live.sessions.Pools(), numberdb.Pool{Name: sandboxPool}) {
		if has[p.Name] || p.Tenant != "" && p.Tenant != b.tenant {
			continue
		}
		has[p.Name] = true
		pools = append(pools, p)
		for _, country := range b.countries(p.Name) {
			for i, n := range b.ranges.Masks(country, used[country], masksEach) {
				m := numberdb.Mask{Number: n, Pool: p.Name, Country: country, Services: numberdb.SMS | numberdb.Voice, Since: now}
				if p.Policy.Second {
					m.Carrier = sandboxCarriers[i%len(sandboxCarriers)]
				}
				masks = append(masks, m)
				used[country]++
			}
		}
	}
	if len(pools) == 0 {
		return nil
	}
	ctx = numberdb.WithActor(ctx, sandboxPool)
	if err := b.edge.sessions.PutPools(ctx, pools); err != nil {
		return fmt.Errorf("making the pools of a sandbox: %w", err)
	}
	if err := b.edge.sessions.ShelveMasks(ctx, masks, sandboxMasksWhy, sandboxPool); err != nil {
		return fmt.Errorf("stocking a sandbox: %w", err)
	}
	return nil
}

// countries are those of a live pool's masks, where numbers are kept for fiction.
func (b *sandboxed) countries(pool string) (some []string) {
	all := b.ranges.Countries()
	if pool == sandboxPool {
		return all
	}
	of := map[string]bool{}
	for _, m := range b.live.sessions.Masks(pool) {
		of[strings.ToUpper(m.Country)] = true
	}
	for _, country := range all {
		if of[country] {
			some = append(some, country)
		}
	}
	if len(some) == 0 {
		return all[:1]
	}
	return some
}
