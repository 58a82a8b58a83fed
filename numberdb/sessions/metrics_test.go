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
