package webhook

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	posts                        map[string]prometheus.Counter
	seconds                      prometheus.Histogram
	inFlight, endpoints, waiting prometheus.Gauge
	givenUp, storeErrors, lost   prometheus.Counter
	purged                       prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	name := func(of string) string { return "maskline_api_webhook" + of }
	gauge := func(of, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name(of), Help: help})
	}
	counter := func(of, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name(of), Help: help})
	}
	posts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("_posts_total"), Help: "Posts to webhook endpoints, by how they went."}, []string{"outcome"})
	m := &metrics{
		posts: map[string]prometheus.Counter{},
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("_post_seconds"), Help: "Time that posts to webhook endpoints took.", Buckets: []float64{.001, .005, .02, .1, .5, 1, 5, 15, 30},
		}),
		inFlight:    gauge("_posts_in_flight", "Posts to webhook endpoints under way."),
		endpoints:   gauge("_endpoints", "Webhook endpoints that this edge posts to."),
		waiting:     gauge("_deliveries_waiting", "Events that wait for another attempt at the endpoints of this edge."),
		givenUp:     counter("_deliveries_given_up_total", "Events that were given up after the last attempt at an endpoint."),
		storeErrors: counter("_store_errors_total", "Readings and writings for webhooks that the store failed."),
		lost:        counter("_endpoints_lost_total", "Webhook endpoints that another edge has taken over, or that were changed meanwhile."),
		purged:      counter("_purged_total", "Events and lines of the log of deliveries that this edge deleted by their age or number."),
	}
	var err error
	for _, c := range []prometheus.Collector{posts, m.seconds, m.inFlight, m.endpoints, m.waiting, m.givenUp, m.storeErrors, m.lost, m.purged} {
		err = errors.Join(err, reg.Register(c))
	}
	for _, outcome := range outcomes() {
		m.posts[outcome] = posts.WithLabelValues(outcome)
	}
	return m, err
}

func (m *metrics) posted(r *Result) {
	if c := m.posts[r.Outcome]; c != nil {
		c.Inc()
	}
	m.seconds.Observe(r.Took.Seconds())
}

const purgeEvery = 10 * time.Second
