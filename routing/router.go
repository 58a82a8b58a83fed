package routing

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/routing/prefix"
)

// Router decides by the configuration it was made with, and the rules it was
// given last.
type Router struct {
	state     atomic.Pointer[state]
	decisions map[Service]*[verdicts]prometheus.Counter
	ruled     *prometheus.CounterVec
}

type state struct {
	table        Table
	restrictions Restrictions // nil: none
	contacts     Contacts     // nil: nobody counts
	usage        Usage        // nil: nobody counts
	slots        Slots        // nil: there are none
	witness      Witness      // nil: nobody hears
	replier      Replier      // nil: nobody is answered
	masks        Masks        // nil: none are known
	carriers     []*Carrier
	choosy       bool // some of them present only some masks
	prefixes     *prefix.Trie
	imported     time.Time // of the prefixes, zero: never
	byCost       bool
	minQuality   uint8
	answers      answers
	emergency    emergency
	echoes       *echoes // nil: not looked at
	words        *words  // nil: none
	rules        []rule
	screen       Screen // nil: none
	steps        []step
}

// New makes a router over table and registers its metrics.
func New(table Table, cfg Config, metrics prometheus.Registerer) (*Router, error) {
	s := &state{
		table: table, restrictions: cfg.Restrictions, masks: cfg.Masks, contacts: cfg.Contacts, usage: cfg.Usage, slots: cfg.Slots,
		witness: cfg.Witness, replier: cfg.Replier, echoes: newEchoes(cfg.Loop),
		byCost:  cfg.Order == ByCost,
		answers: answers{cfg.UnknownMask, cfg.OutOfSession, cfg.EndedSession},
	}
	for _, c := range cfg.Carriers {
		s.carriers = append(s.carriers, newCarrier(c, cfg.Breaker))
	}
	var err error
	if s.emergency, err = newEmergency(cfg.Emergency, s.carriers); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	r := &Router{}
	if err := r.register(metrics); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	if err := r.compile(s, &cfg); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	r.state.Store(s)
	return r, nil
}

// Prepare makes the carriers, the prefixes, the rules and the opt-out words of cfg ready; apply
// puts them in effect for the requests that come after it. All else stays as New
// had it: whether carriers are up, their breakers, what was delivered, the rest
// of cfg. One goroutine at a time calls Prepare and what it returns.
func (r *Router) Prepare(cfg Config) (apply func(), err error) {
	next := *r.state.Load()
	next.carriers = follow(next.carriers, &cfg)
	if next.emergency, err = newEmergency(cfg.Emergency, next.carriers); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	if err := r.compile(&next, &cfg); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	return func() { r.state.Store(&next) }, nil
}

// compile makes the prefixes and the chain of rules of a state that is not in use
// yet.
func (r *Router) compile(s *state, cfg *Config) (err error) {
	s.choosy = slices.ContainsFunc(s.carriers, func(c *Carrier) bool { return c.Present.Some })
	if s.prefixes, err = newPrefixes(s.carriers, cfg.Prefixes); err != nil {
		return err
	}
	s.minQuality = uint8(cfg.MinQuality)
	if cfg.Prefixes != nil {
		s.imported = cfg.Prefixes.Imported
	}
	s.screen = cfg.Screen
	s.words = newWords(cfg.OptOut, cfg.TenantOptOuts)
	if s.words != nil && s.restrictions == nil {
		return errors.New("opt-out words need a place where opt-outs are kept")
	}
	if s.rules, err = newRules(cfg.Rules); err != nil {
		return err
	}
	s.steps = s.chain()
	for i := range s.steps {
		for a := range actions {
			s.steps[i].count[a] = r.ruled.WithLabelValues(s.steps[i].name, a.String())
		}
	}
	return nil
}

// Carriers lists all carriers in the order of the configuration.
func (r *Router) Carriers() []*Carrier { return r.state.Load().carriers }

// Carrier finds a carrier by name, nil where there is none.
func (r *Router) Carrier(name string) *Carrier {
	for _, c := range r.Carriers() {
		if c.Name == name {
			return c
		}
	}
	return nil
}
