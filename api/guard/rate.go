package guard

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// Policy is a limit that a request was counted against.
type Policy struct {
	Name      string // key or tenant
	Quota     int    // requests in a second
	Remaining int
	Reset     time.Duration // until the whole quota is there again
}

// Admission is a request that was let in.
type Admission struct {
	Policies []Policy
	done     func()
}

// Done tells that the request has been answered.
func (a *Admission) Done() {
	if a.done != nil {
		a.done()
	}
}

// bucket is the requests of one key or tenant: so many a second, and as many at once
// as a second has.
type bucket struct {
	limiter *rate.Limiter // nil: no limit
	limit   int
}

// take counts a request. Where there is no room it tells when there is.
func (b *bucket) take(limit int, now time.Time) (p Policy, wait time.Duration) {
	if limit <= 0 {
		b.limiter, b.limit = nil, 0
		return p, 0
	}
	switch {
	case b.limiter == nil:
		b.limiter = rate.NewLimiter(rate.Limit(limit), limit)
	case b.limit != limit:
		b.limiter.SetLimitAt(now, rate.Limit(limit))
		b.limiter.SetBurstAt(now, limit)
	}
	b.limit = limit
	allowed := b.limiter.AllowN(now, 1)
	tokens := b.limiter.TokensAt(now)
	p.Quota, p.Remaining = limit, max(0, int(math.Floor(tokens)))
	p.Reset = time.Duration((float64(limit) - tokens) / float64(limit) * float64(time.Second))
	if !allowed {
		wait = time.Duration((1 - tokens) / float64(limit) * float64(time.Second))
	}
	return p, max(0, wait)
}

// give takes the counting of a request back.
func (b *bucket) give(now time.Time) {
	if b.limiter != nil {
		b.limiter.AllowN(now, -1)
	}
}

// tenantState is what is known of a tenant.
type tenantState struct {
	bucket
	underWay int
	seen     [1000/64 + 1]uint64 // calling codes that it has reached
}

// Admit counts a request of a key and its tenant, and lets it in or refuses it with
// rate-limited. Done is to be called when it is answered.
func (g *Guard) Admit(who Who) (Admission, error) {
	rules, now := g.rules.Load(), g.now()
	a := Admission{Policies: make([]Policy, 0, 2)}
	limit, points := rules.Rate, 0
	if who.Key != "" {
		points = g.score(rules, who, now).Points
		limit = rules.tightened(limit, points)
	}
	var wait time.Duration
	if who.Key != "" && limit > 0 {
		var p Policy
		g.keys.with(who.Key, func(k *keyState) { p, wait = k.take(limit, now) })
		p.Name = "key"
		a.Policies = append(a.Policies, p)
	}
	if wait == 0 {
		wait = g.admitTenant(rules, who.Tenant, now, &a)
		if wait > 0 && who.Key != "" {
			g.keys.with(who.Key, func(k *keyState) { k.give(now) }) // it has not had its turn
		}
	}
	if wait == 0 {
		return a, nil
	}
	g.metrics.limited.WithLabelValues(a.Policies[len(a.Policies)-1].Name).Inc()
	refusal := &Refusal{Code: CodeRateLimited, Reason: a.Policies[len(a.Policies)-1].Name, Detail: "too many requests", RetryAfter: wait}
	if rules.Score.throttles(points) {
		refusal.Reason, refusal.Points = "throttled", g.score(rules, who, now).Why
	}
	return a, refusal
}

// busyFor is what a tenant is told to wait that has too much under way.
const busyFor = time.Second

func (g *Guard) admitTenant(rules *Rules, tenant string, now time.Time, a *Admission) (wait time.Duration) {
	if tenant == "" {
		return 0 // the operator
	}
	limits := rules.TenantLimits(tenant)
	g.tenants.with(tenant, func(t *tenantState) {
		if limits.Inflight > 0 && t.underWay >= limits.Inflight {
			a.Policies = append(a.Policies, Policy{Name: "under-way", Quota: limits.Inflight})
			wait = busyFor
			return
		}
		if limits.Rate > 0 {
			var p Policy
			p, wait = t.take(limits.Rate, now)
			p.Name = "tenant"
			a.Policies = append(a.Policies, p)
		}
		if wait == 0 {
			t.underWay++
		}
	})
	if wait == 0 {
		a.done = func() {
			g.tenants.find(tenant, func(t *tenantState) { t.underWay = max(0, t.underWay-1) })
		}
	}
	return wait
}
