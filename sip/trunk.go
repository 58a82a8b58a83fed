package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"maskline/routing"
	"maskline/sip/message"
)

// trunk is a configured trunk. The call reads it and never changes it; what
// changes is in [trunkState].
type trunk struct {
	TrunkConfig
	addr     netip.AddrPort // invalid: it is named, or only sends to us
	name     string         // of DNS; empty: it has an address
	port     uint16         // with name; 0: DNS tells
	host     string         // addr or name as URIs write it
	allow    []netip.Prefix
	media    message.MediaPolicy
	cli      message.CLI
	failover failover
	origin   routing.Origin
	auth     *authorizer // nil: no challenge is answered
	digest   *guarded    // nil: none is asked for
	over     transport
	tls      *tls.Config
	is4      bool   // the IP version of socket
	socket   int    // which one to send from
	own      string // its address as URIs write it
	other    *home  // for addresses of its name that are of the other IP version

	flood   *rate.Limiter    // datagrams from it
	in, out *rate.Limiter    // new calls
	texts   [2]*rate.Limiter // messages, by direction
	state   *trunkState      // shared with those of the same name before and after a reload

	resolved atomic.Pointer[resolution] // what its name means; nil: not known yet

	users     atomic.Int64  // calls that hold on to it
	retired   atomic.Uint32 // a retirement
	registrar *registrar    // nil: we do not register
}

const (
	defaultPort    = 5060
	defaultTLSPort = 5061
)

func newTrunk(cfg TrunkConfig, own []message.OwnMedia) (*trunk, error) {
	cfg.setDefaults()
	if cfg.Name == "" {
		return nil, errors.New("a trunk has no name")
	}
	t, err := cfg.trunk(own)
	if err != nil {
		return nil, fmt.Errorf("trunk %s: %w", cfg.Name, err)
	}
	return t, nil
}

func (c *TrunkConfig) trunk(own []message.OwnMedia) (*trunk, error) {
	if (c.Carrier == "") == (c.Tenant == "") {
		return nil, errors.New("it belongs to a carrier or to a tenant")
	}
	if c.NAT && c.Strict {
		return nil, errors.New("strict and nat at once")
	}
	if c.DSCP > 63 {
		return nil, errors.New("dscp is 0 to 63")
	}
	t := &trunk{
		TrunkConfig: *c,
		media:       message.MediaPolicy{From: c.MediaFrom, Own: own, Codecs: c.Codecs, Fax: c.Fax, Mux: c.Mux},
		origin:      routing.Origin{Carrier: c.Carrier, Tenant: c.Tenant, Country: c.Country},
	}
	if err := t.protect(c); err != nil {
		return nil, err
	}
	if c.Reliable != ReliableOff && c.Reliable != ReliableSupported && c.Reliable != ReliableRequired {
		return nil, fmt.Errorf("reliable: %q is neither off, supported nor required", c.Reliable)
	}
	if c.SessionExpires > 0 && (c.SessionExpires < leastSession || c.SessionExpires%time.Second != 0) {
		return nil, errors.New("session_expires: whole seconds, at least 90s")
	}
	if c.EarlyMedia != EarlyMediaPass && c.EarlyMedia != EarlyMediaRing {
		return nil, fmt.Errorf("early_media: %q is neither pass nor ring", c.EarlyMedia)
	}
	var err error
	if c.Addr != "" {
		if err := t.locate(c); err != nil {
			return nil, err
		}
	}
	if err := c.checkRegister(); err != nil {
		return nil, err
	}
	if t.media.SRTP != message.SRTPOff && c.Addr != "" && t.over != overTLS {
		return nil, errors.New("srtp: addr is not tls://, and its keys would be shown")
	}
	if t.auth, err = newAuthorizer(c.AuthOut, t.domain()); err != nil {
		return nil, fmt.Errorf("auth_out: %w", err)
	}
	if t.failover, err = newFailover(c.FailoverOn); err != nil {
		return nil, err
	}
	if t.cli, err = c.CLI.parse(c.TechPrefix); err != nil {
		return nil, err
	}
	for _, p := range c.Allow {
		if !p.IsValid() {
			return nil, errors.New("allow: not a network")
		}
		if p.Bits() == 0 && c.AuthIn.Username == "" && len(c.TLS.Peer) == 0 {
			return nil, errors.New("allow: everybody, and neither auth_in nor tls.peer to tell who it is")
		}
		t.allow = append(t.allow, p.Masked())
	}
	if t.addr.IsValid() && !t.trusts(t.addr.Addr()) {
		t.allow = append(t.allow, netip.PrefixFrom(t.addr.Addr(), t.addr.Addr().BitLen()))
	}
	if len(t.allow) == 0 && t.name == "" {
		return nil, errors.New("neither addr nor allow: nobody could use it")
	}
	return t, nil
}

// home is a socket that a trunk is reached from.
type home struct {
	socket int
	own    string
	is4    bool
}

// locate reads where the trunk is.
func (t *trunk) locate(c *TrunkConfig) error {
	var err error
	if t.over, t.addr, err = parseAddr(c.Addr); err == nil {
		t.host = t.addr.String()
	} else if t.over, t.name, t.port, err = parseName(c.Addr); err != nil {
		return fmt.Errorf("addr: %w", err)
	} else if t.host = t.name; t.port != 0 {
		t.host = net.JoinHostPort(t.name, strconv.Itoa(int(t.port)))
	}
	if t.over != overTLS {
		return nil
	}
	if t.tls, err = c.TLS.load(t.domain()); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	return nil
}

// domain is the host of Addr alone.
func (t *trunk) domain() string {
	if t.name != "" {
		return t.name
	}
	return t.addr.Addr().String()
}

// isAt reports whether another trunk is reached at the same place.
func (t *trunk) isAt(o *trunk) bool {
	return t.addr == o.addr && t.name == o.name && t.port == o.port && t.over == o.over
}

// from is the socket that an address of the trunk is reached from.
func (t *trunk) from(addr netip.Addr) (socket int, own string) {
	if t.other != nil && t.other.is4 == addr.Is4() {
		return t.other.socket, t.other.own
	}
	return t.socket, t.own
}

// reaches reports whether a socket can send to an address of the trunk's name.
func (t *trunk) reaches(addr netip.Addr) bool {
	return t.is4 == addr.Is4() || t.other != nil && t.other.is4 == addr.Is4()
}

// allows reports whether the trunk may send from an address, and so whether
// anything may be sent to it on the trunk's behalf.
func (t *trunk) allows(a netip.Addr) bool {
	for _, p := range t.allow {
		if p.Contains(a) {
			return true
		}
	}
	return t.isAtName(a)
}

// isPlain reports whether the trunk is known by its source.
func (t *trunk) isPlain() bool { return len(t.TLS.Peer) == 0 }

// isNamed reports whether the trunk is known by one of these names.
func (t *trunk) isNamed(names []string) bool {
	return slices.ContainsFunc(t.TLS.Peer, func(name string) bool { return slices.Contains(names, strings.ToLower(name)) })
}

var errNoAddress = errors.New("not an address")

// parseName reads "udp://name:port" or "udp://name", likewise.
func parseName(text string) (over transport, name string, port uint16, err error) {
	if scheme, rest, found := strings.Cut(text, "://"); found {
		i := slices.Index(transportNames[:], scheme)
		if i < 0 {
			return 0, "", 0, errors.New("not udp, tcp or tls")
		}
		over, text = transport(i), rest
	}
	name, portText, found := strings.Cut(text, ":")
	if found {
		n, err := strconv.ParseUint(portText, 10, 16)
		if err != nil || n == 0 {
			return 0, "", 0, errors.New("no port")
		}
		port = uint16(n)
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if !isHostPort(name+":1") || strings.Trim(last, "0123456789") == "" {
		return 0, "", 0, errors.New("neither an address nor a name")
	}
	return over, name, port, nil
}

// parseAddr reads "udp://host:port", "host:port" or "host", the host being an
// address; tcp:// and tls:// likewise.
func parseAddr(text string) (transport, netip.AddrPort, error) {
	over := overUDP
	if name, rest, found := strings.Cut(text, "://"); found {
		i := slices.Index(transportNames[:], name)
		if i < 0 {
			return 0, netip.AddrPort{}, errors.New("not udp, tcp or tls")
		}
		over, text = transport(i), rest
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return over, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return 0, netip.AddrPort{}, errNoAddress
	}
	return over, netip.AddrPortFrom(addr.Unmap(), over.port()), nil
}
