package guard

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
)

// world is a guard with a clock of its own that notes what its alarm hears.
type world struct {
	*Guard
	t         *testing.T
	time      time.Time
	detected  []Who
	suspended []Who
}

func (w *world) Detected(who Who, _ Score)  { w.detected = append(w.detected, who) }
func (w *world) Suspended(who Who, _ Score) { w.suspended = append(w.suspended, who) }

func newWorld(t *testing.T, rules *Rules, cfg Config) *world {
	t.Helper()
	w := &world{t: t, time: time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)}
	cfg.Alarm, cfg.Clock = w, func() time.Time { return w.time }
	var err error
	if w.Guard, err = New(cfg, rules, zap.NewNop(), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) pass(d time.Duration) { w.time = w.time.Add(d) }

// allocate makes a session between two numbers.
func (w *world) allocate(who Who, a, b string) error {
	w.t.Helper()
	settle, err := w.Allocate(w.t.Context(), who, &Allocation{Parties: parties(a, b)})
	if err == nil {
		settle(1)
	}
	return err
}

func parties(texts ...string) (list []Party) {
	fields := []string{"participants[0].number", "participants[1].number"}
	for i, text := range texts {
		list = append(list, Party{Field: fields[i%2], Number: e164.MustParse(text)})
	}
	return list
}

func codeOf(err error) string {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func standardRules(t *testing.T) *Rules {
	t.Helper()
	rows, err := StandardDestinations()
	if err != nil {
		t.Fatal(err)
	}
	return &Rules{Destinations: NewDestinations(rows), Emergency: func(digits string) bool {
		return digits == "112" || digits == "911" || digits == "999" || digits == "000"
	}}
}
