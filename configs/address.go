package configs

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Host is a DNS name or an IP address without port.
type Host string

func parseHost(text string) (Host, error) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		return Host(ip.Unmap().String()), nil
	}
	if !isName(text) {
		return "", wrong("is neither a name nor an IP address")
	}
	return Host(text), nil
}

// isName reports whether text is a DNS name. Its last label holds a letter: else
// it is an IP address with a mistake in it.
func isName(text string) bool {
	const maxName, maxLabel = 253, 63
	if text == "" || len(text) > maxName {
		return false
	}
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || strings.Trim(label, letterChars+digitChars+"-_") != "" {
			return false
		}
	}
	return !onlyDigits(labels[len(labels)-1])
}

// HostPort is a DNS name or an IP address, and a port.
type HostPort struct {
	Host Host
	Port uint16
}

// String is "host:port", nothing where there is none.
func (h HostPort) String() string {
	if h.Host == "" {
		return ""
	}
	return net.JoinHostPort(string(h.Host), strconv.Itoa(int(h.Port)))
}

// IP is the address where the host is one.
func (h HostPort) IP() (netip.Addr, bool) {
	ip, err := netip.ParseAddr(string(h.Host))
	return ip, err == nil
}

func parseHostPort(text string) (HostPort, error) {
	hp, err := parseHostAnyPort(text)
	if err == nil && hp.Port == 0 {
		return HostPort{}, wrong("has port 0")
	}
	return hp, err
}

func parseHostAnyPort(text string) (HostPort, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return HostPort{}, wrong("has no port or no address")
	}
	port, err := parsePort(portText)
	if err != nil {
		return HostPort{}, err
	}
	h, err := parseHost(host)
	return HostPort{h, port}, err
}

func parsePort(text string) (uint16, error) {
	n, err := parseInt(text)
	if err != nil || n < 0 || n > 65535 {
		return 0, wrong("has a bad port")
	}
	return uint16(n), nil
}

// parseListen reads where to listen: an IP address, never a name, so that
// listeners can be compared; port 0 lets the kernel choose.
func parseListen(text string) (netip.AddrPort, error) {
	hp, err := parseHostAnyPort(text)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ip, isIP := hp.IP()
	if !isIP {
		return netip.AddrPort{}, wrong("is a name")
	}
	return netip.AddrPortFrom(ip, hp.Port), nil
}

func formatListen(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func parseIP(text string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}, wrong("is not an IP address")
	}
	return ip.Unmap(), nil
}

func formatIP(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}

// parsePrefix reads a network; an address alone is the network of that address.
func parsePrefix(text string) (netip.Prefix, error) {
	if ip, err := parseIP(text); err == nil {
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, wrong("is not a network")
	case p != p.Masked():
		return netip.Prefix{}, wrong("has bits set beyond its length")
	}
	return p, nil
}

// SIPAddress is a transport, host and port.
type SIPAddress struct {
	Transport string // udp, tcp or tls
	HostPort
}

// String is "transport://host:port", nothing where there is none.
func (a SIPAddress) String() string {
	if a.Host == "" {
		return ""
	}
	if _, isIP := a.IP(); !isIP && a.Port == 0 {
		return a.Transport + "://" + string(a.Host)
	}
	return a.Transport + "://" + a.HostPort.String()
}

// parseSIPAddress wants the port of an IP address; a name without one is looked
// up in DNS by SRV, which tells the port. RFC 3263 §4.2.
func parseSIPAddress(text string) (SIPAddress, error) {
	transport, rest, found := strings.Cut(text, "://")
	if !found || (transport != "udp" && transport != "tcp" && transport != "tls") {
		return SIPAddress{}, wrong("names no known transport")
	}
	if isName(rest) {
		return SIPAddress{transport, HostPort{Host: Host(rest)}}, nil
	}
	hp, err := parseHostAnyPort(rest)
	if _, isIP := hp.IP(); err == nil && !isIP && hp.Port == 0 {
		return SIPAddress{}, wrong("has port 0")
	}
	return SIPAddress{transport, hp}, err
}

// PortRange is a range of UDP ports, both ends included.
type PortRange struct{ First, Last uint16 }

// String is "first-last".
func (r PortRange) String() string {
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}

func parsePortRange(text string) (PortRange, error) {
	from, to, found := strings.Cut(text, "-")
	if !found {
		return PortRange{}, wrong("is not a range of ports")
	}
	first, errFirst := parsePort(from)
	last, errLast := parsePort(to)
	switch {
	case errFirst != nil || errLast != nil:
		return PortRange{}, wrong("has a bad port")
	case first > last:
		return PortRange{}, wrong("is reversed")
	}
	return PortRange{first, last}, nil
}
