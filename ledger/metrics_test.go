package ledger

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// value reads a counter.
func value(t testing.TB, c prometheus.Collector) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	if err := reg.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d metrics, %v", len(families), err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

func TestMetricNames(t *testing.T) {
	l := open(t, Config{Dir: t.TempDir()})
	defer closeIt(t, l)
	reg := prometheus.NewRegistry()
	if err := l.register(reg); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 10 {
		t.Fatalf("%d metrics, %v", len(families), err)
	}
}
