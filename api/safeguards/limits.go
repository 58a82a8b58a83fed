package safeguards

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"maskline/api/auth"
	"maskline/api/guard"
	"maskline/api/rest"
	"maskline/numberdb"
)

// Limits counts requests, and is the resource /v1/limits.
type Limits struct {
	Guard *guard.Guard
	Live  *guard.Live // nil: nobody has a quota
	Rules func() *guard.Rules

	held atomic.Int64 // refusals that wait
}

// Middleware counts a request that has been recognised, and names its key as the
// actor of what it changes. It comes after the one that recognises keys.
func (l *Limits) Middleware(ctx huma.Context, next func(huma.Context)) {
	who := auth.From(ctx.Context())
	if who.Key == "" { // an operation that needs no key
		next(ctx)
		return
	}
	_, w := humago.Unwrap(ctx)
	admission, err := l.Guard.Admit(whoOf(who))
	fields(w.Header(), admission.Policies)
	if err != nil {
		l.hold(ctx.Context(), err)
		rest.Refuse(ctx, Problem(err))
		return
	}
	if rest.Streams(ctx.Operation()) { // it would be under way for hours
		admission.Done()
	} else {
		defer admission.Done()
	}
	next(huma.WithContext(ctx, numberdb.WithActor(ctx.Context(), who.Key)))
}

// Admit counts a request of somebody whom its handler has recognised.
func (l *Limits) Admit(who auth.Identity) error {
	admission, err := l.Guard.Admit(whoOf(who))
	if err != nil {
		return Problem(err)
	}
	admission.Done()
	return nil
}

// A refusal is answered a little later, so that who does not heed Retry-After spends
// its time and not ours: a refusal costs a third of a request. Where very many wait,
// further ones are answered at once.
const (
	holdFor  = 250 * time.Millisecond
	mostHeld = 1024
)

func (l *Limits) hold(ctx context.Context, err error) {
	var r *guard.Refusal
	if !errors.As(err, &r) || r.RetryAfter == 0 {
		return
	}
	defer l.held.Add(-1)
	if l.held.Add(1) > mostHeld {
		return
	}
	timer := time.NewTimer(holdFor) // Retry-After says a second at least
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// fields are those of draft-ietf-httpapi-ratelimit-headers: each policy with its quota
// in a window of a second, and what is left of it.
func fields(h http.Header, policies []guard.Policy) {
	var of, left []string
	for _, p := range policies {
		of = append(of, fmt.Sprintf("%q;q=%d;w=1", p.Name, p.Quota))
		left = append(left, fmt.Sprintf("%q;r=%d;t=%d", p.Name, p.Remaining, int(math.Ceil(p.Reset.Seconds()))))
	}
	if len(of) > 0 {
		h.Set("RateLimit-Policy", strings.Join(of, ", "))
		h.Set("RateLimit", strings.Join(left, ", "))
	}
}

// Limit is the answer of /v1/limits.
type Limit struct {
	Key        string       `json:"key" doc:"The key that asks."`
	Tenant     string       `json:"tenant,omitempty" doc:"Whose it is; none: the operator's own."`
	RPS        int          `json:"rps,omitempty" doc:"Requests per second of the key; none: no limit."`
	TenantRPS  int          `json:"tenant_rps,omitempty" doc:"Requests per second of all keys of the tenant; none: no limit."`
	Inflight   int          `json:"tenant_inflight,omitempty" doc:"Requests under way of all keys of the tenant; none: no limit."`
	Sessions   Quota        `json:"sessions" doc:"Live sessions, leases among them."`
	Masks      Quota        `json:"masks" doc:"Masks that nobody else has meanwhile: of live leases and public sessions."`
	Regions    []string     `json:"regions" nullable:"false" doc:"Countries that participants may be of; none: all."`
	Consents   bool         `json:"consents_required" doc:"Whether participants need a consent."`
	Score      int          `json:"score" doc:"Points of what the key did in the last hour."`
	Because    []ScorePoint `json:"because" nullable:"false" doc:"What the points are for."`
	ThrottleAt int          `json:"throttle_at,omitempty" doc:"Points from which the key is throttled; none: never."`
	StepUpAt   int          `json:"step_up_at,omitempty" doc:"Points from which nothing new is given out; none: never."`
	SuspendAt  int          `json:"suspend_at,omitempty" doc:"Points from which the key is suspended; none: never."`
}

// Quota is what a tenant may have and has.
type Quota struct {
	Limit int  `json:"limit,omitempty" doc:"The most; none: no limit."`
	Used  *int `json:"used,omitempty" doc:"What it has, where there is a limit."`
}

// ScorePoint is what one rule adds to a score.
type ScorePoint struct {
	Rule   string `json:"rule" doc:"The rule."`
	Points int    `json:"points" doc:"What it adds."`
	Count  int    `json:"count" doc:"What it counted in the last hour."`
	Limit  int    `json:"limit" doc:"What passes without points."`
}

// Register adds the operation.
func (l *Limits) Register(api huma.API) {
	rest.Register(api, rest.Operation{
		ID: "getLimits", Method: http.MethodGet, Path: "/v1/limits", Summary: "Read the limits of the key that asks, and what is held against it", Tag: "limits",
	}, l.get)
}

func (l *Limits) get(ctx context.Context, _ *struct{}) (*rest.Answer[Limit], error) {
	who := auth.From(ctx)
	rules := l.Rules()
	own, score := rules.Tenants[who.Tenant], l.Guard.Score(whoOf(who))
	limits := rules.TenantLimits(who.Tenant)
	out := Limit{
		Key: who.Key, Tenant: who.Tenant, RPS: rules.Rate, TenantRPS: limits.Rate, Inflight: limits.Inflight, Sessions: Quota{Limit: own.Sessions}, Masks: Quota{Limit: own.Masks},
		Regions: append([]string{}, own.Regions...), Consents: own.Consent, Score: score.Points, Because: []ScorePoint{},
		ThrottleAt: rules.Score.Throttle, StepUpAt: rules.Score.StepUp, SuspendAt: rules.Score.Suspend,
	}
	if len(own.Regions) == 0 {
		out.Regions = append(out.Regions, rules.Regions...)
	}
	if who.Tenant == "" {
		out.TenantRPS, out.Inflight = 0, 0
	}
	for _, p := range score.Why {
		out.Because = append(out.Because, ScorePoint(p))
	}
	if l.Live != nil && (own.Sessions > 0 || own.Masks > 0) {
		sessions, masks := l.Live.Has(who.Tenant)
		out.Sessions.Used, out.Masks.Used = &sessions, &masks
	}
	return rest.Answering(out), nil
}

// readTime bounds reading for a check.
const readTime = 5 * time.Second
