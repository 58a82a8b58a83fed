package naming

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Config says whom to ask.
type Config struct {
	// Servers are asked in this order until one answers; the one that did is asked
	// first the next time. Empty: those of ResolvConf.
	Servers []netip.AddrPort
	// ResolvConf is the file that names servers, read at each question. Empty:
	// /etc/resolv.conf.
	ResolvConf string
	// Hosts is asked for addresses before DNS. Nil: the hosts file.
	Hosts Hosts
	// Timeout is how long one server is waited for over one transport. Zero: 2s.
	Timeout time.Duration
	// Unknown is the lifetime of what tells none: entries of the hosts file, and
	// answers that there is nothing, without SOA. Zero: 1m.
	Unknown time.Duration
}

// Hosts knows addresses of names. *net.Resolver is one.
type Hosts interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Client asks. It is safe for concurrent use.
type Client struct {
	cfg  Config
	good atomic.Uint32 // place of the server that answered last
}

const (
	defaultTimeout = 2 * time.Second
	defaultUnknown = time.Minute
	leastLife      = 5 * time.Second
	mostLife       = time.Hour
	mostNegative   = 5 * time.Minute
	rounds         = 2  // over the servers
	mostAliases    = 8  // CNAMEs from a name to its records
	mostRecords    = 64 // of one answer that are kept
)

var (
	errNoAnswer  = errors.New("no server gave an answer")
	errAliases   = errors.New("too many aliases")
	errUnusable  = errors.New("no record of the answer can be used")
	errName      = errors.New("not a name")
	errMalformed = errors.New("malformed")
)

// New makes a client. It opens nothing.
func New(cfg Config) *Client {
	if cfg.ResolvConf == "" {
		cfg.ResolvConf = "/etc/resolv.conf"
	}
	if cfg.Hosts == nil {
		cfg.Hosts = hostsFile()
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Unknown == 0 {
		cfg.Unknown = defaultUnknown
	}
	return &Client{cfg: cfg}
}

// NAPTR is a record of RFC 3403 §4, without the expression, which SIP does not use.
type NAPTR struct {
	Order, Preference uint16
	Flags, Service    string // in capitals
	Replacement       string
}

// SRV is a record of RFC 2782. The target "." says that the service is not there.
type SRV struct {
	Target                 string
	Port, Priority, Weight uint16
}

// NAPTR returns the records of a name and their lifetime. No records and no error:
// there are none. Records with an expression are left out.
func (c *Client) NAPTR(ctx context.Context, name string) ([]NAPTR, time.Duration, error) {
	found, life, err := c.find(ctx, name, typeNAPTR)
	var all []NAPTR
	for i := range found {
		if found[i].usable {
			all = append(all, found[i].naptr)
		}
	}
	return all, life, err
}

// SRV returns the records of a name likewise.
func (c *Client) SRV(ctx context.Context, name string) ([]SRV, time.Duration, error) {
	found, life, err := c.find(ctx, name, dnsmessage.TypeSRV)
	var all []SRV
	for i := range found {
		if found[i].usable {
			all = append(all, found[i].srv)
		}
	}
	if err == nil && len(all) == 0 && len(found) > 0 {
		return nil, 0, errUnusable
	}
	return all, life, err
}

// Addrs returns the addresses of a host likewise, for "ip4", "ip6", or "ip", which
// is both. Where the servers fail at those of IPv6 alone, IPv4's are the answer.
func (c *Client) Addrs(ctx context.Context, network, host string) ([]netip.Addr, time.Duration, error) {
	if all := c.fromHosts(ctx, network, host); len(all) > 0 {
		return all, c.cfg.Unknown, nil
	}
	var all []netip.Addr
	life := mostLife
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		if kind == dnsmessage.TypeA && network == "ip6" || kind == dnsmessage.TypeAAAA && network == "ip4" {
			continue
		}
		found, lasts, err := c.find(ctx, host, kind)
		if err != nil && len(all) == 0 {
			return nil, 0, err
		}
		if err != nil {
			lasts = min(life, c.cfg.Unknown)
		}
		if life = min(life, lasts); len(found) > 0 || len(all) == 0 {
			for i := range found {
				all = append(all, found[i].addr)
			}
		}
	}
	return all, life, nil
}

// find asks for records of a type and follows aliases, those too whose target
// another question has to be asked for.
func (c *Client) find(ctx context.Context, name string, kind dnsmessage.Type) ([]record, time.Duration, error) {
	q, err := newQuestion(name, kind)
	if err != nil {
		return nil, 0, err
	}
	life := mostLife
	for left := mostAliases; left > 0; {
		a, err := c.ask(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		found, target, hops, ttl := a.follow(q)
		life, left = min(life, ttl), left-hops
		switch {
		case len(found) > 0 && left >= 0:
			return found, max(life, leastLife), nil
		case left < 0:
			return nil, 0, errAliases
		case hops == 0 || a.ends:
			return nil, c.negative(a, life), nil
		}
		if q, err = newQuestion(target, kind); err != nil {
			return nil, 0, err
		}
	}
	return nil, 0, errAliases
}

// negative is how long it holds that there is nothing. RFC 2308 §5.
func (c *Client) negative(a *answer, life time.Duration) time.Duration {
	told := c.cfg.Unknown
	if a.soa >= 0 {
		told = a.soa
	}
	return min(max(min(told, life), leastLife), mostNegative)
}

// ask puts a question to the servers in turn until one has an answer.
func (c *Client) ask(ctx context.Context, q *question) (*answer, error) {
	servers := c.cfg.Servers
	if len(servers) == 0 {
		servers = serversOf(c.cfg.ResolvConf)
	}
	first := int(c.good.Load())
	failed := errNoAnswer
	for i := range rounds * len(servers) {
		at := (first + i) % len(servers)
		a, err := c.exchange(ctx, servers[at], q)
		switch {
		case err == nil:
			c.good.Store(uint32(at))
			return a, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("asking DNS: %w", ctx.Err())
		}
		failed = err
	}
	return nil, fmt.Errorf("asking DNS: %w", failed)
}

// fromHosts looks in the hosts file. "localhost" is never asked for in DNS.
// RFC 6761 §6.3.
func (c *Client) fromHosts(ctx context.Context, network, host string) (all []netip.Addr) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	host = strings.TrimSuffix(host, ".")
	found, err := c.cfg.Hosts.LookupNetIP(ctx, network, host)
	if err != nil && strings.EqualFold(host, "localhost") {
		found = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	for _, a := range found[:min(len(found), mostRecords)] {
		all = append(all, a.Unmap())
	}
	return all
}

// hostsFile is Go's own resolver, from whose questions no socket leads out.
func hostsFile() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errNoAnswer
	}}
}
