package call

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/numberdb"
)

type metrics struct {
	outcomes *prometheus.CounterVec
	refused  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, live, waiting func() float64) (*metrics, error) {
	m := &metrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_api_calls_total", Help: "Calls that were made by the API and have ended, by outcome.",
		}, []string{"outcome"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_api_calls_refused_total", Help: "Calls that were asked for and that a rule, a block or the lack of a carrier did not let begin.",
		}),
	}
	for o := numberdb.CallCompleted; o <= numberdb.CallLost; o++ {
		m.outcomes.WithLabelValues(o.String())
	}
	under := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_api_calls", Help: "Calls made by the API of whose end the store does not know yet.",
	}, live)
	queue := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_api_call_reports_waiting", Help: "News of calls that the store does not have yet.",
	}, waiting)
	var err error
	for _, c := range []prometheus.Collector{m.outcomes, m.refused, under, queue} {
		err = errors.Join(err, reg.Register(c))
	}
	if err != nil {
		return nil, fmt.Errorf("registering metrics of calls: %w", err)
	}
	return m, nil
}

func (m *metrics) ended(o numberdb.CallOutcome) { m.outcomes.WithLabelValues(o.String()).Inc() }
