package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/api"
	"maskline/e164"
	"maskline/routing"
	"maskline/testbench/exchange"
)

const callConfig = `
data_dir: data
tenants: [{name: shop}]
api: {listen: "127.0.0.1:0"}
smpp: {listen: [{addr: "127.0.0.1:0"}]}
sip:
  listen: [{addr: "udp://127.0.0.1:0"}]
  peers: [{tenant: shop, addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 0s}}]
media: {addr: 127.0.0.1, ports: 22000-22099}
carriers:
  - {name: alfa, sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 0s}}]}
`

// callers are the phones of a carrier's subscribers and of a tenant's PBX.
type callers struct {
	*running
	cli       *cli
	alfa, pbx *exchange.Exchange
}

func startCallers(t *testing.T) *callers {
	t.Helper()
	c := &callers{cli: newCLI(t)}
	for name, x := range map[string]**exchange.Exchange{"alfa": &c.alfa, "pbx": &c.pbx} {
		var err error
		if *x, err = exchange.Start(name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup((*x).Close)
	}
	c.cli.write("edge.yaml", fmt.Sprintf(callConfig, c.pbx.Addr(), c.alfa.Addr()))
	c.start()
	c.cli.at("pools", "create", "uk")
	c.cli.write("masks.csv", "number,pool\n+442079460011,uk\n+442079460022,uk\n+442079460033,uk\n")
	c.cli.at("numbers", "import", "masks.csv")
	return c
}

func (c *callers) start() {
	c.running = startEdge(c.cli.t, c.cli)
	c.eventually("the carrier is up", func() bool { return c.router.Carrier("alfa").Up(routing.Voice) })
}

// call has a phone call, another one answer, and returns whom the latter saw.
func (c *callers) call(by *exchange.Exchange, from, to string, at *exchange.Exchange, called string) (shown string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	call, err := by.Call(ctx, c.sipAddrs()[0], from, to, 50*time.Millisecond)
	if err != nil || !call.Answered {
		c.t.Fatalf("%v, code %d", err, call.Code)
	}
	var answered []exchange.Call
	c.eventually("the called side has hung up", func() bool {
		answered = append(answered, at.TakeAnswered()...)
		return len(answered) > 0
	})
	if len(answered) != 1 || strings.TrimPrefix(answered[0].Dialled, "+") != strings.TrimPrefix(called, "+") {
		c.t.Fatalf("%d calls came, not the one", len(answered))
	}
	return e164.MustParse(answered[0].Peer).Reveal()
}

// A stranger calls a leased number; its owner, at a telephone or behind a PBX, calls
// the stranger back by the number that he saw, after a restart too.
func TestAStrangerCallsALeasedNumber(t *testing.T) {
	const stranger, owner = "+447700900202", "+447700900101"
	for _, x := range []struct {
		name, called string
		lease        []string
		at           func(*callers) *exchange.Exchange
	}{
		{"at a telephone", owner, []string{"--to", "tel:" + owner}, func(c *callers) *exchange.Exchange { return c.alfa }},
		{"behind a PBX", "desk", []string{"--to", "sip:desk@PBX", "--number", owner}, func(c *callers) *exchange.Exchange { return c.pbx }},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := startCallers(t)
			lease := append([]string{"sessions", "lease", "--pool", "uk", "--tenant", "shop", "--services", "sms+voice"}, x.lease...)
			for i := range lease {
				lease[i] = strings.Replace(lease[i], "PBX", c.pbx.Addr().String(), 1)
			}
			public := into[api.Session](c.cli, lease...).Participants[0].Dial
			if out := c.cli.at("route", stranger, public, "--voice"); !strings.Contains(out, "rule slot           finds a reply slot first: first_contact") {
				t.Errorf("route says of a stranger:\n%s", out)
			}
			home := x.at(c)
			slot := c.call(c.alfa, stranger, public, home, x.called)
			if slot == public || slot == stranger {
				t.Fatal("the owner does not see a number by which he can call back")
			}
			if seen := c.call(home, owner, slot, c.alfa, stranger); seen != public {
				t.Error("the stranger does not see the number that he called")
			}
			c.stop()
			c.eventually("the edge has ended", func() bool { return len(c.ended) == 1 })
			c.start()
			if seen := c.call(home, owner, slot, c.alfa, stranger); seen != public {
				t.Error("after a restart the stranger does not see the number that he called")
			}
			if again := c.call(c.alfa, stranger, public, home, x.called); again != slot {
				t.Error("the second call comes from another number")
			}
			if withheld := c.call(c.alfa, "anonymous", public, home, x.called); withheld != public {
				t.Error("a withheld caller is not shown as the public mask")
			}
		})
	}
}

// A PBX without a number of its own is called as before: from the public mask.
func TestAPBXThatCannotAnswerStrangers(t *testing.T) {
	c := startCallers(t)
	public := into[api.Session](c.cli, "sessions", "lease", "--pool", "uk", "--to", "sip:desk@"+c.pbx.Addr().String()).Participants[0].Dial
	if seen := c.call(c.alfa, "+447700900202", public, c.pbx, "desk"); seen != public {
		t.Error("it sees another number")
	}
}
