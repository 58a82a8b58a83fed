package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"maskline/configs"
	"maskline/sip"
	"maskline/sip/message"
)

// noLimit stands for a configured "no limit" of a time.
const noLimit = 1 << 62 * time.Nanosecond

func sipConfig(cfg *configs.Config) sip.Config {
	auth := &cfg.SIP.Auth
	s := sip.Config{
		Drain: cfg.Drain.Calls, MaxCalls: cfg.SIP.MaxCalls, MaxCPS: cfg.SIP.MaxCPS, Voice: voiceConfig(cfg),
		MessageTimeout: cfg.SIP.MessageTimeout, MaxMessage: int(cfg.SIP.MaxMessage),
		IdleTimeout: cfg.SIP.IdleTimeout, DNSRefresh: cfg.SIP.DNSRefresh, Nameservers: cfg.SIP.Resolver, MaxStreams: cfg.SIP.Connections, MaxStreamsPerSource: cfg.SIP.ConnectionsPerSource,
		Auth: sip.Auth{
			Realm: auth.Realm, Failures: orUnlimited(auth.Failures), TrunkFailures: orUnlimited(auth.TrunkFailures), Per: auth.Per,
		},
	}
	for _, a := range auth.Algorithms {
		s.Auth.Algorithms = append(s.Auth.Algorithms, string(a))
	}
	for _, l := range cfg.SIP.Listen {
		listen := sip.Listen{Addr: l.Addr.String()}
		switch l.Addr.Transport {
		case "udp":
			listen.Sockets = cmp.Or(l.Sockets, runtime.GOMAXPROCS(0))
		case "tls":
			listen.TLS = sip.ServerTLS{Cert: string(l.TLS.Cert), Key: string(l.TLS.Key), ClientCA: string(l.TLS.ClientCA)}
		}
		if l.Advertise.Host != "" {
			listen.Advertise = l.Advertise.String()
		}
		s.Listen = append(s.Listen, listen)
	}
	for j := range cfg.Carriers {
		c := &cfg.Carriers[j]
		for i := range c.SIP {
			t := sipTrunk(cfg, &c.SIP[i])
			t.Name, t.Carrier, t.Country = trunkName(c, i), string(c.Name), string(c.Country)
			s.Trunks = append(s.Trunks, t)
		}
	}
	peers := map[configs.Name]int{}
	for i := range cfg.SIP.Peers {
		p := &cfg.SIP.Peers[i]
		t := sipTrunk(cfg, &p.Trunk)
		peers[p.Tenant]++
		t.Name = fmt.Sprintf("%s/%s", p.Tenant, cmp.Or(string(p.Name), fmt.Sprint("pbx", peers[p.Tenant])))
		t.Tenant, t.Country = string(p.Tenant), string(p.Country)
		s.Trunks = append(s.Trunks, t)
	}
	for i := range cfg.Media.Addr {
		s.OwnMedia = append(s.OwnMedia, message.OwnMedia{
			Addr: advertisedMedia(cfg, i), PortMin: cfg.Media.Ports.First, PortMax: cfg.Media.Ports.Last,
		})
	}
	return s
}

// trunkName tells a carrier's trunks apart in logs and metrics.
func trunkName(c *configs.Carrier, place int) string {
	switch name := c.SIP[place].Name; {
	case name != "":
		return fmt.Sprintf("%s/%s", c.Name, name)
	case len(c.SIP) == 1:
		return string(c.Name)
	default:
		return fmt.Sprintf("%s/%d", c.Name, place+1)
	}
}

func sipTrunk(cfg *configs.Config, t *configs.Trunk) sip.TrunkConfig {
	trunk := sip.TrunkConfig{
		Allow: t.Allow, MediaFrom: t.MediaFrom, CPS: t.CPS, Channels: t.Channels, TrustPAI: t.TrustPAI,
		Probe:         sip.Probe{Every: orNegative(t.Probe.Every), DownAfter: t.Probe.DownAfter, UpAfter: t.Probe.UpAfter},
		FirstResponse: t.FirstResponse, Trying: t.Trying, Ring: t.Ring,
		FailoverOn:    []string{},
		RetryAfterMax: max(t.RetryAfterMax, atOnce),
		Reliable:      string(t.Reliable), EarlyMedia: string(t.EarlyMedia),
		SessionExpires: orNegative(t.SessionExpires),
		MaxDuration:    cmp.Or(t.MaxDuration, noLimit),
		CLI:            sipCLI(&t.CLI),
		TechPrefix:     string(t.TechPrefix),
		AuthIn:         sip.AuthIn{Username: t.AuthIn.Username, Password: t.AuthIn.Password.Reveal()},
		AuthOut:        sip.AuthOut{Username: t.AuthOut.Username, Password: t.AuthOut.Password.Reveal(), Realm: t.AuthOut.Realm},
		Register:       sip.Register{Enabled: t.Register.Enabled, Expires: t.Register.Expires},
		TCPAbove:       t.TCPAbove,
		TLS: sip.ClientTLS{
			CA: string(t.TLS.CA), Cert: string(t.TLS.Cert), Key: string(t.TLS.Key), Name: t.TLS.Name, Peer: t.TLS.Peer,
		},
		Codecs: t.Codecs,
		DSCP:   uint8(t.DSCP),
		NAT:    t.NAT,
		Strict: t.Latch == configs.LatchStrict,
		Fax:    t.T38 == configs.T38Relay,
		SRTP:   string(t.SRTP),
		Mux:    t.RTCPMux,
	}
	if t.Addr.Host != "" {
		trunk.Addr = t.Addr.String()
	}
	if i := slices.Index(cfg.Media.Addr, t.Media); i >= 0 {
		trunk.Media = advertisedMedia(cfg, i)
	}
	if t.Local.IsValid() {
		trunk.Local = t.Local.String()
	}
	for _, r := range t.FailoverOn {
		trunk.FailoverOn = append(trunk.FailoverOn, r.String())
	}
	return trunk
}
