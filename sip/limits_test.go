package sip

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/routing"
)

func TestTrunkLimits(t *testing.T) {
	one := func(c *Config) {
		for i := range c.Trunks {
			c.Trunks[i].Channels = 1
		}
	}
	t.Run("from a carrier", func(t *testing.T) {
		b := newBed(t, one)
		b.connect(b.caller, "one")
		b.caller.send(b.caller.invite("two"))
		if answer := b.caller.expect("SIP/2.0 503"); strings.Contains(answer, "Retry-After") {
			t.Error("it asks to be left alone")
		}
		if got := b.count("busy_total", "trunk", "in", "direction", "in", "reason", "channels"); got != 1 {
			t.Errorf("%v", got)
		}
	})
	t.Run("from a tenant, and the next candidate", func(t *testing.T) {
		b := newBed(t, one)
		b.connect(b.caller, "one")
		b.tenant.send(b.tenant.invite("two"))
		b.callees[1].expect("INVITE ") // the first one's channel is taken
		b.tenant.send(b.tenant.invite("three"))
		if answer := b.tenant.expect("SIP/2.0 480"); !strings.Contains(answer, "Reason: Q.850;cause=21") {
			t.Error(answer)
		}
		emergency := strings.ReplaceAll(b.tenant.invite("four"), simMaskA.Reveal(), "112")
		b.tenant.send(emergency)
		if out := b.callees[0].expect("INVITE "); !strings.HasPrefix(out, "INVITE sip:112@") {
			t.Error(out)
		}
	})
	t.Run("calls per second", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.Trunks[0].CPS = 1 })
		b.caller.send(b.caller.invite("one"))
		b.callees[0].expect("INVITE ")
		b.caller.send(b.caller.invite("two"))
		b.caller.expect("SIP/2.0 503")
	})
	t.Run("flood", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.Trunks[0].CPS = 1 })
		for range 400 {
			b.caller.send(b.caller.other("OPTIONS"))
		}
		eventually(t, "some are dropped", func() bool { return b.count("dropped_total", "reason", "flood") > 0 })
		b.tenant.send(b.tenant.other("OPTIONS"))
		b.tenant.expect("SIP/2.0 200") // others are served
	})
	t.Run("calls in memory", func(t *testing.T) {
		b := newBed(t, func(c *Config) { c.MaxCalls = 1 })
		b.caller.send(b.caller.invite("one"))
		b.callees[0].expect("INVITE ")
		b.caller.send(b.caller.invite("two"))
		b.caller.expect("SIP/2.0 503")
	})
}

func TestPeerPlans(t *testing.T) {
	b := newBed(t, nil)
	plan := routing.Plan{Present: simMaskB, To: routing.Endpoint{Kind: routing.ToPeer, Name: "desk@" + b.tenant.addr.String()}}
	ev := b.edge.plan(&plan, 1)
	if ev.refused != nil || len(ev.candidates) != 1 || ev.candidates[0].trunk.Name != "pbx" || ev.user != "desk" {
		t.Fatalf("%+v", ev)
	}
	for _, name := range []string{"desk@192.0.2.1:5060", "desk@" + b.caller.addr.String(), "desk", "@" + b.tenant.addr.String(), "desk@host"} {
		plan.To.Name = name
		if ev := b.edge.plan(&plan, 1); ev.refused == nil || ev.refused.code != 480 {
			t.Errorf("%s: %+v", name, ev)
		}
	}
	plan.To = routing.Endpoint{Kind: routing.ToAccount, Name: "shop"}
	if ev := b.edge.plan(&plan, 1); ev.refused == nil || ev.refused.code != 480 {
		t.Errorf("an SMS account: %+v", ev)
	}
}

func TestConfigFaults(t *testing.T) {
	good := Config{Listen: []Listen{{Addr: "udp://127.0.0.1:0"}}, Trunks: []TrunkConfig{{Name: "x", Tenant: "shop", Addr: "127.0.0.1"}}}
	cases := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nothing to listen on", func(c *Config) { c.Listen = nil }, "listen"},
		{"two of a name", func(c *Config) { c.Trunks = append(c.Trunks, c.Trunks[0]) }, "two of this name"},
		{"carrier that is none", func(c *Config) { c.Trunks[0].Tenant, c.Trunks[0].Carrier = "", "nobody" }, "no carrier"},
		{"listen on a name", func(c *Config) { c.Listen[0].Addr = "udp://localhost:0" }, "not an address"},
		{"no listener of a trunk's transport", func(c *Config) { c.Listen[0].Addr = "tcp://127.0.0.1:0" }, "local"},
		{"listen on what is no transport", func(c *Config) { c.Listen[0].Addr = "ws://127.0.0.1:0" }, "not udp, tcp or tls"},
		{"TLS without a certificate", func(c *Config) { c.Listen[0].Addr = "tls://127.0.0.1:0" }, "certificate"},
		{"listen everywhere without a name", func(c *Config) { c.Listen[0].Addr = "udp://0.0.0.0:0" }, "advertise"},
		{"advertise that is no address", func(c *Config) { c.Listen[0].Advertise = "a>b:5060" }, "host:port"},
		{"advertise without a port", func(c *Config) { c.Listen[0].Advertise = "sip.example.com" }, "host:port"},
		{"local that is no socket", func(c *Config) { c.Trunks[0].Local = "192.0.2.1" }, "local"},
		{"trunk of the other IP version", func(c *Config) { c.Trunks[0].Addr = "[2001:db8::1]:5060" }, "local"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			cfg.Listen = append([]Listen(nil), good.Listen...)
			cfg.Trunks = append([]TrunkConfig(nil), good.Trunks...)
			c.change(&cfg)
			router, err := routing.New(nil, routing.Config{}, prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			e, err := New(cfg, router, &fakeMedia{}, zap.NewNop(), prometheus.NewRegistry())
			if err == nil {
				err = e.Listen()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}
