package media

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

func TestConfig(t *testing.T) {
	ok := Config{Addr: netip.MustParseAddr("127.0.0.1"), PortMin: 20000, PortMax: 20003}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string // part of the error; empty: none
	}{
		{"plain", func(*Config) {}, ""},
		{"default ports", func(c *Config) { c.PortMin, c.PortMax = 0, 0 }, ""},
		{"advertised", func(c *Config) { c.Advertise = netip.MustParseAddr("203.0.113.5") }, ""},
		{"any address, advertised", func(c *Config) {
			c.Addr, c.Advertise = netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("203.0.113.5")
		}, ""},
		{"no address", func(c *Config) { c.Addr = netip.Addr{} }, "is missing"},
		{"any address", func(c *Config) { c.Addr = netip.MustParseAddr("::") }, "needs an advertised address"},
		{"multicast", func(c *Config) { c.Addr = netip.MustParseAddr("224.0.0.1") }, "unicast"},
		{"zone", func(c *Config) { c.Addr = netip.MustParseAddr("fe80::1%eth0") }, "zone"},
		{"two versions", func(c *Config) { c.Advertise = netip.MustParseAddr("2001:db8::1") }, "IP version"},
		{"another address", func(c *Config) { c.Others = []Address{{Addr: netip.IPv6Loopback()}} }, ""},
		{"another one, missing", func(c *Config) { c.Others = []Address{{}} }, "is missing"},
		{"the same address twice", func(c *Config) { c.Others = []Address{{Addr: c.Addr}} }, "there twice"},
		{"the same advertised twice", func(c *Config) {
			c.Others = []Address{{Addr: netip.MustParseAddr("127.0.0.2"), Advertise: c.Addr}}
		}, "there twice"},
		{"three ports", func(c *Config) { c.PortMax = 20002 }, "hold no call"},
		{"upside down", func(c *Config) { c.PortMax = 19000 }, "hold no call"},
		{"four ports, odd first", func(c *Config) { c.PortMin, c.PortMax = 20001, 20004 }, "hold no call"},
		{"negative", func(c *Config) { c.Drain = -1 }, "negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := ok
			tt.change(&cfg)
			got, err := cfg.checked()
			if tt.want == "" {
				if err != nil || got.Loops < 1 || !got.Advertise.IsValid() || got.PortMax == 0 {
					t.Errorf("got %+v, error %v", got, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestNewFailsWithoutLeavingAnything(t *testing.T) {
	newPeer(t, "127.0.0.1")
	before := descriptors(t)
	cfg := Config{Addr: ownAddr(), PortMin: 20000, PortMax: 20003}
	reg := prometheus.NewRegistry()
	relay, err := New(cfg, zap.NewNop(), reg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg, zap.NewNop(), reg); err == nil || !strings.Contains(err.Error(), "registering") {
		t.Errorf("the same metrics twice: %v", err)
	}
	if err := relay.Close(); err != nil {
		t.Fatal(err)
	}
	relay, err = New(cfg, zap.NewNop(), reg)
	if err != nil {
		t.Errorf("after Close the metrics are free again: %v", err)
	} else if err := relay.Close(); err != nil {
		t.Error(err)
	}
	cfg.Backend = "fast"
	if _, err := New(cfg, zap.NewNop(), reg); err == nil || !strings.Contains(err.Error(), `"fast"`) {
		t.Errorf("unknown backend: %v", err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
