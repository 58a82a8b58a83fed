package routing

import (
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Router decides by the configuration it was made with.
type Router struct {
	state     atomic.Pointer[state]
	decisions map[Service]*[verdicts]prometheus.Counter
}

type state struct {
	table        Table
	restrictions Restrictions // nil: none
	carriers     []*Carrier
	byCost       bool
	answers      answers
	emergency    emergency
	echoes       *echoes // nil: not looked at
	words        *words  // nil: none
	rules        []rule
	steps        []step
}

// New makes a router over table and registers its metrics.
func New(table Table, cfg Config, metrics prometheus.Registerer) (*Router, error) {
	s := &state{
		table: table, restrictions: cfg.Restrictions, echoes: newEchoes(cfg.Loop), words: newWords(cfg.OptOut, cfg.TenantOptOuts),
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
	if err := checkWords(&cfg); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	if s.rules, err = newRules(cfg.Rules); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	s.steps = s.chain()
	r := &Router{}
	r.state.Store(s)
	if err := r.register(s.steps, metrics); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	return r, nil
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
