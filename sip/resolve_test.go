package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/routing"
	"maskline/sip/naming"
)

// fakeDNS answers from three tables.
type fakeDNS struct {
	mu       sync.Mutex
	naptr    map[string][]naming.NAPTR
	srv      map[string][]naming.SRV
	hosts    map[string][]netip.Addr
	lives    map[string]time.Duration // of names; otherwise 20 ms
	away     bool
	deafTo   string // names with this in them
	lookedUp []string
}

// asked notes a question; the answer holds for life.
func (d *fakeDNS) asked(name string) (life time.Duration, err error) {
	d.lookedUp = append(d.lookedUp, name)
	if d.away || d.deafTo != "" && strings.Contains(name, d.deafTo) {
		return 0, errors.New("no answer")
	}
	if life, ok := d.lives[name]; ok {
		return life, nil
	}
	return 20 * time.Millisecond, nil
}

func (d *fakeDNS) NAPTR(_ context.Context, name string) ([]naming.NAPTR, time.Duration, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	life, err := d.asked("naptr " + name)
	if err != nil {
		return nil, 0, err
	}
	return d.naptr[name], life, nil
}

func (d *fakeDNS) SRV(_ context.Context, name string) ([]naming.SRV, time.Duration, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	life, err := d.asked(name)
	if err != nil {
		return nil, 0, err
	}
	return d.srv[name], life, nil
}

func (d *fakeDNS) Addrs(_ context.Context, _, host string) ([]netip.Addr, time.Duration, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	life, err := d.asked(host)
	if err != nil {
		return nil, 0, err
	}
	return d.hosts[host], life, nil
}

func (d *fakeDNS) set(change func(*fakeDNS)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func addrs(texts ...string) (list []netip.Addr) {
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

func TestLookup(t *testing.T) {
	dns := &fakeDNS{
		srv: map[string][]naming.SRV{
			"_sip._udp.alfa.example":  {{Target: "b.alfa.example", Port: 5071, Priority: 20}, {Target: "a.alfa.example", Port: 5070, Priority: 10, Weight: 5}},
			"_sips._tcp.alfa.example": {{Target: "a.alfa.example", Port: 5061}},
			"_sip._tcp.gone.example":  {{Target: ".", Port: 0}},
			"_sip._udp.tel.example":   {{Target: "b.alfa.example", Port: 5072}},
			"_sip._udp.far.example":   {{Target: "a.alfa.example", Port: 5073, Priority: 1}},
			"_sips._tcp.far.example":  {{Target: "b.alfa.example", Port: 5074}},
			"_sip._udp.half.example":  {{Target: "nowhere.example", Port: 5060, Priority: 1}, {Target: "a.alfa.example", Port: 5060, Priority: 2}},
		},
		naptr: map[string][]naming.NAPTR{
			"ptr.example": {
				{Order: 20, Preference: 1, Flags: "S", Service: "SIP+D2U", Replacement: "_sip._udp.alfa.example"},
				{Order: 10, Preference: 9, Flags: "S", Service: "SIP+D2U", Replacement: "_sip._udp.tel.example"},
				{Order: 10, Preference: 5, Flags: "S", Service: "SIP+D2U", Replacement: "_sip._udp.far.example"},
				{Order: 5, Preference: 1, Flags: "S", Service: "SIPS+D2T", Replacement: "_sips._tcp.far.example"},
				{Order: 1, Preference: 1, Flags: "U", Service: "SIP+D2U", Replacement: "_sip._udp.alfa.example"},
			},
			"b.alfa.example": {{Flags: "S", Service: "SIP+D2T", Replacement: "_sip._tcp.alfa.example"}},
			"plain.example":  {{Flags: "S", Service: "SIP+D2U", Replacement: "_sip._udp.nowhere.example"}},
		},
		hosts: map[string][]netip.Addr{
			"ptr.example":    addrs("192.0.2.66"),
			"a.alfa.example": addrs("192.0.2.1", "192.0.2.2", "2001:db8::1"), "b.alfa.example": addrs("192.0.2.3", "224.0.0.1", "0.0.0.0"),
			"plain.example": addrs("::ffff:192.0.2.9"),
		},
	}
	cases := []struct{ name, addr, want string }{
		{"SRV by priority, every address", "udp://alfa.example", "[192.0.2.1:5070 192.0.2.2:5070 192.0.2.3:5071]"},
		{"TLS", "tls://alfa.example", "[192.0.2.1:5061 192.0.2.2:5061]"},
		{"no SRV", "udp://plain.example", "[192.0.2.9:5060]"},
		{"no SRV, TLS", "tls://plain.example", "[192.0.2.9:5061]"},
		{"a port leaves SRV out", "tcp://a.alfa.example:5099", "[192.0.2.1:5099 192.0.2.2:5099]"},
		{"the service is not there", "tcp://gone.example", "[]"},
		{"one host of two is unknown", "udp://half.example", "[192.0.2.1:5060 192.0.2.2:5060]"},
		{"NAPTR of the lowest order, by preference", "udp://ptr.example", "[192.0.2.1:5073 192.0.2.2:5073 192.0.2.3:5072]"},
		{"NAPTR for TLS", "tls://ptr.example", "[192.0.2.3:5074]"},
		{"NAPTR for other transports alone", "tcp://ptr.example", "[192.0.2.66:5060]"},
		{"NAPTR without SRV behind it", "udp://plain.example", "[192.0.2.9:5060]"},
		{"a port leaves NAPTR out", "udp://ptr.example:5099", "[192.0.2.66:5099]"},
		{"unknown", "udp://nowhere.example", "[]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tr, err := newTrunk(TrunkConfig{Name: "x", Tenant: "shop", Addr: c.addr}, nil)
			if err != nil {
				t.Fatal(err)
			}
			tr.is4 = true // there is no socket for IPv6
			l := lookup{dns: dns, trunk: tr}
			l.find(t.Context())
			if got := fmt.Sprint(order(l.targets, 0)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestOrder draws many times: priorities hold, weights share, and every target
// comes once.
func TestOrder(t *testing.T) {
	at := func(n uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), n) }
	one := func(n, priority, weight uint16) target {
		return target{addrs: []netip.AddrPort{at(n)}, priority: priority, weight: weight}
	}
	targets := []target{one(4, 20, 0), one(1, 10, 70), one(2, 10, 30), one(5, 20, 0), one(3, 10, 0)}
	const draws = 10_000
	first := map[uint16]int{}
	fourth := map[uint16]int{}
	for draw := range uint64(draws) {
		list := order(targets, draw*0x9E3779B97F4A7C15)
		first[list[0].Port()]++
		fourth[list[3].Port()]++
		slices.SortFunc(list, func(a, b netip.AddrPort) int { return int(a.Port()) - int(b.Port()) })
		for i, one := range list {
			if one != at(uint16(i+1)) {
				t.Fatalf("%v", list)
			}
		}
	}
	if n := first[1]; n < 6500 || n > 7500 {
		t.Errorf("weight 70 of 100 comes first %d times of %d", n, draws)
	}
	if first[3] > 300 || first[4]+first[5] > 0 {
		t.Errorf("%v", first)
	}
	if n := fourth[4]; n < 4000 || n > 6000 {
		t.Errorf("equal weights: %v", fourth)
	}
}

// TestNamedTrunk has a carrier whose first address is dead. DNS then goes away,
// comes back with another answer, and calls go on all the time.
func TestNamedTrunk(t *testing.T) {
	dead, live := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	_ = dead.conn.Close()
	dns := &fakeDNS{
		srv: map[string][]naming.SRV{"_sip._udp.alfa.example": {
			{Target: "dead.example", Port: dead.addr.Port(), Priority: 1}, {Target: "live.example", Port: live.addr.Port(), Priority: 2},
		}},
		hosts: map[string][]netip.Addr{"dead.example": addrs("127.0.0.2"), "live.example": addrs("127.0.0.3")},
	}
	b := newBed(t, func(c *Config) {
		c.Listen[0] = Listen{Addr: "udp://0.0.0.0:0", Advertise: "127.0.0.1:5060"}
		c.Resolver, c.DNSRefresh = dns, 20*time.Millisecond
		c.Trunks[1].Addr, c.Trunks[1].Allow = "udp://alfa.example", nil
		c.Trunks[2].Addr = "udp://127.0.0.1:9" // nobody
	}, func(e *Edge) {
		decide := e.decide
		e.decide = func(req *routing.Request) evRouted {
			ev := decide(req)
			ev.candidates = e.candidates(nil, e.router.Carrier("alfa"), e.set().list[1], 1)
			return ev
		}
	})
	edge := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), b.addr.Port())
	b.caller.edge, live.edge = edge, edge
	b.callees[0] = live
	known := func() bool { return b.edge.Trunks()[1].Up && len(b.edge.set().list[1].targets(0, time.Now())) > 0 }
	eventually(t, "the name is known", known)
	d := b.connect(b.caller, "one") // its answers come from an address that DNS alone allows
	if want := "INVITE sip:" + simBob.Reveal() + "@alfa.example SIP/2.0"; firstLine([]byte(d.invite))[:len(want)] != want {
		t.Errorf("%s", firstLine([]byte(d.invite)))
	}
	if got := b.count("attempts_total", "trunk", "out0", "outcome", "unreachable"); got != 1 {
		t.Errorf("%v", got)
	}
	if all := b.edge.set().list[1].targets(0, time.Now()); all[0] != live.addr {
		t.Errorf("the dead address is tried first again: %v", all)
	}
	b.hangUp(b.caller, d)

	dns.set(func(d *fakeDNS) { d.away = true })
	eventually(t, "lookups fail", func() bool { return b.count("lookup_failures_total", "trunk", "out0") > 1 })
	d = b.connect(b.caller, "two")

	dns.set(func(d *fakeDNS) {
		d.away, d.hosts["live.example"], d.hosts["dead.example"] = false, addrs("127.0.0.4"), nil
	})
	eventually(t, "the answer is another", func() bool {
		return b.edge.set().list[1].targets(0, time.Now())[0].Addr() == netip.MustParseAddr("127.0.0.4")
	})
	live.send(live.toDialog("BYE", d.invite, 5)) // the call still stands where the name was
	live.expect("SIP/2.0 200")
	b.caller.expect("BYE ")
	b.checkLog()
}

// TestNamedTrunkIsProbed asks the addresses of a name in turn until one answers.
func TestNamedTrunkIsProbed(t *testing.T) {
	dead, live := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	_ = dead.conn.Close()
	dns := &fakeDNS{srv: map[string][]naming.SRV{"_sip._udp.alfa.example": {
		{Target: "dead.example", Port: dead.addr.Port(), Priority: 1}, {Target: "live.example", Port: live.addr.Port(), Priority: 2},
	}}, hosts: map[string][]netip.Addr{"dead.example": addrs("127.0.0.2"), "live.example": addrs("127.0.0.3")}}
	b := newBed(t, func(c *Config) {
		c.Listen[0] = Listen{Addr: "udp://0.0.0.0:0", Advertise: "127.0.0.1:5060"}
		c.Resolver, c.DNSRefresh = dns, 20*time.Millisecond
		c.Trunks[1].Addr, c.Trunks[1].Allow = "udp://alfa.example", nil
		c.Trunks[1].Probe = Probe{Every: 50 * time.Millisecond}
	})
	live.edge = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), b.addr.Port())
	live.send(live.reply(live.expect("OPTIONS sip:alfa.example SIP/2.0"), 200, ""))
	eventually(t, "it is up", func() bool { return b.edge.Trunks()[1].Up })
}

// stuckDNS never answers for one host.
type stuckDNS struct {
	fakeDNS
	stuck string
	free  chan struct{}
}

func (d *stuckDNS) Addrs(ctx context.Context, network, host string) ([]netip.Addr, time.Duration, error) {
	if host == d.stuck {
		<-d.free
	}
	return d.fakeDNS.Addrs(ctx, network, host)
}

// TestNameBesideAStuckOne has calls come from a name, and answers be heard from there,
// while the lookup of another one hangs.
func TestNameBesideAStuckOne(t *testing.T) {
	live := newPeer(t, "127.0.0.3")
	dns := &stuckDNS{
		fakeDNS: fakeDNS{hosts: map[string][]netip.Addr{"live.example": addrs("127.0.0.3")}},
		stuck:   "stuck.example", free: make(chan struct{}),
	}
	b := newBed(t, func(c *Config) {
		c.Listen[0] = Listen{Addr: "udp://0.0.0.0:0", Advertise: "127.0.0.1:5060"}
		c.Resolver = dns
		c.Trunks[1].Addr, c.Trunks[1].Allow = "udp://stuck.example:5060", nil
		c.Trunks[2].Addr, c.Trunks[2].Allow = fmt.Sprintf("udp://live.example:%d", live.addr.Port()), nil
		c.Trunks[2].Probe.Every = 50 * time.Millisecond
	})
	defer close(dns.free)
	live.edge = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), b.addr.Port())
	live.send(live.reply(live.expect("OPTIONS "), 200, ""))
	eventually(t, "it is up", func() bool { return b.edge.Trunks()[2].Up })
}
