package routing

import (
	"testing"

	"maskline/e164"
	"maskline/numberdb"
)

func TestShortCodeAsAMask(t *testing.T) {
	code, err := e164.ShortCode(44, "60123")
	if err != nil {
		t.Fatal(err)
	}
	table := numberdb.NewTable()
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: code, Party: num(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)},
		Present: code, Services: SMS | Voice, Tenant: "shop",
	}}})
	r, err := New(table, Config{
		Carriers:  []CarrierConfig{{Name: "alfa", Services: SMS | Voice}},
		Emergency: EmergencyConfig{Numbers: map[string][]string{"default": {"112"}, "DE": {"60123"}}},
	}, newRegistry())
	if err != nil {
		t.Fatal(err)
	}
	r.Carrier("alfa").SetUp(SMS, true)
	r.Carrier("alfa").SetUp(Voice, true)
	other, _ := e164.ShortCode(33, "60123")
	cases := []struct {
		name    string
		service Service
		origin  Origin
		to      e164.Number
		want    Verdict
	}{
		{"a message", SMS, Origin{Carrier: "alfa"}, code, Forward},
		{"a tenant's message", SMS, Origin{Tenant: "shop"}, code, Forward},
		{"a call", Voice, Origin{Carrier: "alfa"}, code, ServiceOff},
		{"the same digits of another country", SMS, Origin{Carrier: "alfa"}, other, UnknownMask},
		{"a tenant to a short code that is no mask", SMS, Origin{Tenant: "shop"}, other, UnknownMask},
		{"an emergency string of the country", SMS, Origin{Carrier: "alfa", Country: "DE"}, code, EmergencyRefused},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req := request(c.service, c.origin, alice, "60123")
			req.To = c.to
			plan := decide(r, req)
			if plan.Verdict != c.want {
				t.Fatalf("%v, want %v", plan.Verdict, c.want)
			}
			if plan.Verdict == Forward && (plan.Present != code || plan.To.Number != num(bob)) {
				t.Fatal("it goes elsewhere")
			}
		})
	}
}

// A tenant writes from its own short code to a party. Else a short code is nobody's
// number.
func TestFromAShortCode(t *testing.T) {
	code, _ := e164.ShortCode(44, "60123")
	free, _ := e164.ShortCode(44, "60124")
	table := numberdb.NewTable()
	for _, b := range []numberdb.Binding{
		{Mask: code, To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: code, Services: SMS, Tenant: "shop"},
		{Mask: num(carol), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)}, Present: num(carol), Services: SMS, Tenant: "shop"},
	} {
		table.Apply([]numberdb.Change{{Binding: b}})
	}
	r, err := New(table, Config{
		Carriers: []CarrierConfig{{Name: "alfa", Services: SMS | Voice}},
	}, newRegistry())
	if err != nil {
		t.Fatal(err)
	}
	r.Carrier("alfa").SetUp(SMS, true)
	r.Carrier("alfa").SetUp(Voice, true)
	cases := []struct {
		name    string
		service Service
		origin  Origin
		from    e164.Number
		to      e164.Number
		want    Verdict
	}{
		{"the tenant's own", SMS, Origin{Tenant: "shop"}, code, num(alice), Forward},
		{"another tenant's", SMS, Origin{Tenant: "taxi"}, code, num(alice), NotAllowed},
		{"one that is no mask", SMS, Origin{Tenant: "shop"}, free, num(alice), UnknownMask},
		{"a call", Voice, Origin{Tenant: "shop"}, code, num(alice), ServiceOff},
		{"to a short code that is no mask", SMS, Origin{Tenant: "shop"}, code, free, UnknownMask},
		{"a carrier's", SMS, Origin{Carrier: "alfa"}, code, num(alice), UnknownMask},
		{"to a mask, as somebody unknown", SMS, Origin{Tenant: "shop"}, code, num(carol), Forward},
		{"a carrier's to a mask, as somebody unknown", SMS, Origin{Carrier: "alfa"}, code, num(carol), Forward},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req := request(c.service, c.origin, alice, alice)
			req.From, req.To = c.from, c.to
			plan := decide(r, req)
			if plan.Verdict != c.want {
				t.Fatalf("%v, want %v", plan.Verdict, c.want)
			}
			if plan.Verdict != Forward {
				return
			}
			if outbound := c.to == num(alice); plan.Outbound != outbound || outbound && (plan.Present != code || plan.To.Number != num(alice)) {
				t.Error("it goes elsewhere, or from another mask")
			}
			if plan.Party.IsShortCode() {
				t.Error("a short code is a party")
			}
		})
	}
}

func TestRulesMeetATenantsShortCode(t *testing.T) {
	code, _ := e164.ShortCode(44, "60123")
	table := numberdb.NewTable()
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: code, To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: code, Services: SMS, Tenant: "shop",
	}}})
	for _, sender := range []string{SenderShortCode, "601"} {
		r, err := New(table, Config{
			Carriers: []CarrierConfig{{Name: "alfa", Services: SMS}},
			Rules:    []RuleConfig{{Name: "codes", Senders: []string{sender}, Drop: true}},
		}, newRegistry())
		if err != nil {
			t.Fatal(err)
		}
		r.Carrier("alfa").SetUp(SMS, true)
		req := request(SMS, Origin{Tenant: "shop"}, alice, alice)
		req.From = code
		if plan := decide(r, req); !plan.Answer.Drop {
			t.Errorf("a rule for the senders %s lets it pass: %v", sender, plan.Verdict)
		}
	}
}
