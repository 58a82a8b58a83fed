package numberdb

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Auditor chains what was committed to the audit.
type Auditor struct {
	store   AuditStore
	keep    func(AuditHead) error
	log     *zap.Logger
	chained prometheus.Counter
	failed  prometheus.Counter
	forged  atomic.Int64
}

const (
	chainEvery  = 250 * time.Millisecond
	chainAtOnce = 5000
	chainLast   = 5 * time.Second
)

// NewAuditor makes an auditor and registers its metrics. keep is told the end of the
// chain after it has grown, to be kept outside the store; it may be nil.
func NewAuditor(store AuditStore, keep func(AuditHead) error, log *zap.Logger, reg prometheus.Registerer) (*Auditor, error) {
	a := &Auditor{
		store: store, keep: keep, log: log,
		chained: prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_numberdb_audit_lines_total", Help: "Lines of the audit that this edge has chained."}),
		failed:  prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_numberdb_audit_errors_total", Help: "Attempts to chain the audit that failed; the lines wait in the store."}),
	}
	forged := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "maskline_numberdb_audit_forged", Help: "Waiting lines of the audit that no edge has written."}, func() float64 { return float64(a.forged.Load()) })
	return a, errors.Join(reg.Register(a.chained), reg.Register(a.failed), reg.Register(forged))
}

// Run chains until ctx ends, and then what still waits, for a few seconds at most.
func (a *Auditor) Run(ctx context.Context) error {
	tick := time.NewTicker(chainEvery)
	defer tick.Stop()
	failing, forging := false, false
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), chainLast)
			defer cancel()
			if _, err := a.chain(last); err != nil {
				a.log.Warn("the last lines of the audit are not chained yet; the next edge does it", zap.Error(err))
			}
			return nil
		case <-tick.C:
		}
		forged, err := a.chain(ctx)
		if err != nil && ctx.Err() == nil {
			a.failed.Inc()
			if !failing {
				a.log.Error("cannot chain the audit; its lines wait in the store", zap.Error(err))
			}
		}
		if forged > 0 && !forging {
			a.log.Error("lines wait for the audit that no edge has written; they are left where they are", zap.Int("lines", forged))
		}
		failing, forging = err != nil, forged > 0
	}
}

// chain chains all that waits.
func (a *Auditor) chain(ctx context.Context) (forged int, err error) {
	var end AuditHead
	for {
		chained, bad, head, err := a.store.ChainAudit(ctx, chainAtOnce)
		if err != nil {
			return bad, err
		}
		a.forged.Store(int64(bad))
		a.chained.Add(float64(chained))
		if chained > 0 {
			end = head
		}
		if chained < chainAtOnce {
			forged = bad
			break
		}
	}
	if end.Place > 0 && a.keep != nil {
		err = a.keep(end)
	}
	return forged, err
}
