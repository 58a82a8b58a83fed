package ledger

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	sent, dropped, holds, holdFailures, writeErrors, expired, unreadable prometheus.Counter
	commits                                                              prometheus.Histogram
}

func (l *Ledger) register(reg prometheus.Registerer) error {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_ledger_" + name, Help: help})
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "maskline_ledger_" + name, Help: help}, value)
	}
	l.metrics = &metrics{
		sent:         counter("sent_total", "Submissions noted, to be written behind."),
		dropped:      counter("sent_dropped_total", "Submissions not noted, since the buffer was full: their receipts are lost after a restart."),
		holds:        counter("holds_total", "Receipts made durable."),
		holdFailures: counter("hold_failures_total", "Receipts that could not be made durable and stay with their carriers."),
		writeErrors:  counter("write_errors_total", "Transactions that failed, by the disk or otherwise."),
		expired:      counter("held_expired_total", "Held receipts whose originator did not come in time."),
		unreadable:   counter("unreadable_total", "Entries that could not be read at the start."),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "maskline_ledger_commit_seconds", Help: "Time of a transaction with its fsync.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	var err error
	for _, c := range []prometheus.Collector{
		l.metrics.sent, l.metrics.dropped, l.metrics.holds, l.metrics.holdFailures, l.metrics.writeErrors,
		l.metrics.expired, l.metrics.unreadable, l.metrics.commits,
		gauge("sent_buffer_octets", "Submissions that wait to be written.", func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return float64(l.sent.octets)
		}),
		gauge("hold_queue", "Receipts that wait for the disk.", func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return float64(len(l.holds))
		}),
	} {
		err = errors.Join(err, reg.Register(c))
	}
	return err
}
