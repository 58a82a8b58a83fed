package smpp

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"maskline/smpp/pdu"
)

// scan reports which of the secrets stand in text: as they are, and without
// their country code.
func scan(text string, secrets ...string) (found []string) {
	for _, s := range secrets {
		if strings.Contains(text, s) || strings.Contains(text, s[2:]) {
			found = append(found, "…"+s[len(s)-2:])
		}
	}
	return found
}

func TestTheScannerFindsAPlantedNumber(t *testing.T) {
	if len(scan("to 447700900001 now", alice)) != 1 || len(scan("07700900001", alice)) != 1 || len(scan("nothing", alice)) != 0 {
		t.Fatal("the scanner is blind")
	}
}

// lockedBuffer is a log that many goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Whatever happens, neither the log nor the metrics hold a number or a text.
func TestNothingLeaksIntoLogsAndMetrics(t *testing.T) {
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	var log lockedBuffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&log), zap.DebugLevel)
	registry := prometheus.NewRegistry()
	e, err := New(cfg, routerOver(t, testTable(), "alfa"), Volatile{}, zap.New(core), registry)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = e.Run(ctx) })
	carrier := s.bind(t)
	eventually(t, "the carrier is up", func() bool { return e.router.Carrier("alfa").Up(1) })
	shop := bound(t, e.Addrs()[0].String(), pdu.BindTransceiver, "shop")
	const secret = "the secret text"
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "1")
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.ROK, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	for _, m := range []*pdu.Message{text(carol, maskOfBob, secret), text(alice, bob, secret), text(alice, maskOfBob, strings.Repeat(secret, 20)[:254])} {
		shop.send(t, pdu.SubmitSM, m)
	}
	carrier.expect(t, pdu.SubmitSM, pdu.ROK) // left unanswered: the link is lost below
	shop.write(t, whole(pdu.SubmitSM, 9, []byte("\x00\x01\x01"+alice+alice+"\x00")))
	wrong := dialWire(t, e.Addrs()[0].String())
	wrong.bindAs(t, pdu.BindTransceiver, alice, bob[:8], pdu.Version34)
	shop.write(t, raw(15, pdu.SubmitSM, 1, []byte(alice)))
	carrier.conn.Close()
	families := fmt.Sprint(registry.Gather())
	cancel()
	s.stop()
	shop.conn.Close()
	run.Wait()
	families += fmt.Sprint(registry.Gather())
	log.mu.Lock()
	defer log.mu.Unlock()
	for name, text := range map[string]string{"log": log.b.String(), "metrics": families} {
		if found := scan(text, alice, bob, carol, maskOfAlice, maskOfBob); len(found) > 0 {
			t.Errorf("the %s holds %v", name, found)
		}
		if strings.Contains(text, secret) {
			t.Errorf("the %s holds a text", name)
		}
		if len(text) < 200 {
			t.Errorf("the %s is empty", name)
		}
	}
	held := HeldReceipt{Source: Address{Digits: alice}, Destination: Address{Digits: bob}}
	if found := scan(fmt.Sprintf("%v %+v %#v", held, held, held), alice, bob); len(found) > 0 {
		t.Errorf("a printed receipt holds %v", found)
	}
}

// Metric names and labels are part of the contract with dashboards.
func TestMetrics(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	for _, c := range []struct {
		name, label, value string
		want               float64
	}{
		{"messages_total", "outcome", "accepted", 1},
		{"pdus_total", "command", "submit_sm", 2},
		{"pdus_total", "command", "submit_sm_resp", 2},
		{"pdus_total", "command", "bind_transceiver", 2},
		{"binds", "state", "bound", 2},
		{"window_limit", "peer", "alfa", 128},
		{"window_used", "peer", "alfa", 0},
		{"receipts_total", "outcome", "delivered", 0},
	} {
		if got := b.metric(t, c.name, c.label, c.value); got != c.want {
			t.Errorf("%s{%s=%q} is %v, want %v", c.name, c.label, c.value, got, c.want)
		}
	}
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "maskline_smpp_response_seconds" && f.GetMetric()[0].GetHistogram().GetSampleCount() != 1 {
			t.Error("the response time was not measured")
		}
	}
}
