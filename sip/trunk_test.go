package sip

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func prefixes(all ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestTrunkConfig(t *testing.T) {
	good := TrunkConfig{Name: "x", Carrier: "alfa", Addr: "udp://192.0.2.1:5070"}
	cases := []struct {
		name   string
		change func(*TrunkConfig)
		want   string // part of the error; empty: accepted
	}{
		{"good", func(*TrunkConfig) {}, ""},
		{"without a scheme", func(c *TrunkConfig) { c.Addr = "192.0.2.1" }, ""},
		{"IPv6", func(c *TrunkConfig) { c.Addr = "udp://[2001:db8::1]:5070" }, ""},
		{"no name", func(c *TrunkConfig) { c.Name = "" }, "no name"},
		{"nobody's", func(c *TrunkConfig) { c.Carrier = "" }, "carrier or to a tenant"},
		{"of both", func(c *TrunkConfig) { c.Tenant = "shop" }, "carrier or to a tenant"},
		{"tcp", func(c *TrunkConfig) { c.Addr = "tcp://192.0.2.1" }, ""},
		{"tls", func(c *TrunkConfig) { c.Addr = "tls://192.0.2.1" }, ""},
		{"tls without the authorities' file", func(c *TrunkConfig) { c.Addr, c.TLS.CA = "tls://192.0.2.1", "nowhere.pem" }, "tls"},
		{"another transport", func(c *TrunkConfig) { c.Addr = "sctp://192.0.2.1" }, "not udp, tcp or tls"},
		{"a name", func(c *TrunkConfig) { c.Addr = "sip.example.com" }, ""},
		{"a name with a port", func(c *TrunkConfig) { c.Addr = "tls://sip.example.com:5071" }, ""},
		{"a name that is a bad address", func(c *TrunkConfig) { c.Addr = "udp://192.0.2.300" }, "neither an address nor a name"},
		{"a name with signs", func(c *TrunkConfig) { c.Addr = "udp://sip>example.com" }, "neither an address nor a name"},
		{"a name without a port behind the colon", func(c *TrunkConfig) { c.Addr = "udp://sip.example.com:" }, "no port"},
		{"strict and nat", func(c *TrunkConfig) { c.Strict, c.NAT = true, true }, "strict and nat"},
		{"dscp", func(c *TrunkConfig) { c.DSCP = 64 }, "dscp"},
		{"failover", func(c *TrunkConfig) { c.FailoverOn = []string{"486"} }, "failover_on"},
		{"cli header", func(c *TrunkConfig) { c.CLI.Header = []string{"rpid"} }, "cli.header"},
		{"cli format", func(c *TrunkConfig) { c.CLI.Format = "swiss" }, "cli.format"},
		{"national without a country", func(c *TrunkConfig) { c.CLI.Format = "national" }, "cli.country_code"},
		{"cli domain", func(c *TrunkConfig) { c.CLI.Domain = "a>\r\nX: y" }, "cli.domain"},
		{"nobody may use it", func(c *TrunkConfig) { c.Addr = "" }, "neither addr nor allow"},
		{"it only sends to us", func(c *TrunkConfig) { c.Addr, c.Allow = "", prefixes("192.0.2.0/24") }, ""},
		{"no network", func(c *TrunkConfig) { c.Allow = []netip.Prefix{{}} }, "not a network"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			_, err := newTrunk(cfg, nil)
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	named := func(name, addr string, allow ...string) *trunk {
		tr, err := newTrunk(TrunkConfig{Name: name, Carrier: name, Addr: addr, Allow: prefixes(allow...)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	m := newMatcher([]*trunk{
		named("wide", "", "192.0.0.0/16"),
		named("first", "", "192.0.2.0/24"),
		named("second", "192.0.2.7:5072", "192.0.2.0/24"),
		named("host", "", "192.0.2.9/32"),
		named("addr only", "198.51.100.1:5060"),
		named("six", "", "2001:db8::/32"),
	})
	cases := []struct{ source, want string }{
		{"192.0.3.1:5060", "wide"},
		{"192.0.2.1:5060", "first"},
		{"192.0.2.7:5072", "second"},
		{"192.0.2.7:5060", "first"},
		{"192.0.2.9:1", "host"},
		{"198.51.100.1:9999", "addr only"},
		{"198.51.100.2:5060", ""},
		{"[2001:db8::5]:5060", "six"},
		{"[2001:db9::5]:5060", ""},
	}
	for _, c := range cases {
		got := ""
		if tr := m.find(netip.MustParseAddrPort(c.source)); tr != nil {
			got = tr.Name
		}
		if got != c.want {
			t.Errorf("%s is of %q, want %q", c.source, got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	tr := testTrunk(t, TrunkConfig{Name: "x", Carrier: "x", Addr: "192.0.2.1", Channels: 2, CPS: 3})
	now := simStart
	for range 2 {
		if got := tr.admit(now); got != free {
			t.Fatal(got)
		}
	}
	if got := tr.engage(now, false); got != busyChannels {
		t.Fatalf("both directions share the channels: %v", got)
	}
	if got := tr.engage(now, true); got != free {
		t.Fatalf("an emergency call is held up: %v", got)
	}
	for range 3 {
		tr.leave()
	}
	if got := tr.admit(now); got != free {
		t.Fatal(got)
	}
	tr.leave()
	if got := tr.admit(now); got != busyCPS {
		t.Fatalf("the fourth call of a second: %v", got)
	}
	if got := tr.engage(now, false); got != free {
		t.Fatalf("the other direction has its own rate: %v", got)
	}
	tr.leave()
	if n := tr.state.channels.Load(); n != 0 {
		t.Fatalf("%d channels are left in use", n)
	}
	tr.hold(time.Hour, now)
	if got := tr.engage(now.Add(29*time.Second), false); got != busyHeld {
		t.Fatal(got)
	}
	if got := tr.engage(now.Add(30*time.Second), false); got != free {
		t.Fatalf("retry_after_max does not hold: %v", got)
	}
	tr.state.up.Store(false)
	if got := tr.engage(now.Add(time.Hour), false); got != busyDown {
		t.Fatal(got)
	}
}

func BenchmarkMatch(b *testing.B) {
	var all []*trunk
	for i := range 200 {
		tr, err := newTrunk(TrunkConfig{Name: "x", Carrier: "x", Addr: netip.AddrFrom4([4]byte{192, 0, byte(i), 1}).String()}, nil)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, tr)
	}
	m := newMatcher(all)
	source := netip.MustParseAddrPort("192.0.150.1:5060")
	b.ReportAllocs()
	for b.Loop() {
		if m.find(source) == nil {
			b.Fatal("not found")
		}
	}
}

// TestHoldOutlivesNoClock sets the clock back: a trunk that asked for seconds is
// not left alone for the hour.
func TestHoldOutlivesNoClock(t *testing.T) {
	tr, err := newTrunk(TrunkConfig{Name: "x", Carrier: "alfa", Addr: "udp://192.0.2.1", Probe: Probe{Every: -1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr.initState()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	tr.hold(10*time.Second, now)
	if got := tr.engage(now.Add(time.Second), false); got != busyHeld {
		t.Fatalf("not held: %v", got)
	}
	if got := tr.engage(now.Add(-time.Hour), false); got != free {
		t.Fatalf("held by the clock: %v", got)
	}
}
