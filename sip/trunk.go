package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"maskline/routing"
	"maskline/sip/message"
)

// trunk is a configured trunk. The call reads it and never changes it; what
// changes is in [trunkState].
type trunk struct {
	TrunkConfig
	addr     netip.AddrPort // invalid: it only sends to us
	host     string         // addr as URIs write it
	allow    []netip.Prefix
	media    message.AddressPolicy
	cli      message.CLI
	failover failover
	origin   routing.Origin
	over     transport
	tls      *tls.Config
	socket   int    // which one to send from
	own      string // its address as URIs write it

	state trunkState
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
	if c.DSCP > 63 {
		return nil, errors.New("dscp is 0 to 63")
	}
	t := &trunk{
		TrunkConfig: *c,
		media:       message.AddressPolicy{From: c.MediaFrom, Own: own},
		origin:      routing.Origin{Carrier: c.Carrier, Tenant: c.Tenant, Country: c.Country},
	}
	var err error
	if c.Addr != "" {
		if t.over, t.addr, err = parseAddr(c.Addr); err != nil {
			return nil, fmt.Errorf("addr: %w", err)
		}
		t.host = t.addr.String()
		if t.over == overTLS {
			if t.tls, err = c.TLS.load(t.addr.Addr().String()); err != nil {
				return nil, fmt.Errorf("tls: %w", err)
			}
		}
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
		t.allow = append(t.allow, p.Masked())
	}
	if t.addr.IsValid() && !t.allows(t.addr.Addr()) {
		t.allow = append(t.allow, netip.PrefixFrom(t.addr.Addr(), t.addr.Addr().BitLen()))
	}
	if len(t.allow) == 0 {
		return nil, errors.New("neither addr nor allow: nobody could use it")
	}
	return t, nil
}

func (c *CLI) parse(prefix string) (message.CLI, error) {
	cli := message.CLI{Domain: c.Domain, TechPrefix: prefix}
	for _, h := range c.Header {
		switch h {
		case "from":
			cli.From = true
		case "pai":
			cli.Asserted = true
		default:
			return cli, fmt.Errorf("cli.header: %q is neither from nor pai", h)
		}
	}
	switch c.Format {
	case "e164":
	case "plain":
		cli.Plain = true
	default:
		return cli, fmt.Errorf("cli.format: %q is neither e164 nor plain", c.Format)
	}
	if strings.ContainsAny(c.Domain, "<>@;,\" \r\n") {
		return cli, errors.New("cli.domain: not a host")
	}
	return cli, nil
}

// allows reports whether the trunk may send from an address, and so whether
// anything may be sent to it on the trunk's behalf.
func (t *trunk) allows(a netip.Addr) bool {
	for _, p := range t.allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// isNamed reports whether the trunk is known by one of these names.
func (t *trunk) isNamed(names []string) bool {
	return slices.ContainsFunc(t.TLS.Peer, func(name string) bool { return slices.Contains(names, strings.ToLower(name)) })
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
		return 0, netip.AddrPort{}, errors.New("not an address; names are not resolved")
	}
	return over, netip.AddrPortFrom(addr.Unmap(), over.port()), nil
}
