package sip

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"maskline/sip/naming"
)

// TestClaims has a trunk's name answered with addresses that the configuration gives
// to somebody.
func TestClaims(t *testing.T) {
	const own, others = "192.0.2.7", "198.51.100.7"
	cases := []struct {
		name    string
		trunks  []TrunkConfig // beside the named one of carrier alfa
		allow   []netip.Prefix
		answer  []string
		targets string
		source  string // whose a message from the first address is
		refused float64
	}{
		{name: "nobody's", answer: []string{own, others}, targets: "[192.0.2.7:5060 198.51.100.7:5060]", source: "named"},
		{
			name: "in a neighbour's network", trunks: []TrunkConfig{{Name: "bravo", Carrier: "bravo", Allow: prefixes("192.0.2.0/24")}},
			answer: []string{own, others}, targets: "[198.51.100.7:5060]", source: "bravo", refused: 1,
		},
		{
			name: "a neighbour's addr", trunks: []TrunkConfig{{Name: "pbx", Tenant: "shop", Addr: "udp://192.0.2.7:5070"}},
			answer: []string{own, others}, targets: "[198.51.100.7:5060]", source: "pbx", refused: 1,
		},
		{
			name: "all of it", trunks: []TrunkConfig{{Name: "bravo", Carrier: "bravo", Allow: prefixes("192.0.2.0/24")}},
			answer: []string{own}, targets: "[]", source: "bravo", refused: 1,
		},
		{
			name: "in another trunk's network, of the same carrier", trunks: []TrunkConfig{{Name: "alfa/2", Carrier: "alfa", Allow: prefixes("192.0.2.0/24")}},
			answer: []string{own}, targets: "[192.0.2.7:5060]", source: "named",
		},
		{
			name: "in the trunk's own network and a neighbour's", trunks: []TrunkConfig{{Name: "bravo", Carrier: "bravo", Allow: prefixes("192.0.2.0/24")}},
			allow: prefixes("192.0.2.0/28"), answer: []string{own}, targets: "[192.0.2.7:5060]", source: "named",
		},
		{
			name: "in the trunk's own network, and a neighbour's very address", trunks: []TrunkConfig{{Name: "bravo", Carrier: "bravo", Allow: prefixes("192.0.2.7/32")}},
			allow: prefixes("192.0.2.0/28"), answer: []string{own}, targets: "[192.0.2.7:5060]", source: "bravo",
		},
		{
			name: "in a network of everybody", trunks: []TrunkConfig{{Name: "pbx", Tenant: "shop", Allow: prefixes("0.0.0.0/0"), AuthIn: AuthIn{Username: "u", Password: "p"}}},
			answer: []string{own}, targets: "[192.0.2.7:5060]", source: "named",
		},
		{
			name:   "of a neighbour that is known by its certificate",
			trunks: []TrunkConfig{{Name: "bravo", Carrier: "bravo", Allow: prefixes("192.0.2.0/24"), TLS: ClientTLS{Peer: []string{"bravo.example"}}}},
			answer: []string{own}, targets: "[192.0.2.7:5060]", source: "named",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dns := &fakeDNS{hosts: map[string][]netip.Addr{"alfa.example": addrs(c.answer...)}}
			b := newBed(t, func(cfg *Config) {
				cfg.Resolver = dns
				for i := range c.trunks {
					c.trunks[i].Probe.Every = -1
					if c.trunks[i].Carrier != "" && c.trunks[i].Carrier != "alfa" {
						c.trunks[i].Carrier, c.trunks[i].Tenant = "", "shop" // the bed has one carrier
					}
				}
				cfg.Trunks = append(c.trunks, TrunkConfig{Name: "named", Carrier: "alfa", Addr: "udp://alfa.example:5060", Allow: c.allow, Probe: Probe{Every: -1}})
			})
			named := b.edge.set().byName["named"]
			eventually(t, "it is looked up", func() bool { return named.resolved.Load() != nil || named.state.stale.Load() })
			if got := fmt.Sprint(named.targets(0, time.Now())); got != c.targets {
				t.Errorf("%s, want %s", got, c.targets)
			}
			if got := b.edge.set().matcher.find(netip.MustParseAddrPort(own + ":5060")); got == nil || got.Name != c.source {
				t.Errorf("the source is taken for %v", got)
			}
			if got := b.count("names_refused_total", "trunk", "named"); (got > 0) != (c.refused > 0) {
				t.Errorf("%v refused", got)
			}
			if n := b.log.FilterMessageSnippet("gives to another neighbour").Len(); float64(n) != c.refused {
				t.Errorf("told %d times", n)
			}
		})
	}
}

// TestClaimAfterReload has an address that was a name's given to a neighbour.
func TestClaimAfterReload(t *testing.T) {
	dns := &fakeDNS{hosts: map[string][]netip.Addr{"alfa.example": addrs("192.0.2.7")}, lives: map[string]time.Duration{"alfa.example": time.Hour}}
	b := newBed(t, func(c *Config) {
		c.Resolver = dns
		c.Trunks = append(c.Trunks, TrunkConfig{Name: "named", Carrier: "alfa", Addr: "udp://alfa.example:5060", Probe: Probe{Every: -1}})
	})
	source := netip.MustParseAddrPort("192.0.2.7:5060")
	owner := func() string {
		if got := b.edge.set().matcher.find(source); got != nil {
			return got.Name
		}
		return ""
	}
	eventually(t, "the name is known", func() bool { return owner() == "named" })
	trunks := append(b.trunks, TrunkConfig{Name: "new", Tenant: "shop", Allow: prefixes("192.0.2.0/24"), Probe: Probe{Every: -1}})
	apply, err := b.edge.Prepare(Config{Trunks: trunks})
	if err != nil {
		t.Fatal(err)
	}
	apply()
	if got := owner(); got != "new" {
		t.Errorf("the source is taken for %q", got)
	}
	named := b.edge.set().byName["named"]
	eventually(t, "the address is called no more", func() bool { return len(named.targets(0, time.Now())) == 0 })
	if got := b.count("names_refused_total", "trunk", "named"); got != 1 || named.allows(source.Addr()) {
		t.Errorf("%v refused; its source is allowed: %v", got, named.allows(source.Addr()))
	}
}

// TestKeptAnswers has DNS fail in part or whole once a name was known.
func TestKeptAnswers(t *testing.T) {
	const last = "[192.0.2.1:5060 192.0.2.2:5060]"
	cases := []struct {
		name, deafTo string
		away         bool
	}{
		{name: "nobody answers", away: true},
		{name: "no NAPTR", deafTo: "naptr"},
		{name: "no SRV", deafTo: "_sip"},
		{name: "one host of two", deafTo: "b.alfa"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dns := &fakeDNS{
				srv: map[string][]naming.SRV{"_sip._udp.alfa.example": {
					{Target: "a.alfa.example", Port: 5060, Priority: 1}, {Target: "b.alfa.example", Port: 5060, Priority: 2},
				}},
				hosts: map[string][]netip.Addr{"a.alfa.example": addrs("192.0.2.1"), "b.alfa.example": addrs("192.0.2.2")},
			}
			b := newBed(t, func(cfg *Config) {
				cfg.Resolver, cfg.DNSRefresh = dns, 20*time.Millisecond
				cfg.Trunks = append(cfg.Trunks, TrunkConfig{Name: "named", Carrier: "alfa", Addr: "udp://alfa.example", Probe: Probe{Every: -1}})
			})
			targets := func() string { return fmt.Sprint(b.edge.set().byName["named"].targets(0, time.Now())) }
			eventually(t, "the name is known", func() bool { return targets() == last })
			dns.set(func(d *fakeDNS) { d.deafTo, d.away = c.deafTo, c.away })
			failures := func() float64 { return b.count("lookup_failures_total", "trunk", "named") }
			eventually(t, "lookups fail", func() bool { return failures() > 2 })
			if got := targets(); got != last {
				t.Errorf("%s, want %s", got, last)
			}
			if got := b.count("name_stale", "trunk", "named"); got != 1 {
				t.Errorf("name_stale is %v", got)
			}
			if n := b.log.FilterMessageSnippet("is not found; its last").Len(); n != 1 {
				t.Errorf("told %d times", n)
			}
			dns.set(func(d *fakeDNS) {
				d.deafTo, d.away, d.hosts["b.alfa.example"] = "", false, addrs("192.0.2.3")
			})
			eventually(t, "the answer is another", func() bool { return targets() == "[192.0.2.1:5060 192.0.2.3:5060]" })
			eventually(t, "it is told", func() bool { return b.log.FilterMessageSnippet("is found again").Len() == 1 })
		})
	}
}

// TestNeverNAPTR has servers that never answer for NAPTR: what they do answer counts,
// and changes.
func TestNeverNAPTR(t *testing.T) {
	dns := &fakeDNS{hosts: map[string][]netip.Addr{"alfa.example": addrs("192.0.2.1")}, deafTo: "naptr"}
	b := newBed(t, func(cfg *Config) {
		cfg.Resolver, cfg.DNSRefresh = dns, 20*time.Millisecond
		cfg.Trunks = append(cfg.Trunks, TrunkConfig{Name: "named", Carrier: "alfa", Addr: "udp://alfa.example", Probe: Probe{Every: -1}})
	})
	for _, want := range []string{"192.0.2.1", "192.0.2.2"} {
		dns.set(func(d *fakeDNS) { d.hosts["alfa.example"] = addrs(want) })
		eventually(t, "the name is known", func() bool {
			return fmt.Sprint(b.edge.set().byName["named"].targets(0, time.Now())) == "["+want+":5060]"
		})
	}
}

// TestAnswersLast has a name looked up again when its answer runs out, and one of a
// long life not.
func TestAnswersLast(t *testing.T) {
	dns := &fakeDNS{
		hosts: map[string][]netip.Addr{"short.example": addrs("192.0.2.1"), "long.example": addrs("192.0.2.2")},
		lives: map[string]time.Duration{"long.example": time.Hour},
	}
	b := newBed(t, func(cfg *Config) {
		cfg.Resolver = dns
		for _, name := range []string{"short", "long"} {
			cfg.Trunks = append(cfg.Trunks, TrunkConfig{Name: name, Carrier: "alfa", Addr: "udp://" + name + ".example:5060", Probe: Probe{Every: -1}})
		}
	})
	times := func(name string) (n int) {
		dns.set(func(d *fakeDNS) {
			for _, one := range d.lookedUp {
				if one == name {
					n++
				}
			}
		})
		return n
	}
	eventually(t, "one is looked up often", func() bool { return times("short.example") > 5 })
	b.stop()
	if n := times("long.example"); n != 1 {
		t.Errorf("the other one was looked up %d times", n)
	}
}
