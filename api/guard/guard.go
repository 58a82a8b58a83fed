package guard

import (
	"context"
	"errors"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb"
)

// Rules is what the guard decides by. They are replaced as a whole.
type Rules struct {
	// Rate of each key, in requests a second. 0: no limit.
	Rate int
	// Default is of tenants that Tenants does not name.
	Default TenantLimits
	// Tenants by name.
	Tenants map[string]TenantRules
	// Regions that anybody may reach, ISO 3166-1 alpha-2. None: all.
	Regions []string
	// Destinations that are denied or allowed. Nil: all are allowed.
	Destinations *Destinations
	// Emergency reports whether a string of digits calls for help. Nil: none does.
	Emergency func(digits string) bool
	// Masks are ours. Nil: none is known.
	Masks Masks
	// Score says what counts as abuse.
	Score ScoreConfig
}

// TenantLimits are of all keys of a tenant together.
type TenantLimits struct {
	Rate     int // requests a second; 0: no limit
	Inflight int // requests at a time; 0: no limit
}

// TenantRules are a tenant's own.
type TenantRules struct {
	TenantLimits          // 0: those of Default
	Sessions     int      // live at a time; 0: no limit
	Masks        int      // that nobody else has meanwhile; 0: no limit
	Regions      []string // that it may reach, ISO 3166-1 alpha-2; none: all
	Consent      bool     // its participants must have agreed
}

// TenantLimits are those of a tenant.
func (r *Rules) TenantLimits(name string) TenantLimits {
	limits := r.Tenants[name].TenantLimits
	if limits.Rate == 0 {
		limits.Rate = r.Default.Rate
	}
	if limits.Inflight == 0 {
		limits.Inflight = r.Default.Inflight
	}
	return limits
}

// Quotas tells what tenants have.
type Quotas interface {
	// Take counts a session, or one with masks of its own, that is about to be made.
	// It returns false where the tenant has as many as it may. settle is told the id
	// of what was made, or 0.
	Take(tenant string, alone bool, limit TenantRules) (settle func(numberdb.ID), ok bool)
}

// Consents tells who has agreed.
type Consents interface {
	// Consented reports whether a party has agreed to a tenant's contacts, and has not
	// withdrawn it.
	Consented(ctx context.Context, tenant string, party e164.Number) (bool, error)
}

// Alarm hears of abuse. Its methods do not wait.
type Alarm interface {
	// Detected tells of a key with many points, once in five minutes.
	Detected(who Who, s Score)
	// Suspended tells that the key is to be suspended. It is called once.
	Suspended(who Who, s Score)
}

// Config of a Guard.
type Config struct {
	Quotas   Quotas           // nil: nobody has a quota
	Consents Consents         // nil: nobody is asked for consents
	Alarm    Alarm            // nil: nobody hears
	Clock    func() time.Time // nil: time.Now
	Keys     int              // most keys and tenants that are remembered; 0: 4096
}

const defaultKeys = 4096

// Guard judges requests. It may be used by many goroutines.
type Guard struct {
	cfg     Config
	rules   atomic.Pointer[Rules]
	now     func() time.Time
	seed    maphash.Seed
	keys    *table[keyState]
	tenants *table[tenantState]
	log     *zap.Logger
	metrics *metrics
}

// New makes a guard and registers its metrics.
func New(cfg Config, rules *Rules, log *zap.Logger, reg prometheus.Registerer) (*Guard, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Keys <= 0 {
		cfg.Keys = defaultKeys
	}
	g := &Guard{
		cfg: cfg, now: cfg.Clock, seed: maphash.MakeSeed(), log: log,
		keys: newTable[keyState](cfg.Keys), tenants: newTable[tenantState](cfg.Keys),
	}
	g.rules.Store(rules)
	var err error
	g.metrics, err = newMetrics(reg, g)
	return g, err
}

// SetRules decides by other rules from now on. What was counted stays.
func (g *Guard) SetRules(rules *Rules) { g.rules.Store(rules) }

// Allocation is a session or lease that is asked for.
type Allocation struct {
	Parties []Party // different people
	Reached []Party // where people are reached instead
	Alone   bool    // its mask is nobody else's meanwhile: a lease, or a public session
	Lease   bool
}

// Allocate judges a session or lease before it is made. settle is to be told its id, or
// 0 where it was not made; on an error there is none.
func (g *Guard) Allocate(ctx context.Context, who Who, a *Allocation) (settle func(numberdb.ID), err error) {
	rules, now := g.rules.Load(), g.now()
	defer func() { g.refused(err) }()
	if err := g.judge(ctx, rules, who, a.Parties, now); err != nil {
		return nil, err
	}
	for i := range a.Reached {
		if err := g.judge(ctx, rules, who, a.Reached[i:i+1], now); err != nil {
			return nil, err
		}
	}
	if err := g.stepUp(rules, who, now); err != nil {
		return nil, err
	}
	counted := func(numberdb.ID) {}
	if limit := rules.Tenants[who.Tenant]; g.cfg.Quotas != nil && who.Tenant != "" && (limit.Sessions > 0 || limit.Masks > 0) {
		var ok bool
		if counted, ok = g.cfg.Quotas.Take(who.Tenant, a.Alone, limit); !ok {
			return nil, &Refusal{Code: CodeQuota, Reason: "tenant", Detail: "the tenant has as many live sessions or masks of its own as it may", NextStep: "release what is not needed any more"}
		}
	}
	return func(id numberdb.ID) {
		counted(id)
		if id != 0 {
			g.made(rules, who, a)
		}
	}, nil
}

// Contact judges a number that is to be written to or called, beside the sessions
// that it is in.
func (g *Guard) Contact(ctx context.Context, who Who, p Party) (err error) {
	rules, now := g.rules.Load(), g.now()
	defer func() { g.refused(err) }()
	if err := g.judge(ctx, rules, who, []Party{p}, now); err != nil {
		return err
	}
	if err := g.stepUp(rules, who, now); err != nil {
		return err
	}
	g.reach(who, []Party{p}, now)
	g.alarm(rules, who, now)
	return nil
}

// Rotated counts that masks were changed, or given back after a life of so long.
func (g *Guard) Rotated(who Who, after time.Duration) {
	if who.Key == "" || after >= soon {
		return
	}
	now := g.now()
	g.keys.with(who.Key, func(k *keyState) { k.note(Rotated, 1, now) })
	g.alarm(g.rules.Load(), who, now)
}

// Score is what is held against a key now, and why.
func (g *Guard) Score(who Who) Score { return g.score(g.rules.Load(), who, g.now()) }

// Forgive forgets what a key did, as when it was suspended and is let in again.
func (g *Guard) Forgive(key string) { g.keys.find(key, func(k *keyState) { *k = keyState{} }) }

func (g *Guard) judge(ctx context.Context, rules *Rules, who Who, parties []Party, now time.Time) error {
	err := rules.parties(who.Tenant, parties)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == CodePremium && who.Key != "" {
		g.keys.with(who.Key, func(k *keyState) { k.note(RefusedRange, 1, now) })
		g.alarm(rules, who, now)
	}
	if err != nil {
		return err
	}
	if !rules.Tenants[who.Tenant].Consent || g.cfg.Consents == nil {
		return nil
	}
	for i := range parties {
		agreed, err := g.cfg.Consents.Consented(ctx, who.Tenant, parties[i].Number)
		if err != nil {
			return err
		}
		if !agreed {
			return &Refusal{Code: CodeConsent, Field: parties[i].Field, Reason: "consent", Detail: "this person has not agreed, or no more", NextStep: "record a consent"}
		}
	}
	return nil
}

// stepUp refuses where too much is held against the key.
func (g *Guard) stepUp(rules *Rules, who Who, now time.Time) error {
	s := g.score(rules, who, now)
	if !rules.Score.stepsUp(s.Points) {
		return nil
	}
	return &Refusal{
		Code: CodeStepUp, Reason: "score", Detail: "what this key did in the last hour looks like abuse",
		NextStep: "let the operator look at it, or wait until the hour is over", Points: s.Why,
	}
}

// made counts what was allocated.
func (g *Guard) made(rules *Rules, who Who, a *Allocation) {
	if who.Key == "" {
		return
	}
	now := g.now()
	g.keys.with(who.Key, func(k *keyState) {
		k.note(Allocated, 1, now)
		if a.Lease {
			k.note(Leased, 1, now)
		}
	})
	g.reach(who, a.Parties, now)
	g.reach(who, a.Reached, now)
	g.alarm(rules, who, now)
}

// reach counts the numbers that a key has reached.
func (g *Guard) reach(who Who, parties []Party, now time.Time) {
	if who.Key == "" {
		return
	}
	countries := uint32(0)
	if who.Tenant != "" {
		g.tenants.with(who.Tenant, func(t *tenantState) {
			for i := range parties {
				if t.newCountry(parties[i].Number) {
					countries++
				}
			}
		})
	}
	g.keys.with(who.Key, func(k *keyState) {
		k.note(NewCountry, countries, now)
		for i := range parties {
			k.reach(g.seed, parties[i].Number, now)
		}
	})
}

// alarm tells of a key that has too many points.
func (g *Guard) alarm(rules *Rules, who Who, now time.Time) {
	s := g.score(rules, who, now)
	if !rules.Score.throttles(s.Points) && !rules.Score.stepsUp(s.Points) && !rules.Score.suspends(s.Points) {
		return
	}
	detected, suspended := false, false
	g.keys.find(who.Key, func(k *keyState) {
		detected = k.told != slotOf(now)
		k.told = slotOf(now)
		suspended = rules.Score.suspends(s.Points) && !k.suspended
		k.suspended = k.suspended || suspended
	})
	if detected {
		g.metrics.detected.Inc()
		g.log.Warn("what a key does looks like abuse", zap.String("key", who.Key), zap.String("tenant", who.Tenant), zap.Int("points", s.Points), zap.Strings("rules", names(s.Why)))
	}
	if suspended {
		g.metrics.suspended.Inc()
	}
	if g.cfg.Alarm == nil {
		return
	}
	if detected {
		g.cfg.Alarm.Detected(who, s)
	}
	if suspended {
		g.cfg.Alarm.Suspended(who, s)
	}
}

func names(why []Point) (list []string) {
	for i := range why {
		list = append(list, why[i].Rule)
	}
	return list
}

func (g *Guard) refused(err error) {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		g.metrics.refused.WithLabelValues(refusal.Code).Inc()
	}
}
