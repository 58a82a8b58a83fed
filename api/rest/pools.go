package rest

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/problem"
)

// PoolDesk keeps the pools. Its errors are *problem.Error.
type PoolDesk interface {
	// Pools gives all in the order of names.
	Pools(ctx context.Context) ([]api.Pool, error)
	// SetPool makes or changes one and returns it as it is then.
	SetPool(ctx context.Context, c api.PoolChange) (api.Pool, error)
	// RemovePool deletes one without masks.
	RemovePool(ctx context.Context, name string) error
}

// Pools is the resource /v1/pools. A tenant sees its own, and of those that are
// everybody's the policy.
type Pools struct{ Desk PoolDesk }

// Register adds the operations.
func (p *Pools) Register(to huma.API) {
	at := func(id, method, path, summary string, scope auth.Scope, problems ...problem.Code) Operation {
		return Operation{ID: id, Method: method, Path: "/v1/pools" + path, Summary: summary, Tag: "pools", Scope: scope, Problems: problems}
	}
	Register(to, at("listPools", http.MethodGet, "", "List pools in the order of their names", auth.NumbersRead), p.list)
	Register(to, at("getPool", http.MethodGet, "/{name}", "Read a pool", auth.NumbersRead), p.get)
	health := at("getPoolHealth", http.MethodGet, "/{name}/health", "What a pool carries, and when it will be exhausted", auth.NumbersRead)
	health.Text = "As this edge sees it."
	Register(to, health, p.health)
	for _, op := range []Operation{
		at("createPool", http.MethodPost, "", "Make a pool", auth.NumbersWrite, problem.BindingConflict),
		at("changePool", http.MethodPatch, "/{name}", "Change what is named of a pool", auth.NumbersWrite),
		at("deletePool", http.MethodDelete, "/{name}", "Delete a pool without masks", auth.NumbersWrite, problem.CapabilityUnavailable),
	} {
		op.Operator = true
		switch op.Method {
		case http.MethodPost:
			op.Status = http.StatusCreated
			Register(to, op, p.create)
		case http.MethodPatch:
			Register(to, op, p.change)
		default:
			Register(to, op, p.remove)
		}
	}
}

// Pool is a pool as the API shows it. What is 0 is as configured.
type Pool struct {
	Name       string         `json:"name"`
	Tenant     string         `json:"tenant,omitempty" doc:"Who alone may use it; none: everybody."`
	Selection  string         `json:"selection" enum:"rotate,prefer-sticky,avoid-sticky,pinned"`
	Quarantine int64          `json:"quarantine" doc:"For so many seconds a mask that has ended for a person is kept from this person."`
	Parties    int            `json:"parties_per_mask" doc:"Most people with one mask at a time."`
	TTL        int64          `json:"ttl" doc:"Life in seconds of a session that names none."`
	MinTTL     int64          `json:"min_ttl"`
	MaxTTL     int64          `json:"max_ttl" doc:"Extensions included."`
	IdleTTL    int64          `json:"idle_ttl" doc:"A session ends after so many seconds without contact; 0: never."`
	MaxUses    int            `json:"max_uses" doc:"A session ends after so many messages and calls; 0: never."`
	Second     bool           `json:"second" doc:"Each side also gets a mask that another carrier hosts."`
	Masks      map[string]int `json:"masks,omitempty" doc:"How many in which state; for who owns the pool."`
}

// PoolHealth is what an edge sees of a pool.
type PoolHealth struct {
	Live      int            `json:"live" doc:"People with a mask of it."`
	Kept      int            `json:"kept" doc:"People from whom a mask is kept for a time."`
	Public    int            `json:"public" doc:"Masks that everybody may dial."`
	LoadMin   int            `json:"load_min" doc:"People with one free mask: the fewest."`
	LoadAvg   float64        `json:"load_avg" doc:"On average."`
	LoadMax   int            `json:"load_max" doc:"The most."`
	Need      float64        `json:"need" doc:"Masks that were needed at most in this hour."`
	Days      *float64       `json:"days_to_exhaustion,omitempty" doc:"By the present trend; none: it will not be, or that is not known."`
	Reuse     int64          `json:"reuse_distance,omitempty" doc:"Seconds before a person got the same mask again, the shortest of late."`
	Exhausted map[string]int `json:"exhausted" doc:"Requests that got no mask, by reason."`
}

func poolOf(p *api.Pool, who *auth.Identity) Pool {
	out := Pool{
		Name: p.Name, Tenant: p.Tenant, Selection: p.Selection, Quarantine: secondsOf(p.Quarantine), Parties: p.Parties, TTL: secondsOf(p.TTL),
		MinTTL: secondsOf(p.MinTTL), MaxTTL: secondsOf(p.MaxTTL), IdleTTL: secondsOf(p.IdleTTL), MaxUses: p.MaxUses, Second: p.Second,
	}
	if owns(p, who) {
		out.Masks = p.Masks
	}
	return out
}

func secondsOf(d api.Duration) int64 { return int64(time.Duration(d) / time.Second) }

func owns(p *api.Pool, who *auth.Identity) bool { return who.Operator() || p.Tenant == who.Tenant }

// visible are the pools that the caller may use.
func (p *Pools) visible(ctx context.Context) ([]api.Pool, *auth.Identity, error) {
	who := auth.From(ctx)
	all, err := p.Desk.Pools(ctx)
	if err != nil {
		return nil, nil, err
	}
	return slices.DeleteFunc(all, func(x api.Pool) bool { return x.Tenant != "" && !owns(&x, &who) }), &who, nil
}

// named is one of them.
func (p *Pools) named(ctx context.Context, name string) (*api.Pool, *auth.Identity, error) {
	all, who, err := p.visible(ctx)
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(all, func(x api.Pool) bool { return x.Name == name })
	if at < 0 {
		return nil, nil, problem.New(problem.NotFound)
	}
	return &all[at], who, nil
}

func (p *Pools) list(ctx context.Context, in *Page) (*Answer[List[Pool]], error) {
	after, err := in.After()
	if err != nil {
		return nil, err
	}
	all, who, err := p.visible(ctx)
	if err != nil {
		return nil, err
	}
	return Answering(cut(all, in.Limit, func(pool *api.Pool) bool { return pool.Name > after },
		func(pool *api.Pool) Pool { return poolOf(pool, who) }, func(pool *Pool) string { return pool.Name })), nil
}

// PoolName is the path of one pool.
type PoolName struct {
	Name string `path:"name" maxLength:"64" doc:"The pool."`
}

func (p *Pools) get(ctx context.Context, in *PoolName) (*Answer[Pool], error) {
	pool, who, err := p.named(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return Answering(poolOf(pool, who)), nil
}

func (p *Pools) health(ctx context.Context, in *PoolName) (*Answer[PoolHealth], error) {
	pool, who, err := p.named(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if pool.Health == nil || !owns(pool, who) { // what others do with it is not this tenant's
		return nil, problem.New(problem.NotFound)
	}
	h := pool.Health
	return Answering(PoolHealth{
		Live: h.Live, Kept: h.Kept, Public: h.Public, LoadMin: h.LoadMin, LoadAvg: h.LoadAvg, LoadMax: h.LoadMax, Need: h.Need, Days: h.Days,
		Reuse: secondsOf(h.Reuse), Exhausted: h.Exhausted,
	}), nil
}

// PoolPolicy is what a pool is told to do; what is not named stays.
type PoolPolicy struct {
	Tenant     *string `json:"tenant,omitempty" maxLength:"64" doc:"Who alone may use it; empty: everybody."`
	Selection  *string `json:"selection,omitempty" enum:"rotate,prefer-sticky,avoid-sticky,pinned"`
	Quarantine *int64  `json:"quarantine,omitempty" minimum:"0" maximum:"315360000" doc:"Seconds."`
	Parties    *int    `json:"parties_per_mask,omitempty" minimum:"0" maximum:"1000000"`
	TTL        *int64  `json:"ttl,omitempty" minimum:"0" maximum:"315360000" doc:"Seconds."`
	MinTTL     *int64  `json:"min_ttl,omitempty" minimum:"0" maximum:"315360000" doc:"Seconds."`
	MaxTTL     *int64  `json:"max_ttl,omitempty" minimum:"0" maximum:"315360000" doc:"Seconds."`
	IdleTTL    *int64  `json:"idle_ttl,omitempty" minimum:"0" maximum:"315360000" doc:"Seconds."`
	MaxUses    *int    `json:"max_uses,omitempty" minimum:"0" maximum:"1000000"`
	Second     *bool   `json:"second,omitempty"`
}

func (c *PoolPolicy) change(name string, isNew bool) api.PoolChange {
	spans := func(seconds *int64) *api.Duration {
		if seconds == nil {
			return nil
		}
		d := span(*seconds)
		return &d
	}
	return api.PoolChange{
		Name: name, New: isNew, Tenant: c.Tenant, Selection: c.Selection, Quarantine: spans(c.Quarantine), Parties: c.Parties, TTL: spans(c.TTL),
		MinTTL: spans(c.MinTTL), MaxTTL: spans(c.MaxTTL), IdleTTL: spans(c.IdleTTL), MaxUses: c.MaxUses, Second: c.Second,
	}
}

type createPoolInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"63" doc:"Letters, digits, dots, dashes and underscores."`
		PoolPolicy
	}
}

func (p *Pools) create(ctx context.Context, in *createPoolInput) (*Answer[Pool], error) {
	return p.set(ctx, in.Body.change(in.Body.Name, true))
}

type changePoolInput struct {
	PoolName
	Body PoolPolicy
}

func (p *Pools) change(ctx context.Context, in *changePoolInput) (*Answer[Pool], error) {
	if _, _, err := p.named(ctx, in.Name); err != nil {
		return nil, err
	}
	return p.set(ctx, in.Body.change(in.Name, false))
}

func (p *Pools) set(ctx context.Context, c api.PoolChange) (*Answer[Pool], error) {
	pool, err := p.Desk.SetPool(ctx, c)
	if err != nil {
		return nil, err
	}
	who := auth.From(ctx)
	out := poolOf(&pool, &who)
	out.Masks = nil // it was not counted
	return Answering(out), nil
}

func (p *Pools) remove(ctx context.Context, in *PoolName) (*struct{}, error) {
	if _, _, err := p.named(ctx, in.Name); err != nil {
		return nil, err
	}
	return nil, p.Desk.RemovePool(ctx, in.Name)
}
