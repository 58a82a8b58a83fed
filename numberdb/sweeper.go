package numberdb

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	sweepPause = 50 * time.Millisecond // between two parts of a round
	sweepRest  = 10 * time.Second      // after a round, a fault, or where another edge purges
)

// Sweeper calls a Purger as long as an edge runs.
type Sweeper struct {
	store                        Purger
	now                          func() time.Time
	log                          *zap.Logger
	bindings, sessions, attempts prometheus.Counter
	messages, verifications      prometheus.Counter
	rounds, faults               prometheus.Counter
}

// NewSweeper registers its metrics; Run does the work. now is the clock by which
// things are over.
func NewSweeper(store Purger, now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Sweeper, error) {
	purged := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_numberdb_purged_total", Help: "Rows that this edge deleted from the store since they were over.",
	}, []string{"what"})
	s := &Sweeper{
		store: store, now: now, log: log,
		bindings: purged.WithLabelValues("bindings"), sessions: purged.WithLabelValues("sessions"), attempts: purged.WithLabelValues("attempts"),
		messages: purged.WithLabelValues("messages"), verifications: purged.WithLabelValues("verifications"),
		rounds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_numberdb_purge_rounds_total", Help: "Rounds through the whole store in search of what is over.",
		}),
		faults: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_numberdb_purge_errors_total", Help: "Attempts to delete what is over that failed.",
		}),
	}
	var err error
	for _, c := range []prometheus.Collector{purged, s.rounds, s.faults} {
		err = errors.Join(err, reg.Register(c))
	}
	return s, err
}

// Run purges in rounds until ctx ends.
func (s *Sweeper) Run(ctx context.Context) error {
	pause := time.NewTimer(sweepRest)
	defer pause.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		purged, err := s.store.Purge(ctx, s.now())
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.faults.Inc()
			if !failed {
				s.log.Warn("what is over cannot be deleted from the store; trying on", zap.Error(err))
			}
		}
		failed = err != nil
		s.bindings.Add(float64(purged.Bindings))
		s.sessions.Add(float64(purged.Sessions))
		s.attempts.Add(float64(purged.Attempts))
		s.messages.Add(float64(purged.Messages))
		s.verifications.Add(float64(purged.Verifications))
		if purged.Round {
			s.rounds.Inc()
		}
		wait := sweepPause
		if failed || purged.Round || purged.Elsewhere {
			wait = sweepRest
		}
		pause.Reset(wait)
	}
}
