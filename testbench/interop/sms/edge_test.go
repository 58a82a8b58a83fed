//go:build peers

package sms

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
	"maskline/smpp"
)

// Alice writes to Bob through masks; the shop answers a public one.
const (
	alice, bob, carol = "447700900001", "447700900002", "447700900003"
	maskOfBob         = "441110000001" // what Alice writes to
	maskOfAlice       = "441110000002" // what Bob sees
	maskShop          = "441110000003"
	shortShop         = "60123" // of Britain
)

// edge is the SMPP side of the edge over a table of three masks and a short code.
type edge struct {
	*smpp.Edge
	registry *prometheus.Registry
}

func (e *edge) port() int { return e.Addrs()[0].(*net.TCPAddr).Port }

func table() *numberdb.Table {
	num := e164.MustParse
	code, _ := e164.ParseMask("44:" + shortShop)
	t := numberdb.NewTable()
	for _, b := range []numberdb.Binding{
		{Mask: num(maskOfBob), Party: num(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)}, Present: num(maskOfAlice)},
		{Mask: num(maskShop), To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: num(maskOfAlice)},
		{Mask: code, To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: num(maskOfAlice)},
		{Mask: code, Party: num(bob), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(carol)}, Present: code},
	} {
		b.Services, b.Tenant = numberdb.SMS, "shop"
		t.Apply([]numberdb.Change{{Binding: b}})
	}
	return t
}

func startEdge(t *testing.T, carriers ...*smsc) *edge {
	t.Helper()
	routes := routing.Config{Breaker: routing.BreakerConfig{Window: 10 * time.Second, Ratio: 0.5, Min: 5, HalfOpenAfter: 500 * time.Millisecond}}
	cfg := smpp.Config{
		Listen: []smpp.ListenConfig{{Addr: "127.0.0.1:0"}}, AnswerWithin: 9 * time.Second, BindTimeout: 10 * time.Second, Drain: 3 * time.Second,
		Accounts: []smpp.AccountConfig{{SystemID: "shop", Password: "sesame", Tenant: "shop"}},
	}
	for i, c := range carriers {
		routes.Carriers = append(routes.Carriers, routing.CarrierConfig{Name: c.name, Priority: i, Services: routing.SMS})
		cfg.Carriers = append(cfg.Carriers, smpp.CarrierConfig{Name: c.name, Binds: []smpp.BindConfig{{
			Addr: fmt.Sprint("127.0.0.1:", c.port), SystemID: "maskline", Password: "secret",
			EnquireLink: 3 * time.Second, ResponseTimeout: 3 * time.Second,
			Reconnect: smpp.Reconnect{Min: 50 * time.Millisecond, Max: 200 * time.Millisecond},
		}}})
	}
	e := runEdge(t, cfg, routes)
	for _, c := range carriers {
		eventually(t, c.name+" is bound", func() bool { return e.bound(c.name) })
	}
	return e
}

// runEdge runs an edge until the test ends.
func runEdge(t *testing.T, cfg smpp.Config, routes routing.Config) *edge {
	t.Helper()
	e := &edge{registry: prometheus.NewRegistry()}
	router, err := routing.New(table(), routes, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if e.Edge, err = smpp.New(cfg, router, smpp.Volatile{}, zaptest.NewLogger(t), e.registry); err != nil {
		t.Fatal(err)
	}
	if err := e.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return e
}

// bound reports whether a peer has a bind.
func (e *edge) bound(peer string) bool {
	for _, b := range e.Binds() {
		if b.Peer == peer && b.State == "bound" {
			return true
		}
	}
	return false
}

// counter sums a metric over all series that have these labels.
func (e *edge) counter(t *testing.T, name string, labels map[string]string) int {
	t.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "maskline_smpp_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			matching := 0
			for _, l := range m.GetLabel() {
				if labels[l.GetName()] == l.GetValue() {
					matching++
				}
			}
			if matching == len(labels) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return int(sum)
}

// messages is the count of the shop's messages to a carrier with an outcome.
func (e *edge) messages(t *testing.T, to, outcome string) int {
	t.Helper()
	return e.counter(t, "messages_total", map[string]string{"from": "shop", "to": to, "outcome": outcome})
}
