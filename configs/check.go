package configs

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// checker finds contradictions: keys that are right alone and wrong together. A
// check that depends on a key with a fault of its own stays silent.
type checker struct {
	*Config
	d *decoder
}

func check(cfg *Config, d *decoder) {
	c := &checker{cfg, d}
	c.names()
	c.listeners()
	c.store()
	c.api()
	c.smpp()
	c.carriers()
	c.sip()
	c.media()
	c.routing()
	c.unavailable()
}

// fault reports at a key, unless it or anything under the keys that it depends
// on has a fault already.
func (c *checker) fault(path, problem string, depends ...string) {
	if c.d.bad[path] || slices.ContainsFunc(depends, func(other string) bool { return c.d.tainted[other] }) {
		return
	}
	c.d.fault(path, c.line(path), "%s", problem)
}

// line is where a key stands, else where the section begins that leaves it out.
func (c *checker) line(path string) int {
	for path != "" {
		if line, given := c.d.lines[path]; given {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

func (c *checker) given(path string) bool {
	_, given := c.d.lines[path]
	return given
}

// each is the path of one key in every entry of a list.
func each(list, key string, n int) []string {
	var paths []string
	for i := range n {
		paths = append(paths, under(entry(list, i), key))
	}
	return paths
}

func entry(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// names checks that names are unique and that references meet something.
func (c *checker) names() {
	tenants, carriers := newDirectory("tenants"), newDirectory("carriers")
	for i := range c.Tenants {
		c.unique(tenants, string(c.Tenants[i].Name), under(entry("tenants", i), "name"))
	}
	for i := range c.Carriers {
		c.unique(carriers, string(c.Carriers[i].Name), under(entry("carriers", i), "name"))
	}
	accounts := newDirectory("smpp.accounts")
	for i := range c.SMPP.Accounts {
		a, path := &c.SMPP.Accounts[i], entry("smpp.accounts", i)
		c.unique(accounts, a.SystemID, under(path, "system_id"))
		c.refers(tenants, a.Tenant, under(path, "tenant"))
		c.refers(carriers, a.Carrier, under(path, "carrier"))
	}
	for i := range c.SIP.Peers {
		c.refers(tenants, c.SIP.Peers[i].Tenant, under(entry("sip.peers", i), "tenant"))
	}
	c.refers(carriers, c.Routing.Emergency.Trunk, "routing.emergency.trunk")
	c.rules(tenants)
}

// directory is the names of a list, each with the key that gives it.
type directory struct {
	list       string
	keys       map[string]string
	incomplete bool // a name has a fault: others may be meant to refer to it
}

func newDirectory(list string) *directory { return &directory{list: list, keys: map[string]string{}} }

func (c *checker) unique(known *directory, name, path string) {
	if c.d.bad[path] || c.d.bad[known.list] || name == "" {
		known.incomplete = true
		return
	}
	if first, repeated := known.keys[name]; repeated {
		c.fault(path, fmt.Sprintf("is the same as %s on line %d; expected a name of its own", first, c.line(first)))
		return
	}
	known.keys[name] = path
}

func (c *checker) refers(known *directory, name Name, path string) {
	if _, found := known.keys[string(name)]; found || name == "" || known.incomplete || c.d.bad[known.list] || c.d.full() {
		return
	}
	const few = 10
	names, problem := slices.Sorted(maps.Keys(known.keys)), fmt.Sprintf("is the name of none of the %s; ", known.list)
	near := nearest(string(name), names)
	switch {
	case near != "":
		problem += "did you mean " + near + "?"
	case len(names) == 0:
		problem += "expected an entry there"
	case len(names) <= few:
		problem += "expected " + oneOf(names)
	default:
		problem += "expected one of them"
	}
	c.fault(path, problem)
}

// socket is an address that something listens on.
type socket struct {
	path string
	udp  bool
	addr netip.AddrPort
}

// listeners checks that no two listeners want the same port.
func (c *checker) listeners() {
	sockets := c.sockets()
	for i, s := range sockets {
		for _, before := range sockets[:i] {
			if s.udp != before.udp || !overlap(s.addr, before.addr) {
				continue
			}
			problem := fmt.Sprintf("listens where %s on line %d does; expected another port", before.path, c.line(before.path))
			if s.path == "api.metrics_listen" {
				problem = fmt.Sprintf("listens where %s does; expected another port, or no such key", before.path)
			}
			c.fault(s.path, problem, before.path)
			break
		}
	}
}

// sockets lists the listeners; port 0 is left out, it never meets another.
func (c *checker) sockets() []socket {
	all := []socket{{"api.listen", false, c.API.Listen}, {"api.metrics_listen", false, c.API.MetricsListen}}
	for i := range c.SMPP.Listen {
		all = append(all, socket{under(entry("smpp.listen", i), "addr"), false, c.SMPP.Listen[i].Addr})
	}
	for i := range c.SIP.Listen {
		a := c.SIP.Listen[i].Addr
		if ip, isIP := a.IP(); isIP {
			all = append(all, socket{under(entry("sip.listen", i), "addr"), a.Transport == "udp", netip.AddrPortFrom(ip, a.Port)})
		}
	}
	used := all[:0]
	for _, s := range all {
		if s.addr.Port() != 0 {
			used = append(used, s)
		}
	}
	return used
}

// overlap reports whether two listeners want the same port of the same address.
// [::] takes the IPv4 ports too.
func overlap(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && overlapIP(a.Addr(), b.Addr())
}

func overlapIP(a, b netip.Addr) bool {
	everything := netip.IPv6Unspecified()
	return a == b || a == everything || b == everything ||
		(a.Is4() == b.Is4() && (a.IsUnspecified() || b.IsUnspecified()))
}

// store checks the database section.
func (c *checker) store() {
	if c.Database.URL.Reveal() == "" && c.Database.Sync != SyncAuto {
		c.fault("database.sync", "is about Postgres, but database.url is empty; expected auto, or a URL", "database.url")
	}
	switch slot := c.Database.Slot; {
	case slot == "":
	case strings.Trim(slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		c.fault("database.slot", "is not a slot's name; expected a to z, 0 to 9 and _")
	case c.Database.URL.Reveal() == "":
		c.fault("database.slot", "is about Postgres, but database.url is empty; expected none, or a URL", "database.url")
	case c.Database.Sync == SyncChangelog:
		c.fault("database.slot", "is about logical replication, but database.sync is changelog; expected none, or another sync", "database.sync")
	}
}
