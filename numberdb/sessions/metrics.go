package sessions

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

type metrics struct {
	allocated       map[string]prometheus.Counter
	ended           map[numberdb.EndReason]prometheus.Counter
	slots           map[string]prometheus.Counter
	anew            prometheus.Counter
	refreshFailures prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, o *Owner) (*metrics, error) {
	m := &metrics{
		allocated: map[string]prometheus.Counter{}, ended: map[numberdb.EndReason]prometheus.Counter{}, slots: map[string]prometheus.Counter{},
		anew: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_sessions_decided_anew_total", Help: "Allocations and changes decided again because another edge had taken the mask or changed the session.",
		}),
		refreshFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_sessions_inventory_failures_total", Help: "Readings of pools and masks that failed.",
		}),
	}
	allocated := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_sessions_created_total", Help: "Requests for a session, by outcome.",
	}, []string{"outcome"})
	for _, outcome := range []string{"created", "exhausted", "refused", "store"} {
		m.allocated[outcome] = allocated.WithLabelValues(outcome)
	}
	ended := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_sessions_ended_total", Help: "Sessions that ended, by reason.",
	}, []string{"reason"})
	for reason, name := range map[numberdb.EndReason]string{
		numberdb.NotEnded: "expired", numberdb.Released: "released", numberdb.Idle: "idle",
		numberdb.UsedUp: "used_up", numberdb.Burned: "burned", numberdb.Rotated: "rotated",
	} {
		m.ended[reason] = ended.WithLabelValues(name)
	}
	slots := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_sessions_slots_total", Help: "First contacts of callers with public masks, by what became of the reply slot.",
	}, []string{"outcome"})
	for _, outcome := range []string{slotOpened, slotExhausted, slotRefused, slotStore, slotBusy} {
		m.slots[outcome] = slots.WithLabelValues(outcome)
	}
	for _, c := range []prometheus.Collector{allocated, ended, slots, m.anew, m.refreshFailures, newPools(o)} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// created counts the outcome of a request.
func (m *metrics) created(err error) {
	if err == nil {
		m.allocated["created"].Inc()
		return
	}
	var exhausted *allocator.Exhausted
	outcome := "refused"
	switch {
	case errors.Is(err, numberdb.ErrNotYetRouted):
		outcome = "created"
	case errors.As(err, &exhausted):
		outcome = "exhausted"
	case isStores(err):
		outcome = "store"
	}
	m.allocated[outcome].Inc()
}

// storeError is an error of the store, which the request is not to blame for.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// isStores reports whether the store kept a request from what it asks for, or
// there was no time for it.
func isStores(err error) bool {
	var of storeError
	return errors.As(err, &of) || errors.Is(err, numberdb.ErrOutcomeUnknown) || errors.Is(err, numberdb.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// pools tells of each pool when it is asked.
type pools struct {
	owner                                                *Owner
	masks, bindings, load, need, days, reuse, exhaustion *prometheus.Desc
}

func newPools(o *Owner) *pools {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("maskline_pool_"+name, help, append([]string{"pool"}, labels...), nil)
	}
	return &pools{
		owner:      o,
		masks:      desc("masks", "Masks of a pool by state.", "state"),
		bindings:   desc("bindings", "Parties that have a mask of the pool: live, or kept from it for a while.", "phase"),
		load:       desc("load_max", "Most parties that one mask of the pool has."),
		need:       desc("need", "Masks that the pool needed at most in this hour."),
		days:       desc("days_to_exhaustion", "Days until the pool is exhausted by the trend of its need; none while no trend is known."),
		reuse:      desc("reuse_distance_seconds", "Shortest time of late until a party was shown the same mask for somebody else."),
		exhaustion: desc("exhausted_total", "Requests that found no mask, by reason.", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (p *pools) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.masks, p.bindings, p.load, p.need, p.days, p.reuse, p.exhaustion} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p *pools) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	report := p.owner.engine.Report()
	for i := range report.Pools {
		r := &report.Pools[i]
		for state, count := range r.Masks {
			gauge(p.masks, float64(count), r.Name, numberdb.MaskState(state).String())
		}
		gauge(p.bindings, float64(r.Live), r.Name, "live")
		gauge(p.bindings, float64(r.Kept), r.Name, "kept")
		gauge(p.load, float64(r.LoadMax), r.Name)
		gauge(p.need, r.Need, r.Name)
		if r.Days == r.Days { // not NaN
			gauge(p.days, r.Days, r.Name)
		}
		if r.Reuse > 0 {
			gauge(p.reuse, r.Reuse.Seconds(), r.Name)
		}
		for reason, count := range r.Exhausted {
			if reason > 0 {
				ch <- prometheus.MustNewConstMetric(p.exhaustion, prometheus.CounterValue, float64(count), r.Name, allocator.Reason(reason).String())
			}
		}
	}
}
