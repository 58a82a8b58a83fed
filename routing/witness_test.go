package routing

import (
	"testing"
	"time"

	"maskline/numberdb"
)

// heard is what a witness was told last.
type heard struct {
	service        Service
	verdict        Verdict
	tenant, former string
	session        numberdb.ID
}

func (h *heard) Refused(service Service, plan *Plan) {
	*h = heard{service, plan.Verdict, plan.Tenant, plan.Former, plan.Session}
}

func TestRefusalsAreHeard(t *testing.T) {
	table := numberdb.NewTable()
	tel := func(s string) numberdb.Endpoint { return numberdb.Endpoint{Kind: numberdb.Tel, Number: num(s)} }
	for _, b := range []numberdb.Binding{
		{Mask: num(maskA), Party: num(alice), To: tel(bob), Present: num(maskB), Services: SMS | Voice, Tenant: "shop", Session: 7},
		{Mask: num(maskA), Party: num(carol), To: tel(bob), Present: num(maskB), Services: SMS | Voice, Tenant: "shop", Session: 8, Expires: noon.Add(-time.Hour)},
		{Mask: num(maskVoice), Party: num(alice), To: tel(bob), Present: num(maskB), Services: Voice, Tenant: "shop", Session: 9},
		{Mask: num(maskFrance), Party: num(bob), To: tel(fred), Present: num(maskB), Services: SMS, Tenant: "shop", Session: 10},
	} {
		table.Apply([]numberdb.Change{{Binding: b}})
	}
	h := &heard{}
	cfg := Config{Carriers: []CarrierConfig{{Name: "alfa", Services: SMS | Voice}}, Witness: h}
	ruled(func(c *Config) {
		c.Rules = []RuleConfig{{Name: "prizes", Text: []string{"prize"}, Drop: true}}
	})(&cfg)
	for _, r := range []numberdb.Restriction{{Kind: numberdb.OptOut, Tenant: "shop", Party: num(fred)}, {Kind: numberdb.Block, Party: num("447700900666")}} {
		cfg.Restrictions.Note(numberdb.RestrictionChange{Restriction: r})
	}
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{Mask: num(maskA), Party: num("447700900666"), To: tel(bob), Present: num(maskB), Services: SMS, Tenant: "shop", Session: 11}}})
	r, err := New(table, cfg, newRegistry())
	if err != nil {
		t.Fatal(err)
	}
	r.Carrier("alfa").SetUp(SMS, true)
	r.Carrier("alfa").SetUp(Voice, true)
	alfa := Origin{Carrier: "alfa"}
	call := func(from, to string) *Request { return request(Voice, alfa, from, to) }
	for _, c := range []struct {
		name string
		req  *Request
		want heard
	}{
		{"one that passes", message(alfa, alice, maskA, "hello"), heard{}},
		{"a stranger's message", message(alfa, fred, maskA, "hello"), heard{SMS, OutOfSession, "", "", 0}},
		{"a stranger's call", call(fred, maskA), heard{Voice, OutOfSession, "", "", 0}},
		{"after the end", message(alfa, carol, maskA, "hello"), heard{SMS, Ended, "", "shop", 8}},
		{"a call after the end", call(carol, maskA), heard{Voice, Ended, "", "shop", 8}},
		{"no messages here", message(alfa, alice, maskVoice, "hello"), heard{SMS, ServiceOff, "shop", "", 9}},
		{"a rule that drops", message(alfa, alice, maskA, "a prize"), heard{SMS, RuleRefused, "shop", "", 7}},
		{"a receiver that has opted out", message(alfa, bob, maskFrance, "hello"), heard{SMS, OptedOut, "shop", "", 10}},
		{"a block", message(alfa, "447700900666", maskA, "hello"), heard{SMS, Blocked, "shop", "", 11}},
		{"an opt-out word", message(alfa, alice, maskA, "STOP"), heard{}},
		{"no mask of ours", message(alfa, alice, "441110009999", "hello"), heard{}},
		{"what the edge writes itself", message(Origin{Tenant: "shop", Writes: WritesFor}, fred, maskA, "hello"), heard{}},
	} {
		*h = heard{}
		if decide(r, c.req); *h != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, *h, c.want)
		}
	}
}
