package smpp

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/smpp/pdu"
)

// bindStats are the metrics of one place for a bind: one of a carrier's
// sessions, or the nth of the binds that an account holds at a time. It outlives
// the sessions that take the place, so its counters never fall.
type bindStats struct {
	peer      string
	direction string // "out": we bind to them, "in": they bind to us
	index     string
	names     *names
	probeTime prometheus.Observer // from enquire_link to its response
	failures  []atomic.Uint64     // responses of the peer other than ROK, by status
	attempts  atomic.Uint64       // to bind, ours
	made      atomic.Uint64       // binds that came to stand

	mu       sync.Mutex
	session  *session // nil: none is bound
	finished counts   // of sessions before
}

func (m *metrics) newBindStats(peer, direction string, index int) *bindStats {
	b := &bindStats{
		peer: peer, direction: direction, index: strconv.Itoa(index), names: m.names,
		failures: make([]atomic.Uint64, len(m.names.statuses)),
	}
	b.probeTime = m.probeTime.WithLabelValues(peer, direction, b.index)
	return b
}

// failed counts a response that is no success.
func (b *bindStats) failed(s pdu.Status) {
	if b != nil && s != pdu.ROK {
		b.failures[b.names.indexOfStatus(s)].Add(1)
	}
}

// begin takes in a session that is bound.
func (b *bindStats) begin(s *session) {
	if b == nil {
		return
	}
	b.made.Add(1)
	b.mu.Lock()
	b.session = s
	b.mu.Unlock()
}

// end lets go of a session, and keeps what it counted.
func (b *bindStats) end(s *session) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.session != s {
		return
	}
	b.session = nil
	s.mu.Lock()
	b.finished.received += s.counts.received
	b.finished.sent += s.counts.sent
	s.mu.Unlock()
}

// bindReading is what a scrape reads of a place.
type bindReading struct {
	counts
	state       state
	bound       bool
	used, limit int
}

func (b *bindStats) read() bindReading {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := bindReading{counts: b.finished}
	if s := b.session; s != nil {
		s.mu.Lock()
		r.received += s.counts.received
		r.sent += s.counts.sent
		r.state, r.bound = s.state, true
		r.used, r.limit = s.window.used, s.window.limit
		s.mu.Unlock()
	}
	return r
}

// bindCollector reads the places of all binds when it is scraped.
type bindCollector struct {
	edge                                *Edge
	up, used, limit, messages, failures *prometheus.Desc
	attempts, made                      *prometheus.Desc
}

func newBindCollector(e *Edge) *bindCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("maskline_smpp_bind_"+name, help, append([]string{"peer", "direction", "bind"}, labels...), nil)
	}
	return &bindCollector{
		edge:     e,
		up:       desc("up", "1 where a session is bound in this place."),
		used:     desc("window_used", "Messages on one bind that the peer has not answered."),
		limit:    desc("window_limit", "Messages that one bind may leave unanswered."),
		messages: desc("messages_total", "Messages on one bind, by way: in from the peer, out to it; their rate is the bind's TPS.", "way"),
		failures: desc("errors_total", "Responses of the peer on one bind other than success, by status; throttling is among them.", "status"),
		attempts: desc("attempts_total", "Attempts of ours to bind."),
		made:     desc("made_total", "Binds that came to stand; all after the first are reconnects."),
	}
}

// Describe is prometheus.Collector's.
func (c *bindCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.up, c.used, c.limit, c.messages, c.failures, c.attempts, c.made} {
		ch <- d
	}
}

// Collect is prometheus.Collector's.
func (c *bindCollector) Collect(ch chan<- prometheus.Metric) {
	for _, carrier := range c.edge.carriers {
		for _, d := range carrier.dialers {
			c.collect(ch, d.stats)
			ch <- prometheus.MustNewConstMetric(c.attempts, prometheus.CounterValue, float64(d.stats.attempts.Load()),
				d.stats.peer, d.stats.direction, d.stats.index)
		}
	}
	for _, a := range c.edge.accountList() {
		for _, b := range a.places() {
			c.collect(ch, b)
		}
	}
}

func (c *bindCollector) collect(ch chan<- prometheus.Metric, b *bindStats) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, append([]string{b.peer, b.direction, b.index}, more...)...)
	}
	r, up := b.read(), 0.0
	if r.bound && r.state == stateBound {
		up = 1
	}
	send(c.up, prometheus.GaugeValue, up)
	send(c.used, prometheus.GaugeValue, float64(r.used))
	send(c.limit, prometheus.GaugeValue, float64(r.limit))
	send(c.messages, prometheus.CounterValue, float64(r.received), "in")
	send(c.messages, prometheus.CounterValue, float64(r.sent), "out")
	send(c.made, prometheus.CounterValue, float64(b.made.Load()))
	for i := range b.failures {
		if n := b.failures[i].Load(); n > 0 {
			send(c.failures, prometheus.CounterValue, float64(n), b.names.statuses[i])
		}
	}
}
