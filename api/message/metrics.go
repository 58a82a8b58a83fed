package message

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/routing"
)

type metrics struct {
	messages *prometheus.CounterVec
	reports  [reportStates]prometheus.Counter
	left     prometheus.Counter
	lost     prometheus.Counter
}

const reportStates = int(routing.ReportUnknown) + 1

func newMetrics(reg prometheus.Registerer, waiting func() float64) (*metrics, error) {
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_api_messages_total", Help: "Messages that the edge wrote, by what became of them when they were handed on.",
		}, []string{"outcome"}),
		left: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_api_messages_left_total", Help: "Messages that a crash has left without an answer; they are told as unknown.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_api_message_reports_lost_total", Help: "News of messages that nobody tells again, and that the store could not take.",
		}),
	}
	for _, outcome := range []string{"submitted", "delivered", "dropped", "unknown", "temporary", "refused"} {
		m.messages.WithLabelValues(outcome)
	}
	reports := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_api_message_reports_total", Help: "What networks said of messages after they were handed on, by state.",
	}, []string{"state"})
	for state := range m.reports {
		m.reports[state] = reports.WithLabelValues([reportStates]string{
			"submitted", "delivered", "undelivered", "expired", "rejected", "unknown",
		}[state])
	}
	queue := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_api_message_reports_waiting", Help: "News of messages that the store does not have yet.",
	}, waiting)
	var err error
	for _, c := range []prometheus.Collector{m.messages, m.left, m.lost, reports, queue} {
		err = errors.Join(err, reg.Register(c))
	}
	if err != nil {
		return nil, fmt.Errorf("registering metrics of messages: %w", err)
	}
	return m, nil
}

// originated counts a message by what became of it.
func (m *metrics) originated(o *routing.Originated) {
	outcome := "refused"
	switch {
	case o.Fate == routing.FateDelivered && o.Final:
		outcome = "delivered"
	case o.Fate == routing.FateDelivered && o.Carrier == "":
		outcome = "dropped"
	case o.Fate == routing.FateDelivered:
		outcome = "submitted"
	case o.Fate == routing.FateUnknown:
		outcome = "unknown"
	case o.Fate == routing.FateTemporary:
		outcome = "temporary"
	default:
	}
	m.messages.WithLabelValues(outcome).Inc()
}
