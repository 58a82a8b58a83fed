package configs

import "fmt"

// smpp checks the side that peers bind to.
func (c *checker) smpp() {
	auth := &c.SMPP.Auth
	if auth.Delay >= c.SMPP.BindTimeout {
		c.fault("smpp.auth.delay", "is not shorter than smpp.bind_timeout, so a refusal would never be sent; expected less", "smpp.bind_timeout")
	}
	if len(c.SMPP.Accounts) > 0 && len(c.SMPP.Listen) == 0 {
		c.fault("smpp.accounts", "can bind nowhere; expected an entry in smpp.listen", "smpp.listen")
	}
	for i := range c.SMPP.Listen {
		c.serverTLS(&c.SMPP.Listen[i].TLS, under(entry("smpp.listen", i), "tls"))
	}
	for i := range c.SMPP.Accounts {
		a, path := &c.SMPP.Accounts[i], entry("smpp.accounts", i)
		tenant, carrier := under(path, "tenant"), under(path, "carrier")
		switch {
		case a.Tenant == "" && a.Carrier == "":
			c.fault(path, "belongs to nobody; expected either tenant or carrier", tenant, carrier)
		case a.Tenant != "" && a.Carrier != "":
			c.fault(carrier, "is given beside tenant; expected one of the two", tenant)
		}
	}
}

// carriers checks what the carriers' entries say, but for their trunks.
func (c *checker) carriers() {
	bindsToUs, anyBadAccount := map[Name]bool{}, c.d.bad["smpp.accounts"]
	for i := range c.SMPP.Accounts {
		bindsToUs[c.SMPP.Accounts[i].Carrier] = true
		anyBadAccount = anyBadAccount || c.d.bad[under(entry("smpp.accounts", i), "carrier")]
	}
	for i := range c.Carriers {
		carrier, path := &c.Carriers[i], entry("carriers", i)
		if len(carrier.SMPP) == 0 && len(carrier.SIP) == 0 && !bindsToUs[carrier.Name] && !anyBadAccount {
			c.fault(path, "cannot be reached and cannot reach us; expected smpp, sip, or an account in smpp.accounts",
				under(path, "name"), under(path, "smpp"), under(path, "sip"))
		}
		if c.Routing.Order == ByCost && !c.given(under(path, "cost")) {
			c.fault(under(path, "cost"), "is missing, and routing.order is cost; expected the cost of a unit", "routing.order")
		}
		c.prefixes(carrier.Prefixes, under(path, "prefixes"))
		c.present(carrier.Present, under(path, "present"))
		c.binds(carrier.SMPP, under(path, "smpp"))
	}
}

func (c *checker) prefixes(prefixes []Digits, path string) {
	seen := map[Digits]bool{}
	for i, p := range prefixes {
		if seen[p] {
			c.fault(entry(path, i), "is in the list already; expected it once")
		}
		seen[p] = true
	}
}

func (c *checker) present(present []Name, path string) {
	if len(present) == 0 {
		c.fault(path, "is an empty list, so no mask could be presented; expected own, any or names of pools")
	}
	for i, p := range present {
		if p == "any" && len(present) > 1 {
			c.fault(entry(path, i), "makes the rest of the list idle; expected any alone, or own and names of pools")
		}
	}
}

func (c *checker) binds(binds []Bind, path string) {
	primaries := 0
	for i := range binds {
		b, at := &binds[i], entry(path, i)
		if b.Role == Primary {
			primaries++
		}
		if b.ResponseTimeout > b.EnquireLink {
			c.fault(under(at, "response_timeout"), "is longer than enquire_link, so links would be tested before they could answer; expected at most that", under(at, "enquire_link"))
		}
		c.bindFormat(b, at)
		if b.Reconnect.Min > b.Reconnect.Max {
			c.fault(under(at, "reconnect.min"), "is longer than reconnect.max; expected at most that", under(at, "reconnect.max"))
		}
		c.clientTLS(&b.TLS, under(at, "tls"))
		c.outbind(b, at)
		for j := range i {
			if binds[j].Addr == b.Addr && binds[j].SystemID == b.SystemID && b.SystemID != "" {
				c.fault(under(at, "addr"), fmt.Sprintf("is bound with the same system_id by %s on line %d; expected one entry with sessions", entry(path, j), c.line(entry(path, j))))
				break
			}
		}
	}
	c.longTogether(binds, path)
	if primaries == 0 && len(binds) > 0 {
		c.fault(under(entry(path, 0), "role"), "is backup in every entry of this carrier; expected at least one primary", each(path, "role", len(binds))...)
	}
}
