package guard

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	limited, refused    *prometheus.CounterVec
	detected, suspended prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, g *Guard) (*metrics, error) {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "maskline_api_guard_" + name, Help: help}
	}
	m := &metrics{
		limited:   prometheus.NewCounterVec(counter("limited_total", "Requests refused as too many, by the limit that they met: key, tenant or under-way."), []string{"limit"}),
		refused:   prometheus.NewCounterVec(counter("refused_total", "Sessions, leases and contacts that were refused, by the code of the problem."), []string{"code"}),
		detected:  prometheus.NewCounter(counter("abuse_detected_total", "Times that what a key did was told as abuse, at most once in five minutes for each key.")),
		suspended: prometheus.NewCounter(counter("keys_suspended_total", "Keys that were suspended for what they did.")),
	}
	known := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "maskline_api_guard_keys", Help: "Keys whose last hour is in memory."}, func() float64 { return float64(g.keys.len()) })
	var err error
	for _, c := range []prometheus.Collector{m.limited, m.refused, m.detected, m.suspended, known} {
		err = errors.Join(err, reg.Register(c))
	}
	return m, err
}
