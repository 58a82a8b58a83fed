//go:build peers

package sms

import (
	"fmt"
	"testing"

	"maskline/smpp"
)

// A short code both ways: the application writes from it, its receipt comes back,
// the party answers, and one person reaches another through it.
func TestNodeShortCode(t *testing.T) {
	_, shop, alfa := between(t, func(a *smpp.AccountConfig, _ *smpp.BindConfig) { a.Country, a.CallingCode = "GB", 44 })

	r := shop.ask(t, "submit_sm", addressed(shortShop, alice, fields{"short_message": "Your code is 1234", "registered_delivery": 1, "source_addr_ton": 3, "source_addr_npi": 0}))
	if r.Status != 0 || r.ID == "" {
		t.Fatalf("answered %+v", r)
	}
	got := alfa.hear(t, "submit_sm", 1)[0]
	if got.From != shortShop || got.To != alice || got.Text != "Your code is 1234" {
		t.Errorf("the carrier hears %q, or other addresses", got.Text)
	}
	if types := typesOf(got); types != "3 0 1 1" {
		t.Errorf("the types of its addresses are %s", types)
	}

	receipt := addressed(alice, shortShop, fields{
		"esm_class": 4, "receipted_message_id": got.ID, "message_state": 2, "dest_addr_ton": 3, "dest_addr_npi": 0,
		"short_message": fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2611220000 done date:2611220001 stat:DELIVRD err:000 text:", got.ID),
	})
	if r := alfa.ask(t, "deliver_sm", receipt); r.Status != 0 {
		t.Errorf("the receipt is answered with %d", r.Status)
	}
	if back := shop.hear(t, "deliver_sm", 1)[0]; back.From != alice || back.To != shortShop || back.Fields["receipted_message_id"] != r.ID {
		t.Errorf("the receipt is of %v, or has other addresses", back.Fields["receipted_message_id"])
	}

	if r := alfa.ask(t, "deliver_sm", addressed(alice, shortShop, fields{"short_message": "Thanks", "dest_addr_ton": 3, "dest_addr_npi": 0})); r.Status != 0 {
		t.Errorf("the answer is answered with %d", r.Status)
	}
	answer := shop.hear(t, "deliver_sm", 2)[1]
	if answer.From != maskOfAlice || answer.To != shortShop || answer.Text != "Thanks" {
		t.Errorf("the application hears %q, or other addresses", answer.Text)
	}
	if types := typesOf(answer); types != "1 1 3 0" {
		t.Errorf("the types of its addresses are %s", types)
	}

	if r := alfa.ask(t, "deliver_sm", addressed(bob, shortShop, fields{"short_message": "Hello Carol"})); r.Status != 0 {
		t.Errorf("one person's message is answered with %d", r.Status)
	}
	onward := alfa.hear(t, "submit_sm", 2)[1]
	if onward.From != shortShop || onward.To != carol || onward.Text != "Hello Carol" {
		t.Errorf("the carrier hears %q, or other addresses", onward.Text)
	}

	if r := shop.ask(t, "submit_sm", addressed("60124", alice, fields{"short_message": "x"})); r.Status == 0 {
		t.Error("a short code that is no mask may be written from")
	}
}

// typesOf is TON and NPI of source and destination, as node-smpp read them.
func typesOf(e event) string {
	f := e.Fields
	return fmt.Sprint(f["source_addr_ton"], f["source_addr_npi"], f["dest_addr_ton"], f["dest_addr_npi"])
}
