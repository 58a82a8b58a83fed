package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/api/guard"
	"maskline/configs"
	"maskline/e164"
	"maskline/routing"
)

// screenMetrics count codes that were met at leased masks.
type screenMetrics struct{ flagged, refused prometheus.Counter }

func newScreenMetrics(reg prometheus.Registerer) (screenMetrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_api_guard_codes_" + name, Help: help})
	}
	m := screenMetrics{
		flagged: counter("flagged_total", "Messages to leased masks that were taken for one-time codes of others and went on."),
		refused: counter("refused_total", "Messages to leased masks that were refused as one-time codes of others."),
	}
	return m, errors.Join(reg.Register(m.flagged), reg.Register(m.refused))
}

// codeScreen is routing.Screen by the guard's detector. It keeps no text.
type codeScreen struct {
	codes   *guard.Codes
	refuse  bool
	metrics screenMetrics
	alarms  *alarms
}

// Refuses looks, counts and tells.
func (s *codeScreen) Refuses(tenant string, mask e164.Number, capitals []byte) bool {
	if s.codes.Look(capitals) != guard.BrandCode {
		return false
	}
	if s.refuse {
		s.metrics.refused.Inc()
	} else {
		s.metrics.flagged.Inc()
	}
	s.alarms.thirdParty(tenant, mask)
	return s.refuse
}

// routing is what the configuration says of it, with the screen that it asks for.
func (e *edge) routing(cfg *configs.Config) routing.Config {
	var restrictions routing.Restrictions = e.restrict
	if e.inside != nil {
		restrictions = magicRestrictions{restrictions}
	}
	r := routingConfig(cfg, restrictions)
	r.Usage = e.meter
	if what := cfg.Routing.ThirdPartyCodes; what == configs.CodesFlag || what == configs.CodesRefuse {
		r.Screen = &codeScreen{
			codes: guard.NewCodes(texts(cfg.Routing.OwnCodes)), refuse: what == configs.CodesRefuse, metrics: e.protection.screened, alarms: e.protection.alarms,
		}
	}
	return r
}
