package configs

import (
	"net/netip"
	"path/filepath"
)

// derive sets the defaults that depend on other keys.
func (c *Config) derive() {
	if !filepath.IsAbs(c.Secrets.KeyFile) {
		c.Secrets.KeyFile = filepath.Join(string(c.DataDir), c.Secrets.KeyFile)
	}
	for i := range c.Carriers {
		for j := range c.Carriers[i].SMPP {
			c.Carriers[i].SMPP[j].derive()
		}
		for j := range c.Carriers[i].SIP {
			c.Carriers[i].SIP[j].derive()
		}
	}
	for i := range c.SIP.Peers {
		c.SIP.Peers[i].derive()
	}
}

// derive lets an SMSC send its outbind from the address that we would bind to.
func (b *Bind) derive() {
	if ip, isIP := b.Addr.IP(); isIP && b.Outbind.Enabled && len(b.Outbind.Allow) == 0 {
		b.Outbind.Allow = []netip.Prefix{netip.PrefixFrom(ip, ip.BitLen())}
	}
}

// derive lets a neighbour answer from the address that we send to.
func (t *Trunk) derive() {
	if ip, isIP := t.Addr.IP(); isIP && len(t.Allow) == 0 {
		t.Allow = []netip.Prefix{netip.PrefixFrom(ip, ip.BitLen())}
	}
}
