package routing

import (
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Router decides by the configuration it was made with.
type Router struct {
	table     Table
	state     atomic.Pointer[state]
	decisions map[Service]*[verdicts]prometheus.Counter
}

type state struct {
	carriers  []*Carrier
	byCost    bool
	answers   answers
	emergency emergency
}

// New makes a router over table and registers its metrics.
func New(table Table, cfg Config, metrics prometheus.Registerer) (*Router, error) {
	s := &state{
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
	r := &Router{table: table}
	r.state.Store(s)
	if err := r.register(metrics); err != nil {
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
