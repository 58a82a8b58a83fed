package sip

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

const secondUser = "other"

// withTwoOfEverybody has two PBXs that may be anywhere; the second is tested.
func withTwoOfEverybody(c *Config) {
	c.Trunks[0].AuthIn = AuthIn{Username: inUser, Password: inPassword}
	c.Trunks[3].AuthIn = AuthIn{Username: secondUser, Password: inPassword}
	c.Trunks[0].Allow, c.Trunks[3].Allow = prefixes("0.0.0.0/0"), prefixes("0.0.0.0/0")
	c.Trunks[0].Addr, c.Trunks[3].Addr = "", ""
}

// connectAs sets up a call with a digest.
func (b *bed) connectAs(from *peer, user, key string) dialog {
	b.t.Helper()
	from.send(from.invite(key))
	ask := challenges(b.t.(*testing.T), from.expect("SIP/2.0 401"))
	from.send(from.with(key, credentials(ask[0], user, inPassword, 1)))
	invite := b.callees[0].expect("INVITE ")
	b.callees[0].send(b.callees[0].reply(invite, 200, b.callees[0].sdp()))
	answer := from.expect("SIP/2.0 200")
	from.send(from.inDialog("ACK", answer, 2))
	b.callees[0].expect("ACK ")
	eventually(b.t, "the call is up", func() bool { calls := b.edge.Calls(); return len(calls) > 0 && calls[len(calls)-1].State == "up" })
	return dialog{invite, answer}
}

// TestKnownSourceOfTheSecondTrunk has it heard like one that is known: it has had
// its password right, if not that of the trunk that a source like this begins with.
func TestKnownSourceOfTheSecondTrunk(t *testing.T) {
	b := newBed(t, func(c *Config) {
		withTwoOfEverybody(c)
		c.Trunks[0].CPS = 1 // nor does it use up the first one's
	})
	far := newPeer(t, "127.0.0.77")
	far.edge = b.addr
	b.connectAs(far, secondUser, "one")
	for i := range 200 {
		far.send(far.other("OPTIONS"))
		if i%20 == 19 {
			for range 20 {
				far.expect("SIP/2.0 200")
			}
		}
	}
	if got := b.count("dropped_total", "reason", "newcomer") + b.count("dropped_total", "reason", "flood"); got != 0 {
		t.Errorf("%v dropped", got)
	}
	if got := b.count("requests_total", "trunk", "pbx", "method", "OPTIONS", "direction", "in"); got != 200 {
		t.Errorf("%v counted as the trunk's", got)
	}
}

// TestConnectionOfTheSecondTrunk has requests in its call go over the connection
// that the call came over: there is no other way to a PBX behind a NAT.
func TestConnectionOfTheSecondTrunk(t *testing.T) {
	b := newBedOver(t, overTCP, nil, withTwoOfEverybody)
	far := newStreamPeer(t, overTCP, nil)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 77)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	far.link.set(conn)
	far.addr = unmapped(conn.LocalAddr().(*net.TCPAddr).AddrPort())
	for i, user := range []string{secondUser, inUser, secondUser} {
		d := b.connectAs(far, user, fmt.Sprint("call", i))
		b.callees[0].send(b.callees[0].toDialog("BYE", d.invite, 5))
		b.callees[0].expect("SIP/2.0 200")
		far.send(far.reply(far.expect("BYE "), 200, ""))
	}
	eventually(t, "no call is left", func() bool { return b.edge.unsettled.Load() == 0 })
}

// TestNewConnectionOfASharedSource has the called side go on over a connection that it
// makes, from an address that an earlier trunk has too: it is called back there, since
// nobody listens at its Contact.
func TestNewConnectionOfASharedSource(t *testing.T) {
	b := newBedOver(t, overTCP, nil, nil)
	d := b.connect(b.caller, "one")
	far := b.callees[0]
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	far.link.set(conn)
	contact := fmt.Sprintf("\r\nContact: <sip:x@%s;transport=tcp>\r\n", conn.LocalAddr())
	far.send(strings.Replace(far.toDialog("UPDATE", d.invite, 5), "\r\n", contact, 1))
	far.expect("SIP/2.0 200")
	b.hangUp(b.caller, d)
}

// TestReloadKeepsWhoIsKnown changes a trunk with a digest: its peer stays known, and
// what it answered stays used.
func TestReloadKeepsWhoIsKnown(t *testing.T) {
	b := newBed(t, withTwoOfEverybody)
	far := newPeer(t, "127.0.0.77")
	far.edge = b.addr
	far.send(far.invite("one"))
	k := credentials(challenges(t, far.expect("SIP/2.0 401"))[0], secondUser, inPassword, 1)
	far.send(far.with("one", k))
	far.expect("SIP/2.0 100")
	b.reload(func(c *Config) { c.Trunks[3].Channels = 7 })
	far.send(far.with("replayed", k))
	if answer := far.expect("SIP/2.0 401"); !challenges(t, answer)[0].Stale {
		t.Errorf("taken twice:\n%s", answer)
	}
	if !b.edge.set().byName["pbx"].digest.guesses.knows(far.addr.Addr()) {
		t.Error("the source is a newcomer again")
	}
	b.reload(func(c *Config) { c.Trunks[3].AuthIn.Password = "another" })
	if b.edge.set().byName["pbx"].digest.guesses.knows(far.addr.Addr()) {
		t.Error("known by a password that is no more")
	}
}

// TestReloadLeavesCallsRoom removes a trunk under a call; its source is now one of
// everybody's. Requests in the call are no newcomer's.
func TestReloadLeavesCallsRoom(t *testing.T) {
	p := newPeer(t, "127.0.0.5")
	b := newBed(t, func(c *Config) {
		c.Trunks[0].Addr, c.Trunks[0].Allow = p.addr.String(), nil
		c.Trunks[3].Addr, c.Trunks[3].Allow = "", prefixes("0.0.0.0/0")
		c.Trunks[3].AuthIn = AuthIn{Username: secondUser, Password: inPassword}
	})
	p.edge, b.caller = b.addr, p
	d := b.connect(p, "one")
	b.reload(without("in"))
	for i := range 100 {
		p.send(p.inDialog("OPTIONS", d.answer, 2+i))
		p.expect("SIP/2.0 200")
	}
	if got := b.count("dropped_total", "reason", "newcomer"); got != 0 {
		t.Errorf("%v dropped", got)
	}
}

// TestReloadTakesAUserAway has the earlier user and password be worth nothing, while
// a call stands that began with them.
func TestReloadTakesAUserAway(t *testing.T) {
	b := newBed(t, withTwoOfEverybody)
	far := newPeer(t, "127.0.0.77")
	far.edge = b.addr
	b.connectAs(far, secondUser, "one")
	b.reload(func(c *Config) { c.Trunks[3].AuthIn.Username = "third" })
	far.send(far.invite("two"))
	ask := challenges(t, far.expect("SIP/2.0 401"))
	far.send(far.with("two", credentials(ask[0], secondUser, inPassword, 1)))
	far.expect("SIP/2.0 401")
}
