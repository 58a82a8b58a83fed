package sip

import (
	"strings"
	"testing"
	"time"
)

// TestReloadAsksForADigest has a trunk ask for one from a reload on, and stop.
func TestReloadAsksForADigest(t *testing.T) {
	b := bedWithCallerElsewhere(t)
	d := b.connect(b.caller, "one")
	b.reload(func(c *Config) { c.Trunks[0].AuthIn.Username, c.Trunks[0].AuthIn.Password = "u", "p" })
	b.caller.send(b.caller.invite("two"))
	b.caller.expect("SIP/2.0 401")
	b.hangUp(b.caller, d) // without credentials, as it began
	b.reload(func(c *Config) { c.Trunks[0].AuthIn.Username, c.Trunks[0].AuthIn.Password = "", "" })
	b.hangUp(b.caller, b.connect(b.caller, "three"))
}

// TestReloadOfARegistration has it begin, go on through a change that has nothing
// to do with it, be made anew for another account, and end with its trunk.
func TestReloadOfARegistration(t *testing.T) {
	b := newBed(t, nil)
	registrar := b.callees[0]
	taken := map[string]bool{} // by Via
	// asks is the next request; one that came again before its answer did is passed over.
	asks := func(wait time.Duration) string {
		t.Helper()
		for {
			request := registrar.receive(wait)
			via := header(request, "Via")
			if request == "" || !taken[via] {
				taken[via] = true
				return request
			}
		}
	}
	registers := func() string {
		t.Helper()
		for {
			request := asks(5 * time.Second)
			switch {
			case request == "":
				t.Fatal("no REGISTER")
			case strings.HasPrefix(request, "REGISTER "):
				return request
			}
		}
	}
	grant := func(request string) (contact string) {
		t.Helper()
		expires := header(request, "Expires")
		registrar.send(strings.Replace(registrar.reply(request, 200, ""), "Contact: ", "Contact: "+header(request, "Contact")+";expires="+expires+", ", 1))
		return header(request, "Contact")
	}
	registered := func() bool { return b.edge.set().byName["out0"].state.registered.Load() }
	b.reload(func(c *Config) {
		c.Trunks[1].AuthOut.Username, c.Trunks[1].AuthOut.Password = "u", "p"
		c.Trunks[1].Register.Enabled = true
	})
	first := grant(registers())
	eventually(t, "it is registered", registered)

	b.reload(func(c *Config) { c.Trunks[1].CPS = 50 })
	if text := asks(100 * time.Millisecond); text != "" || !registered() {
		t.Errorf("registered %v, and got\n%s", registered(), text)
	}
	b.hangUp(b.caller, b.connect(b.caller, "one"))

	b.reload(func(c *Config) { c.Trunks[1].AuthOut.Username = "v" })
	seen := map[string]string{} // by contact
	for range 2 {
		request := registers()
		seen[grant(request)] = header(request, "Expires")
	}
	if seen[first] != "0" || len(seen) != 2 {
		t.Errorf("expires by contact: %v, first %s", seen, first)
	}
	eventually(t, "it is registered again", registered)
	if got := b.count("registrations_total", "trunk", "out0", "outcome", "granted"); got != 2 {
		t.Errorf("%v granted", got)
	}

	b.reload(without("out0"))
	if request := registers(); header(request, "Expires") != "0" {
		t.Errorf("not taken away:\n%s", request)
	} else {
		grant(request)
	}
	eventually(t, "none is left", func() bool { return b.edge.leaving.Load() == 0 })
}

// TestRemovedRegistrationIsChallenged has the registrar ask for a digest once more when
// its trunk is gone and nobody else's: the binding is taken away all the same.
func TestRemovedRegistrationIsChallenged(t *testing.T) {
	p := newPeer(t, "127.0.0.5")
	b := newBed(t, func(c *Config) {
		c.Trunks[0].Addr, c.Trunks[0].Allow = "udp://"+p.addr.String(), nil
		c.Trunks[0].AuthOut = AuthOut{Username: "u", Password: "p", Realm: "r"}
		c.Trunks[0].Register.Enabled = true
	})
	p.edge = b.addr
	request := p.expect("REGISTER ")
	p.send(strings.Replace(p.reply(request, 200, ""), "Contact: ", "Contact: "+header(request, "Contact")+";expires=600, ", 1))
	eventually(t, "it is registered", func() bool { return b.edge.set().byName["in"].state.registered.Load() })
	b.reload(without("in"))
	request = p.expect("REGISTER ")
	p.send(strings.Replace(p.reply(request, 401, ""), "Contact: ", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\nContact: ", 1))
	for header(request, "Authorization") == "" {
		request = p.expect("REGISTER ")
	}
	if header(request, "Expires") != "0" {
		t.Errorf("not taken away:\n%s", request)
	}
	p.send(p.reply(request, 200, ""))
	eventually(t, "nothing is left of it", func() bool {
		return b.edge.leaving.Load() == 0 && len(b.edge.set().retired) == 0 && b.trunkState("in").Name == ""
	})
}

// TestReloadWhileDraining begins no registration that nobody would take away.
func TestReloadWhileDraining(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Drain = time.Minute })
	d := b.connect(b.caller, "one")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		b.stop()
	}()
	eventually(t, "it drains", b.edge.draining.Load)
	b.reload(func(c *Config) {
		c.Trunks[1].AuthOut.Username, c.Trunks[1].AuthOut.Password = "u", "p"
		c.Trunks[1].Register.Enabled = true
	})
	b.callees[0].silence()
	b.hangUp(b.caller, d)
	<-stopped
}
