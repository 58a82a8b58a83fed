package auth

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	refused struct{ missing, unknown, over, limited prometheus.Counter }
	tokens  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, k *Keys) (*metrics, error) {
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_api_auth_refused_total",
		Help: "Requests without a valid key or token: missing, unknown, over (revoked, suspended or expired), and limited, those of the latter two from sources that failed too often.",
	}, []string{"reason"})
	keys := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_api_keys", Help: "API keys that are known, revoked ones too.",
	}, func() float64 {
		if ring := k.known.Load(); ring != nil {
			return float64(len(ring.byID))
		}
		return 0
	})
	m := &metrics{tokens: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "maskline_api_auth_tokens_total", Help: "Access tokens that were given out.",
	})}
	m.refused.missing, m.refused.unknown = refused.WithLabelValues("missing"), refused.WithLabelValues("unknown")
	m.refused.over, m.refused.limited = refused.WithLabelValues("over"), refused.WithLabelValues("limited")
	return m, errors.Join(reg.Register(refused), reg.Register(keys), reg.Register(m.tokens))
}
