package main

import (
	"net/netip"

	"maskline/configs"
	"maskline/media"
	"maskline/routing"
)

// The convert files turn the configuration into what each package wants. They
// decide nothing: what contradicts itself was refused by configs.

func routingConfig(cfg *configs.Config, restrictions routing.Restrictions) routing.Config {
	r := routing.Config{
		Restrictions:  restrictions,
		MinQuality:    cfg.Routing.MinQuality,
		Loop:          routing.LoopConfig{Repeats: cfg.Routing.Loop.Repeats, Within: cfg.Routing.Loop.Within},
		OptOut:        optOut(&cfg.Routing.OptOut),
		TenantOptOuts: map[string]routing.OptOutConfig{},
		UnknownMask:   answer(cfg.Routing.UnknownMask),
		OutOfSession:  answer(cfg.Routing.OutOfSession),
		EndedSession:  answer(cfg.Routing.EndedSession),
		Emergency: routing.EmergencyConfig{
			Numbers: map[string][]string{},
			Trunk:   string(cfg.Routing.Emergency.Trunk),
		},
		Breaker: routing.BreakerConfig{
			Window: cfg.Routing.Breaker.Window, Ratio: cfg.Routing.Breaker.Ratio,
			Min: cfg.Routing.Breaker.Min, HalfOpenAfter: cfg.Routing.Breaker.HalfOpenAfter,
		},
	}
	if cfg.Routing.Order == configs.ByCost {
		r.Order = routing.ByCost
	}
	for country, numbers := range cfg.Routing.Emergency.Numbers {
		for _, n := range numbers {
			r.Emergency.Numbers[country] = append(r.Emergency.Numbers[country], string(n))
		}
	}
	for i := range cfg.Tenants {
		r.TenantOptOuts[string(cfg.Tenants[i].Name)] = optOut(&cfg.Tenants[i].OptOut)
	}
	for i := range cfg.Routing.Rules {
		r.Rules = append(r.Rules, rule(&cfg.Routing.Rules[i]))
	}
	for i := range cfg.Carriers {
		r.Carriers = append(r.Carriers, routingCarrier(cfg, &cfg.Carriers[i]))
	}
	return r
}

func optOut(o *configs.OptOut) routing.OptOutConfig {
	r := routing.OptOutConfig{
		Enabled: o.Enabled, Session: o.Scope == configs.OptOutSession,
		Stop: map[string][]string{}, Start: texts(o.Start), Help: texts(o.Help),
	}
	for i := range o.Replies {
		reply := &o.Replies[i]
		r.Replies = append(r.Replies, routing.OptOutReply{Code: string(reply.Code), Stop: string(reply.Stop), Start: string(reply.Start), Help: string(reply.Help)})
	}
	for code, words := range o.Words {
		r.Stop[code] = texts(words)
	}
	return r
}

func rule(c *configs.Rule) routing.RuleConfig {
	r := routing.RuleConfig{
		Name: string(c.Name), Tenant: string(c.When.Tenant), Senders: texts(c.When.Sender), Text: texts(c.When.Text),
		Drop: c.Then == configs.SMSDrop, Status: uint32(c.Status),
	}
	switch c.When.Direction {
	case configs.AnyDirection:
	case configs.Inbound:
		r.Direction = routing.Inbound
	case configs.Outbound:
		r.Direction = routing.Outbound
	}
	return r
}

func texts[T ~string](list []T) (all []string) {
	for _, t := range list {
		all = append(all, string(t))
	}
	return all
}

func answer(a configs.Answer) routing.Answer {
	return routing.Answer{Drop: a.SMS == configs.SMSDrop, Code: a.Voice.Code}
}

// routingCarrier gives a carrier the services that it can be sent: messages
// where we bind to it or it binds to us, calls where a trunk has an address.
func routingCarrier(cfg *configs.Config, c *configs.Carrier) routing.CarrierConfig {
	r := routing.CarrierConfig{Name: string(c.Name), Priority: c.Priority, Weight: c.Weight, Cost: c.Cost, Present: presenting(c.Present)}
	for _, p := range c.Prefixes {
		r.Prefixes = append(r.Prefixes, string(p))
	}
	if len(c.SMPP) > 0 {
		r.Services |= routing.SMS
	}
	for _, a := range cfg.SMPP.Accounts {
		if a.Carrier == c.Name {
			r.Services |= routing.SMS
		}
	}
	for _, t := range c.SIP {
		if t.Addr.Host != "" {
			r.Services |= routing.Voice
		}
	}
	return r
}

func presenting(present []configs.Name) (p routing.Presenting) {
	for _, name := range present {
		switch name {
		case "any":
			return routing.Presenting{}
		case "own":
			p.Own = true
		default:
			p.Pools = append(p.Pools, string(name))
		}
		p.Some = true
	}
	return p
}

func mediaConfig(cfg *configs.Config) media.Config {
	m := media.Config{
		PortMin: cfg.Media.Ports.First, PortMax: cfg.Media.Ports.Last,
		Backend: string(cfg.Media.Backend),
		Initial: cfg.Media.Timeout.Initial, Silent: cfg.Media.Timeout.Silent, Hold: cfg.Media.Timeout.Hold, OneWay: cfg.Media.Timeout.OneWay,
		Relatch: cfg.Media.Relatch, Drain: cfg.Media.Drain, MaxPlaying: cfg.Media.Announcements,
	}
	for i := range cfg.SIP.Listen {
		if cfg.SIP.Listen[i].Addr.Transport != "udp" {
			m.Connections = cfg.SIP.Connections
		}
	}
	for i, addr := range cfg.Media.Addr {
		own := media.Address{Addr: addr, Advertise: advertisedMedia(cfg, i)}
		if i == 0 {
			m.Addr, m.Advertise = own.Addr, own.Advertise
		} else {
			m.Others = append(m.Others, own)
		}
	}
	return m
}

// advertisedMedia is what peers are told of an address of the relay.
func advertisedMedia(cfg *configs.Config, i int) netip.Addr {
	if i < len(cfg.Media.Advertise) {
		return cfg.Media.Advertise[i]
	}
	return cfg.Media.Addr[i]
}
