package configs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// leastSession is the shortest session timer. RFC 4028 §4.
const leastSession = 90 * time.Second

// sip checks listeners, and the trunks of carriers and tenants.
func (c *checker) sip() {
	for i := range c.SIP.Listen {
		c.sipListen(&c.SIP.Listen[i], entry("sip.listen", i))
	}
	c.sipAuth(&c.SIP.Auth)
	c.resolver()
	names := trunkNames{}
	for i := range c.SIP.Peers {
		p, path := &c.SIP.Peers[i], entry("sip.peers", i)
		c.trunk(&p.Trunk, path)
		c.trunkName(names, p.Tenant, &p.Trunk, path)
	}
	names = trunkNames{}
	for i := range c.Carriers {
		for j := range c.Carriers[i].SIP {
			t, path := &c.Carriers[i].SIP[j], entry(under(entry("carriers", i), "sip"), j)
			c.trunk(t, path)
			c.trunkName(names, c.Carriers[i].Name, t, path)
		}
	}
	if len(c.SIP.Listen) == 0 {
		if path := c.firstTrunk(); path != "" {
			c.fault(path, "has no listener to send and receive through; expected an entry in sip.listen", "sip.listen")
		}
	}
}

// resolver checks the DNS servers.
func (c *checker) resolver() {
	for i, addr := range c.SIP.Resolver {
		switch path := entry("sip.resolver", i); {
		case addr.Port() == 0:
			c.fault(path, "has port 0; expected the server's, 53 as a rule")
		case addr.Addr().IsUnspecified():
			c.fault(path, "is no address of a server; expected the one to ask")
		case slices.Contains(c.SIP.Resolver[:i], addr):
			c.fault(path, "is in the list already; expected it once", entry("sip.resolver", slices.Index(c.SIP.Resolver, addr)))
		}
	}
}

func (c *checker) firstTrunk() string {
	for i := range c.Carriers {
		if len(c.Carriers[i].SIP) > 0 {
			return under(entry("carriers", i), "sip")
		}
	}
	if len(c.SIP.Peers) > 0 {
		return "sip.peers"
	}
	return ""
}

func (c *checker) sipListen(l *SIPListen, path string) {
	addr, advertise, secure := under(path, "addr"), under(path, "advertise"), under(path, "tls")
	c.serverTLS(&l.TLS, secure)
	switch {
	case l.Addr.Transport == "tls" && l.TLS.Cert == "":
		c.fault(under(secure, "cert"), "is missing, and addr is tls://; expected cert and key", addr)
	case l.Addr.Transport != "tls" && l.Addr.Host != "" && l.TLS != (ServerTLS{}):
		c.fault(secure, "is given, and addr is not tls://; expected it there alone", addr)
	}
	if l.Sockets > 0 && l.Addr.Transport != "udp" && l.Addr.Host != "" {
		c.fault(under(path, "sockets"), "is given, and addr is not udp://; expected it there alone", addr)
	}
	ip, isIP := l.Addr.IP()
	switch {
	case l.Addr.Host == "":
	case !isIP:
		c.fault(addr, "is a name; expected an IP address")
	case ip.IsMulticast():
		c.fault(addr, "is a multicast address; expected one of this host")
	case ip.IsUnspecified() && l.Advertise.Host == "":
		c.fault(advertise, "is missing, and addr is every address; expected what others reach this listener by", addr)
	}
	if told, isIP := l.Advertise.IP(); isIP && (told.IsUnspecified() || told.IsMulticast()) {
		c.fault(advertise, "cannot be reached by anybody; expected the address that others use")
	}
}

// trunkNames are the paths of the trunks that have a name, by owner and name.
type trunkNames map[[2]Name]string

// trunkName has each name of an owner's trunks once, and none that a trunk without a
// name may have.
func (c *checker) trunkName(names trunkNames, owner Name, t *Trunk, path string) {
	at, key := under(path, "name"), [2]Name{owner, t.Name}
	switch other := names[key]; {
	case t.Name == "":
	case strings.HasPrefix(string(t.Name), "pbx") && strings.Trim(string(t.Name)[len("pbx"):], digitChars) == "":
		c.fault(at, "is one that trunks without a name have; expected none of pbx and digits alone")
	case other != "":
		c.fault(at, "is another trunk's; expected each name once", other)
	default:
		names[key] = at
	}
}

// trunk checks one neighbour.
func (c *checker) trunk(t *Trunk, path string) {
	c.trunkAddresses(t, path)
	c.trunkSources(t, path)
	if s := t.SessionExpires; s != 0 && (s < leastSession || s%time.Second != 0) {
		c.fault(under(path, "session_expires"), "is no session timer; expected 0 or whole seconds, 90s or more (RFC 4028 §4)")
	}
	c.trunkTransport(t, path)
	if t.Trying < t.FirstResponse {
		c.fault(under(path, "trying"), "is shorter than first_response; expected at least that", under(path, "first_response"))
	}
	c.failover(t.FailoverOn, under(path, "failover_on"))
	c.cli(&t.CLI, under(path, "cli"))
	c.digest(t, path)
	c.codecs(t.Codecs, under(path, "codecs"))
	if t.Media.IsValid() && !slices.Contains(c.Media.Addr, t.Media) {
		c.fault(under(path, "media"), "is no address of the relay; expected one of media.addr", "media.addr")
	}
}

func (c *checker) trunkAddresses(t *Trunk, path string) {
	addr, local := under(path, "addr"), under(path, "local")
	if ip, isIP := t.Addr.IP(); isIP && (ip.IsUnspecified() || ip.IsMulticast()) {
		c.fault(addr, "is no address of a neighbour; expected the one to send to")
	}
	ip, isIP := t.Addr.IP()
	if isIP && t.Addr.Port == 0 {
		c.fault(addr, "has port 0; expected the port to send to")
	}
	switch {
	case len(c.SIP.Listen) == 0 || t.Addr.Host == "":
	case !isIP && !c.speaks(t.Addr.Transport):
		c.fault(addr, "is of a transport that no listener has; expected an entry in sip.listen for it", "sip.listen")
	case isIP && !c.reaches(t.Addr.Transport, ip):
		c.fault(addr, "is of a transport and IP version that no listener has; expected an entry in sip.listen for it", "sip.listen")
	}
	if t.Local.IsValid() && !c.listens(t) {
		c.fault(local, "is the address of no listener with the transport of addr; expected the IP address and port of an entry in sip.listen", addr, "sip.listen")
	}
}

// speaks reports whether a listener has a transport.
func (c *checker) speaks(transport string) bool {
	return slices.ContainsFunc(c.SIP.Listen, func(l SIPListen) bool { return l.Addr.Transport == transport })
}

// reaches reports whether a listener can send to an address.
func (c *checker) reaches(transport string, to netip.Addr) bool {
	for i := range c.SIP.Listen {
		a := c.SIP.Listen[i].Addr
		if ip, isIP := a.IP(); isIP && a.Transport == transport && ip.Is4() == to.Is4() {
			return true
		}
	}
	return false
}

func (c *checker) listens(t *Trunk) bool {
	for i := range c.SIP.Listen {
		a := c.SIP.Listen[i].Addr
		ip, isIP := a.IP()
		if isIP && netip.AddrPortFrom(ip, a.Port) == t.Local && (t.Addr.Host == "" || a.Transport == t.Addr.Transport) {
			return true
		}
	}
	return false
}

// trunkTransport checks what only one transport has.
func (c *checker) trunkTransport(t *Trunk, path string) {
	addr, secure, peer := under(path, "addr"), under(path, "tls"), under(under(path, "tls"), "peer")
	c.pair(t.TLS.Cert, t.TLS.Key, secure)
	dials := t.TLS.CA != "" || t.TLS.Cert != "" || t.TLS.Key != "" || t.TLS.Name != ""
	if dials && t.Addr.Transport != "tls" {
		c.fault(secure, "is given, and addr is not tls://; expected it there alone, but for peer", addr)
	}
	switch {
	case len(t.TLS.Peer) == 0:
	case t.Addr.Host != "" && t.Addr.Transport != "tls":
		c.fault(peer, "is given, and addr is not tls://, so its answers would be nobody's; expected tls:// or no addr", addr)
	case !c.asksCertificates():
		c.fault(peer, "is given, but no listener asks for certificates; expected client_ca in an entry of sip.listen", "sip.listen")
	}
	if t.SRTP != SRTPOff && !c.hidesKeys(t) {
		c.fault(under(path, "srtp"), "is "+string(t.SRTP)+", and signalling would show its keys; expected an addr that is tls://, or none and a tls:// entry in sip.listen", addr)
	}
	if t.Latch == LatchStrict && t.NAT {
		c.fault(under(path, "latch"), "is strict, and nat learns from others; expected one of both", under(path, "nat"))
	}
	if t.TCPAbove > 0 && t.Addr.Transport != "udp" {
		c.fault(under(path, "tcp_above"), "is given, and addr is not udp://; expected it there alone", addr)
	}
}

// hidesKeys reports whether the neighbour can speak to us over TLS.
func (c *checker) hidesKeys(t *Trunk) bool {
	if t.Addr.Host != "" {
		return t.Addr.Transport == "tls"
	}
	return slices.ContainsFunc(c.SIP.Listen, func(l SIPListen) bool { return l.Addr.Transport == "tls" })
}

func (c *checker) asksCertificates() bool {
	for i := range c.SIP.Listen {
		if c.SIP.Listen[i].TLS.ClientCA != "" {
			return true
		}
	}
	return false
}

// trunkSources checks who may speak for a neighbour. The source address is its
// only credential unless a digest or a certificate is asked for.
func (c *checker) trunkSources(t *Trunk, path string) {
	allow, addr := under(path, "allow"), under(path, "addr")
	credential := t.AuthIn.Username != "" || len(t.TLS.Peer) > 0
	for i, p := range t.Allow {
		if p.Bits() == 0 && !credential {
			c.fault(entry(allow, i), "holds every address; expected auth_in or tls.peer beside it, or the neighbour's own networks", under(path, "auth_in"), under(path, "tls"))
		}
	}
	ip, isIP := t.Addr.IP()
	switch {
	case len(t.Allow) == 0 && t.Addr.Host == "":
		c.fault(path, "can neither be called nor call; expected addr, allow or both", addr, allow)
	case isIP && !holds(t.Allow, ip):
		c.fault(allow, "does not hold the address of addr, so its answers would be dropped; expected it in the list", addr, allow)
	}
}

func holds(networks []netip.Prefix, ip netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

func (c *checker) failover(rules []FailoverRule, path string) {
	for i, r := range rules {
		at := entry(path, i)
		if reason, final := r.final(); final {
			c.fault(at, fmt.Sprintf("hunts %s, which is final; expected codes of the carrier's own faults", reason))
			continue
		}
		for j := range i {
			if r.overlaps(rules[j]) {
				c.fault(at, fmt.Sprintf("overlaps with entry %d; expected each code once", j), entry(path, j))
				break
			}
		}
	}
}
