package smpp

import (
	"slices"
	"testing"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// What comes to a mask is heard of once it was handed on, once for the segments of one
// message.
func TestBroughtIsHeardOf(t *testing.T) {
	type told struct {
		tenant   string
		segments int
	}
	var heard []told
	s := newStill(t, func(c *Config) {
		c.Brought = func(plan *routing.Plan, segments int) { heard = append(heard, told{plan.Tenant, segments}) }
	})
	shop, alfa := s.account("shop"), s.carrier("alfa")
	answer := func(status pdu.Status) {
		t.Helper()
		for _, f := range alfa.got() {
			alfa.respond(f, status, "1")
		}
	}
	for _, c := range []struct {
		name   string
		send   []*pdu.Message
		status pdu.Status
		want   []told
	}{
		{"a message", []*pdu.Message{text(alice, maskOfBob, "hello")}, pdu.ROK, []told{{"shop", 1}}},
		{"three segments", []*pdu.Message{segment(7, 3, 1), segment(7, 3, 2), segment(7, 3, 3)}, pdu.ROK, []told{{"shop", 3}}},
		{"from the tenant's own mask", []*pdu.Message{text(maskShop, bob, "hello")}, pdu.ROK, nil},
		{"a stranger", []*pdu.Message{text(carol, maskOfBob, "hello")}, pdu.ROK, nil},
		{"refused by the carrier", []*pdu.Message{text(alice, maskOfBob, "nobody")}, pdu.RInvDstAdr, nil},
	} {
		heard = nil
		for _, m := range c.send {
			shop.submit(m)
		}
		answer(c.status)
		if !slices.Equal(heard, c.want) {
			t.Errorf("%s: %v, want %v", c.name, heard, c.want)
		}
		shop.answers()
	}
}
