package configs

import (
	"fmt"
	"net/netip"
	"slices"
)

// media checks the relay's addresses, ports and timers.
func (c *checker) media() {
	m := &c.Media
	if m.Timeout.Hold < m.Timeout.Silent {
		c.fault("media.timeout.hold", "is shorter than media.timeout.silent; expected at least that", "media.timeout.silent")
	}
	c.mediaAddresses()
	c.mediaPorts()
}

func (c *checker) mediaAddresses() {
	m := &c.Media
	if len(m.Addr) == 0 {
		c.fault("media.addr", "is an empty list; expected at least one IP address")
	}
	if len(m.Advertise) > 0 && len(m.Advertise) != len(m.Addr) {
		c.fault("media.advertise", "is not as long as media.addr; expected one address for each", "media.addr")
	}
	for i, ip := range m.Addr {
		switch {
		case slices.Contains(m.Addr[:i], ip):
			c.fault(entry("media.addr", i), "is there twice; expected each address once")
		case ip.IsMulticast():
			c.fault(entry("media.addr", i), "is a multicast address; expected one of this host")
		case ip.IsUnspecified() && len(m.Advertise) == 0:
			c.fault(entry("media.addr", i), "is every address, which no peer can send to; expected one of this host, or media.advertise", "media.advertise")
		}
	}
	for i, ip := range m.Advertise {
		switch {
		case slices.Contains(m.Advertise[:i], ip):
			c.fault(entry("media.advertise", i), "is there twice; expected each address once")
		case ip.IsUnspecified() || ip.IsMulticast():
			c.fault(entry("media.advertise", i), "cannot be reached by anybody; expected the address that peers use")
		case i < len(m.Addr) && ip.Is4() != m.Addr[i].Is4():
			c.fault(entry("media.advertise", i), "is of another IP version than its media.addr; expected the same", entry("media.addr", i))
		}
	}
}

// portsOfCalls wants whole pairs, RTP on the even port. RFC 3550 §11.
func (c *checker) portsOfCalls(path string, r PortRange) {
	const privileged, perCall = 1024, 4
	switch {
	case r.First < privileged:
		c.fault(path, "begins below 1024; expected ports that need no privilege")
	case r.First%2 != 0 || r.Last%2 != 1:
		c.fault(path, "holds half a pair; expected an even first and an odd last port")
	case r.Last-r.First+1 < perCall:
		c.fault(path, "is too small for one call; expected at least 4 ports")
	}
}

func (c *checker) mediaPorts() {
	c.portsOfCalls("media.ports", c.Media.Ports)
	c.portsOfCalls("sandbox.ports", c.Sandbox.Ports)
	r := c.Media.Ports
	for _, s := range c.sockets() {
		if s.udp && s.addr.Port() >= r.First && s.addr.Port() <= r.Last && c.onMedia(s.addr.Addr()) {
			c.fault("media.ports", fmt.Sprintf("holds the port of %s on line %d; expected ports that nothing listens on", s.path, c.line(s.path)), s.path, "media.addr")
		}
	}
}

func (c *checker) onMedia(ip netip.Addr) bool {
	for _, own := range c.Media.Addr {
		if overlapIP(own, ip) {
			return true
		}
	}
	return false
}
