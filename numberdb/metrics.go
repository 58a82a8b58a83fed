package numberdb

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type syncMetrics struct {
	reloads, refused      prometheus.Counter
	comparisons           *prometheus.CounterVec
	differences, repaired prometheus.Counter
	comparisonSeconds     prometheus.Gauge
}

// The ends of a comparison of the table with the store.
const (
	compareEqual     = "equal"
	compareDifferent = "different"
	compareUnsettled = "unsettled" // the store was away, or the feed too far behind
)

func (s *Syncer) register(reg prometheus.Registerer) error {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "maskline_numberdb_" + name, Help: help}, value)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_numberdb_" + name, Help: help})
	}
	s.metrics = &syncMetrics{
		reloads: counter("reloads_total", "Whole loads of the table from the store, the first one included."),
		refused: counter("rows_refused_total", "Rows of the store that make no binding and were left out."),
		comparisons: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_numberdb_comparisons_total",
			Help: "Comparisons of the table with the store by their end: equal, different, unsettled (the store was away).",
		}, []string{"result"}),
		differences: counter("differences_total", "Bindings that differed between the table and the store in a comparison."),
		repaired:    counter("repaired_total", "Bindings of the table that a comparison put right."),
		comparisonSeconds: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "maskline_numberdb_comparison_seconds", Help: "Time that the last comparison of the table with the store took.",
		}),
	}
	for _, result := range []string{compareEqual, compareDifferent, compareUnsettled} {
		s.metrics.comparisons.WithLabelValues(result)
	}
	var err error
	for _, c := range []prometheus.Collector{
		s.metrics.reloads, s.metrics.refused, s.metrics.comparisons, s.metrics.differences, s.metrics.repaired, s.metrics.comparisonSeconds,
		gauge("bindings", "Bindings in the table, expired ones included.", func() float64 { return float64(s.table.Len()) }),
		gauge("sync_lag_seconds", "Age of the last proof of life from the store, plus what it holds back.",
			func() float64 { return s.Fresh().Lag.Seconds() }),
		gauge("sync_position", "Position in the store's change feed that the table has reached.",
			func() float64 { return float64(s.Fresh().Position) }),
		gauge("store_up", "1 where the store is loaded and followed.", func() float64 { return oneIf(s.Fresh().Up) }),
		gauge("stale", "1 where the table is not loaded or older than max_stale.", func() float64 { return oneIf(s.Fresh().Stale) }),
		gauge("slots_inactive", "Replication slots of maskline that nobody reads; each holds WAL until it is dropped.",
			func() float64 { return float64(s.lastSlots().Inactive) }),
		gauge("slot_retained_bytes", "WAL that the replication slot of maskline that is farthest behind holds at the server.",
			func() float64 { return float64(s.lastSlots().Retained) }),
	} {
		err = errors.Join(err, reg.Register(c))
	}
	for kind := range feedKinds {
		err = errors.Join(err, reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "maskline_numberdb_feed", Help: "1 for the way in which changes of the store reach the table, where it is open.",
			ConstLabels: prometheus.Labels{"feed": kind.String()},
		}, func() float64 {
			info := s.info.Load()
			return oneIf(info != nil && info.Kind == kind && s.up.Load())
		})))
	}
	return err
}

func (s *Syncer) lastSlots() Slots {
	if slots := s.slots.Load(); slots != nil {
		return *slots
	}
	return Slots{}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
