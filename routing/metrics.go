package routing

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func (r *Router) register(reg prometheus.Registerer) error {
	r.ruled = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_routing_rules_total",
		Help: "Requests that a rule did not just pass on, by rule and what it did.",
	}, []string{"rule", "action"})
	if err := reg.Register(r.ruled); err != nil {
		return err
	}
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_routing_decisions_total",
		Help: "Requests routed, by service and verdict.",
	}, []string{"service", "verdict"})
	r.decisions = map[Service]*[verdicts]prometheus.Counter{}
	for _, service := range []Service{SMS, Voice} {
		var counters [verdicts]prometheus.Counter
		for _, v := range Verdicts() {
			counters[v] = total.WithLabelValues(service.String(), v.String())
		}
		r.decisions[service] = &counters
	}
	if err := reg.Register(total); err != nil {
		return err
	}
	if err := r.registerPrefixes(reg); err != nil {
		return err
	}
	return reg.Register(&carrierCollector{
		router: r,
		up: prometheus.NewDesc("maskline_routing_carrier_up",
			"1 where the carrier can be reached for the service.", []string{"carrier", "service"}, nil),
		breaker: prometheus.NewDesc("maskline_routing_breaker_state",
			"0 closed, 1 half open, 2 open.", []string{"carrier", "service"}, nil),
	})
}

func (r *Router) registerPrefixes(reg prometheus.Registerer) error {
	gauge := func(name, help string, value func(*state) float64) error {
		return reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "maskline_routing_" + name, Help: help}, func() float64 {
			if s := r.state.Load(); s != nil {
				return value(s)
			}
			return 0
		}))
	}
	return errors.Join(
		gauge("prefixes", "Prefixes that carriers are chosen by, each counted for each of its carriers.",
			func(s *state) float64 { return float64(s.prefixes.Len()) }),
		gauge("prefixes_octets", "Memory that these take.",
			func(s *state) float64 { return float64(s.prefixes.Size()) }),
		gauge("prefixes_imported_timestamp_seconds", "When prefixes were imported last, in seconds since 1970; 0: never.",
			func(s *state) float64 { return float64(max(s.imported.Unix(), 0)) }),
	)
}

func (r *Router) count(service Service, v Verdict) { r.decisions[service][v].Inc() }

// carrierCollector reads the carriers' state when it is scraped.
type carrierCollector struct {
	router      *Router
	up, breaker *prometheus.Desc
}

func (c *carrierCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.up
	ch <- c.breaker
}

func (c *carrierCollector) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	for _, carrier := range c.router.Carriers() {
		for _, service := range []Service{SMS, Voice} {
			if !carrier.Services.Has(service) {
				continue
			}
			up := 0.0
			if carrier.Up(service) {
				up = 1
			}
			ch <- prometheus.MustNewConstMetric(c.up, prometheus.GaugeValue, up, carrier.Name, service.String())
			ch <- prometheus.MustNewConstMetric(c.breaker, prometheus.GaugeValue,
				float64(carrier.Breaker(service, now)), carrier.Name, service.String())
		}
	}
}
