package main

import (
	"strings"
	"testing"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/smpp/pdu"
)

// A stranger writes to a leased number; its owner answers the stranger, and nobody
// else, by the mask that the message came from.
func TestAStrangerAndTheOwnerOfALeasedNumber(t *testing.T) {
	c := startCarriers(t, "any")
	c.stock(numberdb.Pool{Name: "uk"}, "", "", "", "")
	owner, one, two := e164.MustParse("+447700900101"), e164.MustParse("+447700900202"), e164.MustParse("+447700900303")
	s, err := c.sessions.Create(t.Context(), &sessions.Request{
		Tenant: "shop", Pool: "uk", Shape: numberdb.Lease, Sides: []sessions.Side{{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: owner}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	public := s.Participants[0].Dial
	route := func() string { return c.cli.ok("route", one.Reveal(), public.Reveal(), "--config", "edge.yaml") }
	if out := route(); !strings.Contains(out, "rule slot           finds a reply slot first: first_contact") {
		t.Errorf("route says of a stranger:\n%s", out)
	}
	say := func(from, to e164.Number, line string, reader e164.Number) (shown e164.Number) {
		t.Helper()
		if status := c.deliver("alfa", from, to, line); status != pdu.ROK {
			t.Fatalf("%s: %#x", line, uint32(status))
		}
		return c.took("alfa", reader, line)
	}
	slots := map[e164.Number]e164.Number{}
	for _, stranger := range []e164.Number{one, two} {
		slots[stranger] = say(stranger, public, "is it there still?", owner)
	}
	if slots[one] == slots[two] || slots[one] == public || slots[two] == public {
		t.Fatal("the owner cannot tell the strangers apart")
	}
	if again := say(one, public, "hello?", owner); again != slots[one] {
		t.Error("the second message comes from another mask")
	}
	for stranger, slot := range slots {
		if from := say(owner, slot, "it is", stranger); from != public {
			t.Error("the stranger does not see the number that it wrote to")
		}
	}
	if out := route(); !strings.Contains(out, slots[one].Reveal()) {
		t.Errorf("route says of a known one:\n%s", out)
	}
	if out := c.get("/metrics").body; !strings.Contains(out, `maskline_sessions_slots_total{outcome="opened"} 2`) {
		t.Error("two slots are not counted")
	}

	// The pool has one mask left, and then none: the message stays with its network.
	if from := say(e164.MustParse("+447700900404"), public, "third", owner); from == slots[one] || from == slots[two] {
		t.Error("a stranger got another one's slot")
	}
	if status := c.deliver("alfa", e164.MustParse("+447700900505"), public, "fourth"); status == pdu.ROK {
		t.Error("no slot is left, and the message was taken")
	}

	if _, err := c.sessions.End(t.Context(), numberdb.AnyTenant, s.ID, numberdb.Released); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[e164.Number]e164.Number{one: public, owner: slots[one]} {
		if status := c.deliver("alfa", from, to, "too late"); status == pdu.ROK {
			t.Error("a message was taken after the end")
		}
	}
	if late := c.smsc["alfa"].TakeSubmitted(); len(late) > 0 {
		t.Errorf("%d messages were sent on after the end", len(late))
	}
}

// Slots are there after a restart: the owner's late answer reaches whom it is for.
func TestSlotsOutliveTheEdge(t *testing.T) {
	c := startCarriers(t, "any")
	c.stock(numberdb.Pool{Name: "uk"}, "", "")
	owner, stranger := e164.MustParse("+447700900101"), e164.MustParse("+447700900202")
	s, err := c.sessions.Create(t.Context(), &sessions.Request{
		Tenant: "shop", Pool: "uk", Shape: numberdb.Lease, Sides: []sessions.Side{{To: numberdb.Endpoint{Kind: numberdb.Tel, Number: owner}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	public := s.Participants[0].Dial
	if status := c.deliver("alfa", stranger, public, "hello"); status != pdu.ROK {
		t.Fatalf("%#x", uint32(status))
	}
	slot := c.took("alfa", owner, "hello")
	c.end()
	c.running = startEdge(t, c.cli)
	c.up("alfa", true)
	if status := c.deliver("alfa", owner, slot, "hello yourself"); status != pdu.ROK {
		t.Fatalf("%#x", uint32(status))
	}
	if from := c.took("alfa", stranger, "hello yourself"); from != public {
		t.Error("the stranger does not see the number that it wrote to")
	}
}
