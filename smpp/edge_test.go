package smpp

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // tests make the table that routing reads
	"maskline/routing"
	"maskline/smpp/pdu"
	"maskline/testbench/await"
)

// The parties. Alice and Bob know each other's mask; the shop has a public one
// that its account answers; the outlet has another account behind one.
const (
	alice, bob, carol    = "447700900001", "447700900002", "447700900003"
	maskOfBob            = "441110000001" // what Alice dials
	maskOfAlice          = "441110000002" // what Bob sees
	maskShop, maskOutlet = "441110000003", "441110000004"
)

func testTable() *numberdb.Table {
	num := e164.MustParse
	tel := func(s string) numberdb.Endpoint { return numberdb.Endpoint{Kind: numberdb.Tel, Number: num(s)} }
	account := func(s string) numberdb.Endpoint { return numberdb.Endpoint{Kind: numberdb.Account, Name: s} }
	table := numberdb.NewTable()
	for _, b := range []numberdb.Binding{
		{Mask: num(maskOfBob), Party: num(alice), To: tel(bob), Present: num(maskOfAlice), Tenant: "shop"},
		{Mask: num(maskOfAlice), Party: num(bob), To: tel(alice), Present: num(maskOfBob), Tenant: "shop"},
		{Mask: num(maskShop), To: account("shop"), Present: num(maskOfAlice), Tenant: "shop"},
		{Mask: num(maskOutlet), To: account("outlet"), Present: num(maskShop), Tenant: "outlet"},
	} {
		b.Services = numberdb.SMS
		table.Apply([]numberdb.Change{{Binding: b}})
	}
	return table
}

func routerOver(t testing.TB, table routing.Table, carriers ...string) *routing.Router {
	t.Helper()
	cfg := routing.Config{
		Breaker:   routing.BreakerConfig{Window: 30 * time.Second, Ratio: 0.5, Min: 1000, HalfOpenAfter: time.Second},
		Emergency: routing.EmergencyConfig{Numbers: map[string][]string{"default": {"112"}}},
	}
	for i, name := range carriers {
		cfg.Carriers = append(cfg.Carriers, routing.CarrierConfig{Name: name, Priority: i, Services: routing.SMS})
	}
	r, err := routing.New(table, cfg, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bench is an edge that runs, with what a test needs of it.
type bench struct {
	*Edge
	addr     string
	router   *routing.Router
	registry *prometheus.Registry
	stop     func() // ends Run and waits for it
}

// baseConfig has two tenants' accounts and a listener; carriers are added by
// the test.
func baseConfig() Config {
	return Config{
		Listen:       []ListenConfig{{Addr: "127.0.0.1:0"}},
		BindTimeout:  10 * time.Second,
		PDUTimeout:   10 * time.Second,
		AnswerWithin: 5 * time.Second,
		Drain:        time.Second,
		Auth:         AuthConfig{Delay: time.Millisecond},
		Accounts: []AccountConfig{
			{SystemID: "shop", Password: "sesame", Tenant: "shop"},
			{SystemID: "outlet", Password: "sesame", Tenant: "outlet"},
		},
	}
}

// carrierAt is a carrier with one bind.
func carrierAt(name, addr string) CarrierConfig {
	return CarrierConfig{Name: name, Binds: []BindConfig{{
		Addr: addr, SystemID: "maskline", Password: "secret", ResponseTimeout: 5 * time.Second,
		Reconnect: Reconnect{Min: 10 * time.Millisecond, Max: 50 * time.Millisecond},
	}}}
}

func startEdge(t testing.TB, cfg Config) *bench { return startEdgeWith(t, cfg, Volatile{}) }

func startEdgeWith(t testing.TB, cfg Config, j Journal) *bench {
	return startEdgeOver(t, cfg, j, testTable())
}

func startEdgeOver(t testing.TB, cfg Config, j Journal, table routing.Table) *bench {
	t.Helper()
	var names []string
	for _, c := range cfg.Carriers {
		names = append(names, c.Name)
	}
	return startEdgeRouted(t, cfg, j, routerOver(t, table, names...))
}

func startEdgeRouted(t testing.TB, cfg Config, j Journal, router *routing.Router) *bench {
	t.Helper()
	b := &bench{router: router, registry: prometheus.NewRegistry()}
	var log *zap.Logger
	if _, isBench := t.(*testing.B); isBench {
		log = zap.NewNop()
	} else {
		log = zaptest.NewLogger(t)
	}
	var err error
	if b.Edge, err = New(cfg, b.router, j, log, b.registry); err != nil {
		t.Fatal(err)
	}
	if err := b.Listen(); err != nil {
		t.Fatal(err)
	}
	if len(cfg.Listen) > 0 {
		b.addr = b.Addrs()[0].String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stopped := false
	b.stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(b.stop)
	return b
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	await.That(t, patience, what, done)
}

// waitUp waits until a carrier can be sent to.
func (b *bench) waitUp(t testing.TB, carrier string) {
	t.Helper()
	eventually(t, carrier+" is up", func() bool { return b.router.Carrier(carrier).Up(routing.SMS) })
}

// messages is the value of messages_total.
func (b *bench) counted(from, to string, o outcome) uint64 {
	var f, p *peer
	for _, x := range b.metrics.all() {
		if x.name == from {
			f = x
		}
		if x.name == to {
			p = x
		}
	}
	if p == nil {
		return f.sum(0, o)
	}
	return f.sum(p.index, o)
}

// relayTo starts an edge with one carrier and binds everything: the shop's
// account and the carrier's SMSC.
func relayTo(t testing.TB, change func(*Config)) (b *bench, shop, carrier *wire) {
	t.Helper()
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	if change != nil {
		change(&cfg)
	}
	b = startEdge(t, cfg)
	t.Cleanup(s.stop)
	carrier = s.bind(t)
	b.waitUp(t, "alfa")
	return b, bound(t, b.addr, pdu.BindTransceiver, "shop"), carrier
}

// receipts is the value of receipts_total.
func (b *bench) receipts(t testing.TB, r receiptResult) float64 {
	t.Helper()
	return b.metric(t, "receipts_total", "outcome", r.String())
}

// metric is the value of a metric with one of its labels; 0 where there is none.
func (b *bench) metric(t testing.TB, name, label, value string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "maskline_smpp_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label && l.GetValue() == value {
					sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return sum
}
