package smpp

import (
	"testing"

	"maskline/smpp/pdu"
)

func TestAccountToCarrier(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	sent := shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "hello"))
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	m := f.message(t)
	if string(m.Source.Digits) != maskOfAlice || string(m.Destination.Digits) != bob || string(m.ShortMessage) != "hello" {
		t.Fatal("the message was not translated")
	}
	carrier.respond(t, f, pdu.ROK, "remote-1")
	got := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	if got.Sequence != sent {
		t.Fatal("another request was answered")
	}
	id := got.messageID(t)
	if id == "" || len(id) > 20 {
		t.Fatalf("message id %q", id)
	}
	if b.counted("shop", "alfa", outcomeAccepted) != 1 {
		t.Fatal("it was not counted")
	}
}
