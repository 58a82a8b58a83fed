package rest

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_api_requests_total", Help: "Requests to /v1 by the pattern of their path, method and class of status.",
		}, []string{"path", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "maskline_api_request_seconds", Help: "Time from the header of a request to its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"path", "method"}),
	}
	return m, errors.Join(reg.Register(m.requests), reg.Register(m.seconds))
}

// answered counts a request by its pattern, such as "GET /v1/sessions/{id}". What
// fits none has no labels of its own.
func (m *metrics) answered(pattern string, status int, took time.Duration) {
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		method, path = "other", "other"
	}
	m.requests.WithLabelValues(path, method, strconv.Itoa(status/100)+"xx").Inc()
	m.seconds.WithLabelValues(path, method).Observe(took.Seconds())
}
