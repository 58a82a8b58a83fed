package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

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
	media    message.MediaPolicy
	cli      message.CLI
	failover failover
	origin   routing.Origin
	auth     *authorizer // nil: no challenge is answered
	over     transport
	socket   int    // which one to send from
	own      string // its address as URIs write it

	state trunkState
}

const defaultPort = 5060

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
		media:       message.MediaPolicy{From: c.MediaFrom, Own: own, Codecs: c.Codecs},
		origin:      routing.Origin{Carrier: c.Carrier, Tenant: c.Tenant, Country: c.Country},
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
		if t.addr, err = parseUDP(c.Addr); err != nil {
			return nil, fmt.Errorf("addr: %w", err)
		}
		t.host = t.addr.String()
	}
	if t.auth, err = newAuthorizer(c.AuthOut, t.addr.Addr().String()); err != nil {
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

// parseUDP reads "udp://host:port", "host:port" or "host", the host being an
// address.
func parseUDP(text string) (netip.AddrPort, error) {
	text, ok := strings.CutPrefix(text, "udp://")
	if !ok && strings.Contains(text, "://") {
		return netip.AddrPort{}, errors.New("only udp:// is spoken yet")
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.AddrPort{}, errors.New("not an address; names are not resolved")
	}
	return netip.AddrPortFrom(addr.Unmap(), defaultPort), nil
}
