package main

import (
	"strings"
	"testing"
	"time"

	"maskline/api/events"
	"maskline/api/webhook"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/smpp/pdu"
)

// wants gives a tenant an endpoint that nothing is ever posted to.
func (o *outboundBed) wants(id numberdb.ID, tenant string, kinds ...events.Kind) {
	o.t.Helper()
	e := &numberdb.WebhookEndpoint{
		ID: id, Tenant: tenant, URL: "https://192.0.2.1/", Created: time.Now().Truncate(time.Microsecond), Secrets: []numberdb.WebhookSecret{webhook.NewSecret(false)},
	}
	for _, k := range kinds {
		e.Types = append(e.Types, k.String())
	}
	if _, err := o.store.PutEndpoint(o.t.Context(), e); err != nil {
		o.t.Fatal(err)
	}
	o.eventually("it is known who wants what", func() bool { return o.edge.told.traffic.Wants(tenant, kinds[0]) })
}

// toldOf counts the events of a type that hold a text.
func (o *outboundBed) toldOf(tenant string, kind events.Kind, text string) (n int) {
	o.t.Helper()
	all, err := o.store.Events(o.t.Context(), numberdb.EventQuery{Tenant: tenant, Limit: 1000})
	if err != nil {
		o.t.Fatal(err)
	}
	for i := range all {
		o.text.Write(webhook.Body(&all[i], webhook.Live))
		if all[i].Type == kind.String() && strings.Contains(string(webhook.Body(&all[i], webhook.Live)), text) {
			n++
		}
	}
	return n
}

// What passes is told to who wants it, by ids and words alone.
func TestTrafficIsTold(t *testing.T) {
	o := startOutbound(t)
	s := o.couple(0)
	alice, bob := e164.MustParse(outAlice), e164.MustParse(outBob)
	toBob, toAlice := s.Participants[0].Dial, s.Participants[1].Dial
	say := func(from, to e164.Number, accepted bool) {
		t.Helper()
		if status := o.deliver("alfa", from, to, secretText); (status == pdu.ROK) != accepted {
			t.Fatalf("answered %#x", uint32(status))
		}
	}
	say(alice, toBob, true) // nobody wants to hear of it
	o.wants(1, "shop", events.MessageInbound, events.MessageBlocked)
	o.wants(2, "", events.OutOfSessionMessage)
	say(bob, toAlice, true)
	say(e164.MustParse("+447700900909"), toAlice, false)
	o.optOut(outAlice)
	say(bob, toAlice, false)
	id := s.ID.Text(numberdb.SessionPrefix)
	o.eventually("all of it is told", func() bool {
		return o.toldOf("shop", events.MessageInbound, `"session_id":"`+id+`","segments":1,"to":"number"`) == 1 &&
			o.toldOf("shop", events.MessageBlocked, `"session_id":"`+id+`","reason":"opted_out"`) == 1 &&
			o.toldOf("", events.OutOfSessionMessage, `"reason":"out_of_session"`) == 1
	})
	if n := o.toldOf("shop", events.MessageInbound, ""); n != 1 {
		t.Errorf("%d were told, also what nobody wanted", n)
	}
	if strings.Contains(o.text.String(), "2079460") {
		t.Error("a mask is in an event")
	}
	o.noLeak(secretText, "7700900101", "7700900212", "7700900909")
}
