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
