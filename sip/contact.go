package sip

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// mostContacts bounds the calls that wait for their slot: half of what messages and
// calls may have under way together, so that a flood of calls leaves messages theirs.
const mostContacts = 128

// openSlot asks for a reply slot. The call waits for the answer as for any other
// event; nobody else does.
func (a *actor) openSlot(act actOpen) event {
	e := a.edge
	if e.contacts.Add(1) > mostContacts {
		e.contacts.Add(-1)
		return evOpened{}
	}
	a.show()
	e.router.Open(act.plan, act.by, func(opened bool) {
		e.contacts.Add(-1)
		a.post(evOpened{opened})
	})
	return nil
}

// contactMetrics are those of first contacts.
type contactMetrics struct {
	seconds *prometheus.HistogramVec
	by      [contactOutcomes]prometheus.Observer
	waiting prometheus.GaugeFunc
}

func newContactMetrics(e *Edge) (m contactMetrics) {
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "maskline_sip_first_contact_seconds", Help: "For how long calls waited that are their caller's first to a public mask, by what became of the reply slot.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5},
	}, []string{"outcome"})
	for o := range contactOutcomes {
		m.by[o] = m.seconds.WithLabelValues(o.String())
	}
	m.waiting = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_sip_first_contacts_waiting", Help: "Reply slots that calls have asked for and that are not answered yet.",
	}, func() float64 { return float64(e.contacts.Load()) })
	return m
}

func (m *contactMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.seconds, m.waiting}
}

func (m *contactMetrics) ended(o contactOutcome, after time.Duration) {
	m.by[o].Observe(after.Seconds())
}
