package smpp

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/smpp/pdu"
)

// bindMetric is a per-bind metric with these labels, in the order of label
// names: bind, direction, peer, and a fourth where there is one.
func (b *bench) bindMetric(t testing.TB, name, peer, bind, more string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != prometheus.BuildFQName("maskline", "smpp", name) {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["peer"] == peer && labels["bind"] == bind && (more == "" || labels["way"] == more || labels["status"] == more) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func TestMetricsOfABind(t *testing.T) {
	b, shop, carrier := relayTo(t, func(c *Config) { c.EnquireLink = 100 * time.Millisecond })
	for _, status := range []pdu.Status{pdu.ROK, pdu.RThrottled} {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
		carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), status, "1")
		for f := shop.mustRead(t); f.Command != pdu.SubmitSMResp; f = shop.mustRead(t) {
			shop.respondEmpty(t, f, pdu.ROK)
		}
	}
	probe := shop.expect(t, pdu.EnquireLink, pdu.ROK)
	shop.respondEmpty(t, probe, pdu.ROK)
	eventually(t, "the probe is measured", func() bool { return b.bindMetric(t, "enquire_link_seconds", "shop", "0", "") > 0 })
	for _, c := range []struct {
		name, peer, more string
		want             float64
	}{
		{"bind_up", "alfa", "", 1},
		{"bind_up", "shop", "", 1},
		{"bind_messages_total", "alfa", "out", 2},
		{"bind_messages_total", "alfa", "in", 0},
		{"bind_messages_total", "shop", "in", 2},
		{"bind_errors_total", "alfa", "throttling error", 1},
		{"bind_errors_total", "shop", "", 0},
		{"bind_window_limit", "alfa", "", 128},
		{"bind_window_used", "alfa", "", 0},
		{"bind_attempts_total", "alfa", "", 1},
		{"bind_made_total", "alfa", "", 1},
	} {
		if got := b.bindMetric(t, c.name, c.peer, "0", c.more); got != c.want {
			t.Errorf("%s of %s %s is %v, want %v", c.name, c.peer, c.more, got, c.want)
		}
	}
}

// Counters go on where a session ends and another takes its place.
func TestMetricsOutliveASession(t *testing.T) {
	b := startEdge(t, baseConfig())
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	for i := range 2 {
		shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
		shop.send(t, pdu.SubmitSM, text(alice, maskOutlet, "x"))
		outlet.respond(t, outlet.expect(t, pdu.DeliverSM, pdu.ROK), pdu.ROK, "")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
		shop.conn.Close()
		eventually(t, "the place is free", func() bool { return b.bindMetric(t, "bind_up", "shop", "0", "") == 0 })
		if got := b.bindMetric(t, "bind_messages_total", "shop", "0", "in"); got != float64(i+1) {
			t.Errorf("%v messages are counted", got)
		}
	}
	if got := b.bindMetric(t, "bind_made_total", "shop", "0", ""); got != 2 {
		t.Errorf("%v binds are counted", got)
	}
}
