package numberdb

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// purgeScript answers one Purge after the other, and with Elsewhere at its end.
type purgeScript struct {
	answers []func() (Purged, error)
	at      []time.Duration
	start   time.Time
}

func (s *purgeScript) Purge(_ context.Context, now time.Time) (Purged, error) {
	s.at = append(s.at, now.Sub(s.start))
	if n := len(s.at); n <= len(s.answers) {
		return s.answers[n-1]()
	}
	return Purged{Elsewhere: true}, nil
}

func TestSweeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := func(p Purged) func() (Purged, error) { return func() (Purged, error) { return p, nil } }
		fault := func() (Purged, error) { return Purged{}, errors.New("away") }
		const ahead = 100 * time.Hour // of the clock of the bubble
		now := func() time.Time { return time.Now().Add(ahead) }
		store := &purgeScript{start: now(), answers: []func() (Purged, error){
			answer(Purged{Bindings: 3}), answer(Purged{Sessions: 2}), answer(Purged{Attempts: 1, Messages: 3, Verifications: 4, Round: true}),
			fault, fault, answer(Purged{Bindings: 4}),
		}}
		core, logs := observer.New(zapcore.WarnLevel)
		metrics := prometheus.NewRegistry()
		s, err := NewSweeper(store, now, zap.New(core), metrics)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{
			sweepRest, sweepRest + sweepPause, sweepRest + 2*sweepPause, // a round
			2*sweepRest + 2*sweepPause, 3*sweepRest + 2*sweepPause, 4*sweepRest + 2*sweepPause, // faults, and then
			4*sweepRest + 3*sweepPause, 5*sweepRest + 3*sweepPause, // another edge purges
		}
		if len(store.at) != len(want) {
			t.Fatalf("it purged at %v", store.at)
		}
		for i := range want {
			if store.at[i] != want[i] {
				t.Fatalf("it purged at %v", store.at)
			}
		}
		counted := map[string]float64{
			"maskline_numberdb_purged_total bindings": 7, "maskline_numberdb_purged_total sessions": 2, "maskline_numberdb_purged_total attempts": 1,
			"maskline_numberdb_purged_total messages": 3, "maskline_numberdb_purged_total verifications": 4,
			"maskline_numberdb_purge_rounds_total": 1, "maskline_numberdb_purge_errors_total": 2,
		}
		if got := counters(t, metrics); !maps.Equal(got, counted) {
			t.Errorf("metrics: %v", got)
		}
		if logs.Len() != 1 {
			t.Errorf("%d lines of the log for two faults in a row", logs.Len())
		}
	})
}

// counters are the values of a registry by name and label.
func counters(t *testing.T, metrics *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			all[name] = m.GetCounter().GetValue()
		}
	}
	return all
}
