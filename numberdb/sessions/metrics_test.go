package sessions

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/numberdb"
)

// gathered are the values of a metric by the values of its labels.
func gathered(t *testing.T, reg prometheus.Gatherer, name string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += l.GetValue() + " "
			}
			values[labels] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values
}

// A request is counted by what kept it from its session.
func TestRequestsByOutcome(t *testing.T) {
	w, r := start(t, 2)
	for _, tc := range []struct {
		outcome string
		fault   fault
		request *Request
	}{
		{"created", noFault, between(1, 2)},
		{"exhausted", noFault, &Request{Pool: "uk", Shape: numberdb.Shared, Sides: between(1, 2).Sides}},
		{"refused", noFault, &Request{Pool: "fr", Sides: between(3, 4).Sides}},
		{"refused", noFault, between(3)},
		{"store", refused_, between(3, 4)},
		{"store", lost, between(3, 4)},
	} {
		reg := prometheus.NewRegistry()
		reg.MustRegister(r.metrics.allocated[tc.outcome])
		w.store.fault.Store(int32(tc.fault))
		before := gathered(t, reg, "maskline_sessions_created_total")
		_, _ = r.Create(t.Context(), tc.request) // the metric tells
		w.store.fault.Store(int32(noFault))
		for labels, after := range gathered(t, reg, "maskline_sessions_created_total") {
			if after != before[labels]+1 {
				t.Errorf("%s, fault %d: %v after %v", tc.outcome, tc.fault, after, before[labels])
			}
		}
	}
}

// A pool that is deleted leaves the metrics, and they can be read after one of its
// name is made again.
func TestMetricsOfAPoolThatIsMadeAgain(t *testing.T) {
	_, r := start(t, 0)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(newPools(r.Owner))
	for _, there := range []int{1, 0, 1} {
		if got := gathered(t, reg, "maskline_pool_load_max"); len(got) != there {
			t.Errorf("%d pools, want %d", len(got), there)
		}
		if there == 1 {
			if err := r.RemovePool(t.Context(), "uk"); err != nil {
				t.Fatal(err)
			}
		} else if err := r.PutPools(t.Context(), []numberdb.Pool{{Name: "uk"}}); err != nil {
			t.Fatal(err)
		}
	}
}
