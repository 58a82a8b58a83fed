package main

import (
	"fmt"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/routing"
	"maskline/smpp/pdu"
	"maskline/testbench/smppsim"
)

// carriers are the simulated SMSCs of two carriers by name, and an edge that is
// bound to both.
type carriers struct {
	*running
	cli  *cli
	smsc map[string]*smppsim.SMSC
}

const hostedConfig = `
data_dir: data
tenants: [{name: shop}, {name: outlet}]
api: {listen: "127.0.0.1:0"}
smpp:
  listen: [{addr: "127.0.0.1:0"}]
  accounts: [{system_id: shop, password: pw, tenant: shop}]
carriers:
  - {name: alfa, priority: 10, present: %s, smpp: [{addr: "%s", system_id: us, password: x, reconnect: {min: 10ms, max: 50ms, per_minute: 0}}]}
  - {name: bravo, priority: 20, present: %s, smpp: [{addr: "%s", system_id: us, password: x, reconnect: {min: 10ms, max: 50ms, per_minute: 0}}]}
`

func startCarriers(t *testing.T, present string) *carriers {
	t.Helper()
	c := newCarriers(t, present)
	c.start()
	return c
}

// newCarriers are carriers without an edge yet.
func newCarriers(t *testing.T, present string) *carriers {
	t.Helper()
	c := &carriers{running: &running{t: t, log: &logBuffer{}}, cli: newCLI(t), smsc: map[string]*smppsim.SMSC{}}
	for _, name := range []string{"alfa", "bravo"} {
		s, err := smppsim.StartSMSC(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		c.smsc[name] = s
	}
	c.configure(present)
	return c
}

func (c *carriers) start() {
	c.t.Helper()
	c.running = startEdge(c.t, c.cli)
	c.up("alfa", true)
	c.up("bravo", true)
}

func (c *carriers) configure(present string) {
	c.cli.write("edge.yaml", fmt.Sprintf(hostedConfig, present, c.smsc["alfa"].Addr(), present, c.smsc["bravo"].Addr()))
}

func (c *carriers) up(carrier string, up bool) {
	c.t.Helper()
	c.eventually(carrier+"'s state", func() bool { return c.router.Carrier(carrier).Up(routing.SMS) == up })
}

// deliver hands a text from a subscriber to the edge.
func (c *carriers) deliver(carrier string, from, to e164.Number, text string) pdu.Status {
	c.t.Helper()
	status, err := c.smsc[carrier].Deliver(c.t.Context(), digits(from), digits(to), text)
	if err != nil {
		c.t.Fatal(err)
	}
	return status
}

// took expects one message at a carrier and returns whom it comes from.
func (c *carriers) took(carrier string, to e164.Number, text string) (from e164.Number) {
	c.t.Helper()
	all := c.smsc[carrier].TakeSubmitted()
	if len(all) != 1 || all[0].Destination != digits(to) || all[0].Text != text {
		c.t.Fatalf("%s took %d messages, not the one", carrier, len(all))
	}
	return e164.MustParse("+" + all[0].Source)
}

// stock adds a pool with masks, by their hosts.
func (c *carriers) stock(pool numberdb.Pool, hosts ...string) {
	c.t.Helper()
	if err := c.sessions.PutPools(c.t.Context(), []numberdb.Pool{pool}); err != nil {
		c.t.Fatal(err)
	}
	var masks []numberdb.Mask
	for i, host := range hosts {
		masks = append(masks, numberdb.Mask{
			Number: e164.MustParse(fmt.Sprintf("+442079460%03d", 100+i)), Pool: pool.Name, Country: "GB", Carrier: host, Services: numberdb.SMS | numberdb.Voice,
		})
	}
	if err := c.sessions.PutMasks(c.t.Context(), masks, "import", "test"); err != nil {
		c.t.Fatal(err)
	}
}

// A conversation goes on while the carrier that hosts its masks is away: through
// the other one, with the masks that this one hosts.
func TestTheSecondMasksKeepAConversation(t *testing.T) {
	c := startCarriers(t, "[own]")
	c.stock(numberdb.Pool{Name: "uk", Policy: numberdb.PoolPolicy{Second: true}}, "alfa", "alfa", "bravo", "bravo")
	alice, bob := e164.MustParse("+447700900101"), e164.MustParse("+447700900202")
	s, err := c.sessions.Create(t.Context(), &sessions.Request{Tenant: "shop", Pool: "uk", Sides: []sessions.Side{{Number: alice}, {Number: bob}}})
	if err != nil {
		t.Fatal(err)
	}
	toAlice, toBob := s.Participants[1], s.Participants[0] // who dials whose mask
	hostOf := func(n e164.Number) string {
		m, _ := c.sessions.Mask(n)
		return m.Carrier
	}
	first, second := hostOf(toAlice.Dial), hostOf(toAlice.Second)
	if first == second || second == "" {
		t.Fatalf("both masks are hosted by %q", first)
	}

	if status := c.deliver(hostOf(toBob.Dial), alice, toBob.Dial, "one"); status != pdu.ROK {
		t.Fatalf("the first message: %#x", uint32(status))
	}
	if from := c.took(first, bob, "one"); from != toAlice.Dial {
		t.Error("the host of the first mask does not present it")
	}

	c.smsc[first].SetMode(smppsim.Gone)
	c.up(first, false)
	if out := c.cli.ok("route", alice.Reveal(), toBob.Dial.Reveal(), "--config", "edge.yaml"); !strings.Contains(out, toAlice.Second.Reveal()) || !strings.Contains(out, "down") {
		t.Errorf("route does not tell of the second mask:\n%s", out)
	}
	// The people's messages to the first host's masks wait there; those to the
	// second one's masks get through.
	if status := c.deliver(second, alice, maskAt(hostOf, toBob, second), "two"); status != pdu.ROK {
		t.Fatalf("the first host is away: %#x", uint32(status))
	}
	if from := c.took(second, bob, "two"); from != toAlice.Second {
		t.Error("the second host does not present its own mask")
	}
	if status := c.deliver(second, bob, toAlice.Second, "three"); status != pdu.ROK {
		t.Fatalf("the answer to the second mask: %#x", uint32(status))
	}
	if from := c.took(second, alice, "three"); hostOf(from) != second {
		t.Error("the answer does not come from a mask of the second host")
	}
}

// maskAt is the mask that a participant dials and that a carrier hosts.
func maskAt(hostOf func(e164.Number) string, p numberdb.Participant, carrier string) e164.Number {
	if hostOf(p.Dial) == carrier {
		return p.Dial
	}
	return p.Second
}

// What a carrier may present takes effect with a reload.
func TestPresentIsReloaded(t *testing.T) {
	c := startCarriers(t, "[any]")
	c.stock(numberdb.Pool{Name: "uk"}, "bravo", "bravo")
	alice, bob := e164.MustParse("+447700900101"), e164.MustParse("+447700900202")
	s, err := c.sessions.Create(t.Context(), &sessions.Request{Tenant: "shop", Pool: "uk", Sides: []sessions.Side{{Number: alice}, {Number: bob}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct{ present, takes, says string }{
		{"[any]", "alfa", "alfa   fit"},
		{"own", "bravo", "alfa   may not present the mask"},
		{"[uk]", "alfa", "alfa   fit"},
		{"[other]", "", "bravo  may not present the mask"},
	} {
		c.configure(step.present)
		c.cli.ok("reload", "--config", "edge.yaml")
		status := c.deliver("alfa", alice, s.Participants[0].Dial, fmt.Sprint(i))
		if step.takes == "" && status == pdu.ROK {
			t.Errorf("%s: it was taken", step.present)
		}
		if step.takes != "" {
			c.took(step.takes, bob, fmt.Sprint(i))
		}
		if out := c.cli.ok("route", alice.Reveal(), s.Participants[0].Dial.Reveal(), "--config", "edge.yaml"); !strings.Contains(out, step.says) {
			t.Errorf("%s: route says\n%s", step.present, out)
		}
	}
}
