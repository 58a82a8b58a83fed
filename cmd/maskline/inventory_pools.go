package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"maskline/api"
	"maskline/api/problem"
	"maskline/configs"
	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

func noPool(name string) error {
	return &api.Problem{Problem: fmt.Sprintf("there is no pool %q; pools list shows all, pools create makes one", name), Code: api.CodeNotFound}
}

// poolDesk is the pools of an inventory in the words of the API.
type poolDesk struct{ *inventory }

// Pools gives all with their masks by state.
func (d poolDesk) Pools(ctx context.Context) ([]api.Pool, error) {
	if err := d.Ready(ctx); err != nil {
		return nil, err
	}
	masks, health := map[string]map[string]int{}, map[string]*api.PoolHealth{}
	for _, m := range d.Masks("*") {
		if masks[m.Pool] == nil {
			masks[m.Pool] = map[string]int{}
		}
		masks[m.Pool][m.State.String()]++
	}
	if d.report != nil {
		report := d.report()
		for i := range report.Pools {
			health[report.Pools[i].Name] = healthOf(&report.Pools[i])
		}
	}
	list := []api.Pool{}
	for _, p := range d.stock.Pools() {
		pool := poolOf(&p)
		if of := masks[p.Name]; of != nil {
			pool.Masks = of
		}
		pool.Health = health[p.Name]
		list = append(list, pool)
	}
	return list, nil
}

func poolOf(p *numberdb.Pool) api.Pool {
	policy := &p.Policy
	return api.Pool{
		Name: p.Name, Tenant: p.Tenant, Selection: policy.Selection.String(), Quarantine: api.Duration(policy.Quarantine),
		Parties: policy.Parties, TTL: api.Duration(policy.TTL), MinTTL: api.Duration(policy.MinTTL), MaxTTL: api.Duration(policy.MaxTTL),
		IdleTTL: api.Duration(policy.IdleTTL), MaxUses: policy.MaxUses, Second: policy.Second, Masks: map[string]int{},
	}
}

func healthOf(r *allocator.PoolReport) *api.PoolHealth {
	h := &api.PoolHealth{
		Live: r.Live, Kept: r.Kept, Public: r.Public, LoadMin: r.LoadMin, LoadAvg: math.Round(100*r.LoadAvg) / 100, LoadMax: r.LoadMax,
		Need: r.Need, Reuse: api.Duration(r.Reuse.Round(time.Second)), Exhausted: map[string]int{},
	}
	if !math.IsNaN(r.Days) && !math.IsInf(r.Days, 0) {
		h.Days = &r.Days
	}
	for reason, count := range r.Exhausted {
		if reason > 0 && count > 0 {
			h.Exhausted[allocator.Reason(reason).String()] = count
		}
	}
	return h
}

// SetPool makes a pool, or changes one.
func (d poolDesk) SetPool(ctx context.Context, c api.PoolChange) (api.Pool, error) {
	if err := d.Ready(ctx); err != nil {
		return api.Pool{}, err
	}
	pools := d.stock.Pools()
	at := slices.IndexFunc(pools, func(p numberdb.Pool) bool { return p.Name == c.Name })
	p := numberdb.Pool{Name: c.Name}
	switch {
	case c.New && (!configs.IsName(c.Name) || c.Name == "own" || c.Name == "any"): // which carriers[].present could not say
		return api.Pool{}, bad("name", "name: expected up to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit, "+
			"with a letter among them, and neither own nor any")
	case c.New && at >= 0:
		return api.Pool{}, &wrong{
			field: "name", code: problem.ValidationFailed, says: fmt.Sprintf("there is a pool %q already; pools set changes it", c.Name),
			web: "expected one that no pool has",
		}
	case !c.New && at < 0:
		return api.Pool{}, noPool(c.Name)
	case at >= 0:
		p = pools[at]
	}
	if err := change(&p, &c); err != nil {
		return api.Pool{}, err
	}
	if p.Tenant != "" && !d.bindings.hasTenant(p.Tenant) {
		return api.Pool{}, bad("tenant", "tenant: expected one that is configured")
	}
	if err := p.Check(); err != nil {
		return api.Pool{}, bad("", err.Error()) // it names the field and no value
	}
	if err := d.PutPools(ctx, []numberdb.Pool{p}); err != nil {
		return api.Pool{}, err
	}
	return poolOf(&p), nil
}

// change sets what c names.
func change(p *numberdb.Pool, c *api.PoolChange) (err error) {
	policy := &p.Policy
	for _, d := range []struct {
		to   *time.Duration
		from *api.Duration
	}{
		{&policy.Quarantine, c.Quarantine},
		{&policy.TTL, c.TTL},
		{&policy.MinTTL, c.MinTTL},
		{&policy.MaxTTL, c.MaxTTL},
		{&policy.IdleTTL, c.IdleTTL},
	} {
		if d.from != nil {
			*d.to = time.Duration(*d.from)
		}
	}
	p.Tenant = *cmp.Or(c.Tenant, &p.Tenant)
	policy.Parties = *cmp.Or(c.Parties, &policy.Parties)
	policy.MaxUses = *cmp.Or(c.MaxUses, &policy.MaxUses)
	policy.Second = *cmp.Or(c.Second, &policy.Second)
	if c.Selection != nil {
		policy.Selection, err = numberdb.ParseSelection(*c.Selection)
		if err != nil {
			err = bad("selection", "selection: expected rotate, prefer-sticky, avoid-sticky or pinned")
		}
	}
	return err
}

// RemovePool deletes a pool without masks.
func (d poolDesk) RemovePool(ctx context.Context, name string) error {
	if err := d.Ready(ctx); err != nil {
		return err
	}
	if !slices.ContainsFunc(d.stock.Pools(), func(p numberdb.Pool) bool { return p.Name == name }) {
		return noPool(name)
	}
	err := d.inventory.RemovePool(ctx, name)
	if errors.Is(err, numberdb.ErrPoolInUse) {
		return &wrong{
			code: problem.CapabilityUnavailable, says: fmt.Sprintf("pool %q still has masks; move them to another with numbers import first", name),
			web: "the pool still has masks; move them to another first",
		}
	}
	return problemOf(err)
}
