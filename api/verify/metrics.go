package verify

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/api/problem"
)

type metrics struct {
	results *prometheus.CounterVec
	time    prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, stopped func() float64) (*metrics, error) {
	m := &metrics{
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_api_verifications_total", Help: "Steps of verifications: started, resent, verified, or the code of the problem that was answered.",
		}, []string{"result"}),
		time: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "maskline_api_verification_seconds", Help: "Time from the beginning of a verification to the right code.",
			Buckets: []float64{5, 10, 20, 30, 60, 120, 300, 600, 1800},
		}),
	}
	for _, result := range []string{"started", "resent", "verified", string(problem.CodeWrong), string(problem.CodeExpired), string(problem.AttemptsExhausted)} {
		m.results.WithLabelValues(result)
	}
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_api_verification_prefixes_stopped", Help: "Prefixes of tenants to which codes are stopped, since too few are typed in.",
	}, stopped)
	var err error
	for _, c := range []prometheus.Collector{m.results, m.time, gauge} {
		err = errors.Join(err, reg.Register(c))
	}
	if err != nil {
		return nil, fmt.Errorf("registering metrics of verifications: %w", err)
	}
	return m, nil
}

func (m *metrics) started(err error) {
	var p *problem.Error
	if errors.As(err, &p) {
		m.results.WithLabelValues(string(p.Code)).Inc()
		return
	}
	m.results.WithLabelValues("started").Inc()
}

func (m *metrics) verified(took time.Duration) {
	m.results.WithLabelValues("verified").Inc()
	m.time.Observe(took.Seconds())
}
