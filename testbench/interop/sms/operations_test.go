//go:build peers

package sms

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"maskline/smpp"
)

// submitted is a message of the shop's: our id, and the carrier's.
func submitted(t *testing.T, shop, alfa *smsc) (ours, theirs string) {
	t.Helper()
	before := len(alfa.heard("submit_sm"))
	resp := shop.ask(t, "submit_sm", addressed(alice, maskOfBob, fields{"short_message": "first", "registered_delivery": 1}))
	if resp.Status != 0 || resp.ID == "" {
		t.Fatalf("the message was answered %+v", resp)
	}
	got := alfa.hear(t, "submit_sm", before+1)[before]
	return resp.ID, got.ID
}

// An application asks about its message, takes it back and replaces it; the
// carrier hears its own id and the mask.
func TestNodeOperationsAreRelayed(t *testing.T) {
	_, shop, alfa := between(t, nil)
	named := func(id, source string, more fields) fields {
		f := fields{"message_id": id, "source_addr": source, "source_addr_ton": 1, "source_addr_npi": 1}
		for k, v := range more {
			f[k] = v
		}
		return f
	}
	ours, theirs := submitted(t, shop, alfa)
	fromMask := func(t *testing.T, e event) {
		t.Helper()
		if e.Fields["message_id"] != theirs || e.From != maskOfAlice {
			t.Errorf("the carrier was asked about %v, or not by the mask", e.Fields["message_id"])
		}
	}

	t.Run("query_sm", func(t *testing.T) {
		alfa.tell(t, map[string]any{"answer": fields{"query_sm": fields{"message_state": 2, "error_code": 7, "final_date": "261122001500000+"}}})
		r := shop.ask(t, "query_sm", named(ours, alice, nil))
		fromMask(t, alfa.hear(t, "query_sm", 1)[0])
		if r.Status != 0 || r.ID != ours || fmt.Sprint(r.Fields["message_state"], r.Fields["error_code"]) != "2 7" {
			t.Errorf("answered %+v", r)
		}
		if r.Fields["final_date"] != "2026-11-22T00:15:00.000Z" {
			t.Errorf("final_date %v", r.Fields["final_date"])
		}
	})
	t.Run("replace_sm", func(t *testing.T) {
		r := shop.ask(t, "replace_sm", named(ours, alice, fields{"short_message": "other words, 5€", "registered_delivery": 1}))
		got := alfa.hear(t, "replace_sm", 1)[0]
		fromMask(t, got)
		if r.Status != 0 || got.Text != "other words, 5€" {
			t.Errorf("answered %#x, the carrier reads %q", r.Status, got.Text)
		}
	})
	t.Run("cancel_sm", func(t *testing.T) {
		r := shop.ask(t, "cancel_sm", named(ours, alice, fields{"destination_addr": maskOfBob, "dest_addr_ton": 1, "dest_addr_npi": 1}))
		got := alfa.hear(t, "cancel_sm", 1)[0]
		fromMask(t, got)
		if r.Status != 0 || got.To != "" {
			t.Errorf("answered %#x, destination given: %v", r.Status, got.To != "")
		}
	})
	t.Run("refused by the carrier", func(t *testing.T) {
		refuse := func(status int) fields { return fields{"command_status": status} }
		alfa.tell(t, map[string]any{"answer": fields{"query_sm": refuse(0x0C), "replace_sm": refuse(0x13), "cancel_sm": refuse(0x58)}})
		for command, want := range map[string]int{"query_sm": 0x0C, "replace_sm": 0x13, "cancel_sm": 0x58} {
			if r := shop.ask(t, command, named(ours, alice, fields{"short_message": "x"})); r.Status != want {
				t.Errorf("%s was answered %#x, want %#x", command, r.Status, want)
			}
		}
	})
	t.Run("not its own", func(t *testing.T) {
		before := len(alfa.heard("query_sm"))
		for id, want := range map[string]int{"1": 0x0C, theirs: 0x0C} {
			if r := shop.ask(t, "query_sm", named(id, alice, nil)); r.Status != want {
				t.Errorf("answered %#x, want %#x", r.Status, want)
			}
		}
		if r := shop.ask(t, "query_sm", named(ours, bob, nil)); r.Status != 0x0A {
			t.Errorf("another source was answered %#x", r.Status)
		}
		if n := len(alfa.heard("query_sm")); n != before {
			t.Errorf("the carrier was asked %d times more", n-before)
		}
	})
	t.Run("what nobody relays", func(t *testing.T) {
		if r := shop.ask(t, "query_broadcast_sm", named(ours, alice, nil)); r.Status != 0x03 {
			t.Errorf("answered %#x", r.Status)
		}
	})
}

// An SMSC knocks by outbind, is bound to on its own connection, and serves in
// both directions.
func TestNodeSendsOutbind(t *testing.T) {
	e := edgeOf(t, smpp.AccountConfig{SystemID: "shop", Password: "sesame", Tenant: "shop"}, smpp.BindConfig{
		Addr: "127.0.0.1:1", SystemID: "maskline", Password: "secret",
		Outbind: smpp.OutbindConfig{Enabled: true, SystemID: "them", Password: "knock", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
	})
	shop := peer(t, "esme", "ASCII", fmt.Sprint(e.port()), "shop", "sesame")
	stranger := peer(t, "outbind", "ASCII", fmt.Sprint(e.port()), "them", "guess")
	eventually(t, "the stranger is refused", func() bool { return len(stranger.heard("generic_nack")) == 1 && len(stranger.all("closed")) == 1 })
	if e.bound("alfa") || len(stranger.heard("bind_transceiver")) > 0 {
		t.Fatal("we bind to a stranger")
	}

	alfa := peer(t, "outbind", "ASCII", fmt.Sprint(e.port()), "them", "knock")
	bind := alfa.hear(t, "bind_transceiver", 1)[0]
	if bind.Fields["system_id"] != "maskline" || bind.Fields["password"] != "secret" {
		t.Errorf("we bind as %v", bind.Fields["system_id"])
	}
	eventually(t, "both are bound", func() bool { return e.bound("alfa") && e.bound("shop") })
	if r := alfa.ask(t, "deliver_sm", addressed(carol, maskShop, fields{"short_message": "hello"})); r.Status != 0 {
		t.Errorf("answered %#x", r.Status)
	}
	if got := shop.hear(t, "deliver_sm", 1)[0]; got.Text != "hello" || got.From != maskOfAlice {
		t.Errorf("the account reads %q, or the sender is not masked", got.Text)
	}
	submitted(t, shop, alfa)
}

// A party can be reached again: the account hears masks alone.
func TestNodeAlertIsPassedOn(t *testing.T) {
	e, shop, alfa := between(t, nil)
	alert := func(from, to string) {
		alfa.send(t, "alert_notification", "", fields{
			"source_addr": from, "source_addr_ton": 1, "source_addr_npi": 1, "esme_addr": to, "esme_addr_ton": 1, "esme_addr_npi": 1,
			"ms_availability_status": 1,
		})
	}
	alert(carol, maskShop)
	got := shop.hear(t, "alert_notification", 1)[0]
	if got.From != maskOfAlice || got.Fields["esme_addr"] != maskShop || fmt.Sprint(got.Fields["ms_availability_status"]) != "1" {
		t.Errorf("ms_availability_status %v, or the addresses are not the masked ones", got.Fields["ms_availability_status"])
	}
	alert(carol, "441119999999")
	dropped := func() bool {
		return e.counter(t, "alerts_total", map[string]string{"outcome": "dropped"}) == 1
	}
	eventually(t, "one about no mask is counted", dropped)
	if n := len(shop.heard("alert_notification")); n != 1 {
		t.Errorf("%d were passed on", n)
	}
}

// A USSD dialogue, a step in each direction; where the account may not, the step
// goes on as an ordinary message.
func TestNodeUSSD(t *testing.T) {
	for name, allowed := range map[string]bool{"both binds have it": true, "the account has not": false} {
		t.Run(name, func(t *testing.T) {
			_, shop, alfa := between(t, func(a *smpp.AccountConfig, b *smpp.BindConfig) { a.USSD, b.USSD = allowed, true })
			step := fields{"service_type": "USSD", "short_message": "1. Balance 2. Top up", "ussd_service_op": 2, "its_session_info": "0900"}
			if r := shop.ask(t, "submit_sm", addressed(alice, maskOfBob, step)); r.Status != 0 {
				t.Fatalf("answered %#x", r.Status)
			}
			got := alfa.hear(t, "submit_sm", 1)[0]
			want := "USSD 2 0900"
			if !allowed {
				want = " <nil> <nil>"
			}
			if s := fmt.Sprint(got.Fields["service_type"], " ", got.Fields["ussd_service_op"], " ", got.Fields["its_session_info"]); s != want || got.Text != "1. Balance 2. Top up" {
				t.Errorf("the carrier has %q, want %q, and reads %q", s, want, got.Text)
			}
			if !allowed {
				return
			}
			back := fields{"service_type": "USSD", "short_message": "2", "ussd_service_op": 18, "its_session_info": "0902"}
			if r := alfa.ask(t, "deliver_sm", addressed(carol, maskShop, back)); r.Status != 0 {
				t.Fatalf("the answer is %#x", r.Status)
			}
			got = shop.hear(t, "deliver_sm", 1)[0]
			if s := fmt.Sprint(got.Fields["service_type"], " ", got.Fields["ussd_service_op"], " ", got.Fields["its_session_info"]); s != "USSD 18 0902" || got.Text != "2" {
				t.Errorf("the account has %q and reads %q", s, got.Text)
			}
		})
	}
}

// A message that its carrier accepts after its sender was told to try again is
// not sent again: node-smpp's SMSC sees it once.
func TestNodeAcceptsLate(t *testing.T) {
	_, shop, alfa := between(t, func(_ *smpp.AccountConfig, b *smpp.BindConfig) {
		b.Long, b.ResponseTimeout = smpp.LongUDH, 3*answerWithin
	})
	alfa.tell(t, map[string]any{"delay": (answerWithin + 2*time.Second).Milliseconds()})
	message := addressed(alice, maskOfBob, fields{"message_payload": longText})
	if r := shop.ask(t, "submit_sm", message); r.Status != 0x08 {
		t.Fatalf("answered %#x", r.Status)
	}
	again := func() bool { return shop.ask(t, "submit_sm", message).Status == 0 }
	eventually(t, "the repetition is accepted", again)
	alfa.hear(t, "submit_sm", 3)
}
