package smpp

import (
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// What the carrier is asked for follows from what the originator wants; SME
// acknowledgements are never asked for.
func TestRegisteredDeliveryAskedOfACarrier(t *testing.T) {
	cases := map[byte]byte{
		0:                          0,
		pdu.RegisteredBoth:         pdu.RegisteredBoth,
		pdu.RegisteredFailure:      pdu.RegisteredFailure,
		pdu.RegisteredSuccess:      pdu.RegisteredBoth,
		pdu.RegisteredIntermediate: pdu.RegisteredIntermediate,
		pdu.RegisteredSuccess | pdu.RegisteredIntermediate: pdu.RegisteredBoth | pdu.RegisteredIntermediate,
		0x0C:                      0, // both acknowledgements of the SME
		0x0C | pdu.RegisteredBoth: pdu.RegisteredBoth,
		0xE0:                      0, // reserved
		0xE0 | pdu.RegisteredBoth: pdu.RegisteredBoth,
	}
	for wants, want := range cases {
		m := &message{up: &session{}, command: pdu.SubmitSM}
		in := text(alice, maskOfBob, "x")
		in.RegisteredDelivery = wants
		if r := m.fill(in, &format{}); r != notRefused || m.registered != want {
			t.Errorf("%02x becomes %02x, want %02x", wants, m.registered, want)
		}
	}
}

// A carrier's own deliver_sm may ask for what it likes: nobody asks on.
func TestCarrierIsNotOwedReceipts(t *testing.T) {
	m := &message{up: &session{dialer: &dialer{}}, command: pdu.DeliverSM}
	in := text(bob, maskOfAlice, "x")
	in.RegisteredDelivery = pdu.RegisteredBoth
	if r := m.fill(in, &format{}); r != notRefused || m.registered != 0 || m.wants != 0 {
		t.Fatalf("registered_delivery %02x", m.registered)
	}
}

// A message id longer than the specification's: the message is accepted, and
// that its receipts cannot be joined is counted.
func TestMessageIDThatIsTooLong(t *testing.T) {
	for name, id := range map[string]string{"none": "", "65 octets": strings.Repeat("1", 65), "without NUL": "\xff"} {
		t.Run(name, func(t *testing.T) {
			b, shop, carrier := relayTo(t, nil)
			m := text(alice, maskOfBob, "x")
			m.RegisteredDelivery = pdu.RegisteredBoth
			shop.send(t, pdu.SubmitSM, m)
			f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
			body := []byte(id)
			if id != "\xff" {
				body = append(body, 0)
			}
			resp := pdu.AppendHeader(nil, pdu.SubmitSMResp, pdu.ROK, f.Sequence)
			resp = append(resp, body...)
			resp[3] = byte(len(resp))
			carrier.write(t, resp)
			if answer := shop.expect(t, pdu.SubmitSMResp, pdu.ROK); answer.messageID(t) == "" {
				t.Fatal("the originator got no id")
			}
			eventually(t, "it is counted", func() bool { return b.receipts(t, receiptNameless) == 1 })
			if n, _ := b.carriers["alfa"].joiner.size(); n != 0 {
				t.Fatalf("%d can be joined", n)
			}
			carrier.send(t, pdu.DeliverSM, receipt(strings.Repeat("1", 64), pdu.Delivered))
			carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
		})
	}
}

// An intermediate notification leaves the entry for the final receipt, and a
// final one that nobody wanted still ends it.
func TestIntermediateThenFinal(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredFailure|pdu.RegisteredIntermediate, "77")
	for _, s := range []pdu.State{pdu.Accepted, pdu.Enroute} {
		carrier.send(t, pdu.DeliverSM, receipt("77", s))
		shop.respond(t, expectReceipt(t, shop, id, s), pdu.ROK, "")
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	for _, s := range []pdu.State{pdu.Delivered, pdu.Undeliverable} {
		carrier.send(t, pdu.DeliverSM, receipt("77", s))
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	for result, want := range map[receiptResult]float64{receiptDelivered: 2, receiptUnwanted: 1, receiptRepeated: 1} {
		if got := b.receipts(t, result); got != want {
			t.Errorf("%v: %v, want %v", result, got, want)
		}
	}
}

// A final receipt that comes twice before its response is passed on once, and
// the other one is counted.
func TestRepeatedBeforeItsResponse(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	m := text(alice, "+"+maskOfBob, "x")
	m.RegisteredDelivery = pdu.RegisteredBoth
	shop.send(t, pdu.SubmitSM, m)
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	for range 2 {
		carrier.send(t, pdu.DeliverSM, receipt("early", pdu.Delivered))
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	carrier.respond(t, f, pdu.ROK, "early")
	for range 2 { // the answer and the receipt
		if f := shop.mustRead(t); f.Command == pdu.DeliverSM {
			shop.respond(t, f, pdu.ROK, "")
		}
	}
	eventually(t, "both are counted", func() bool {
		return b.receipts(t, receiptDelivered) == 1 && b.receipts(t, receiptRepeated) == 1 && b.receipts(t, receiptUnknown) == 2
	})
}

// The carrier's own words about an error reach the originator, and no others.
func TestErrorWordIsPassedOn(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "77")
	m := text(bob, maskOfAlice, "id:77 stat:UNDELIV err:E1A text:"+bob)
	m.ESMClass = pdu.ESMReceipt
	carrier.send(t, pdu.DeliverSM, m)
	f := expectReceipt(t, shop, id, pdu.Undeliverable)
	if got := string(f.message(t).ShortMessage); !strings.Contains(got, " err:E1A ") {
		t.Fatalf("%d octets without the word", len(got))
	}
	shop.respond(t, f, pdu.ROK, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
}

// The delay is measured once for each message, by its final receipt.
func TestReceiptDelay(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	before := time.Now()
	for _, wants := range []byte{pdu.RegisteredBoth | pdu.RegisteredIntermediate, pdu.RegisteredFailure} {
		remote := string(rune('a' + wants))
		id := submitFor(t, shop, carrier, wants, remote)
		for _, s := range []pdu.State{pdu.Enroute, pdu.Delivered, pdu.Delivered} {
			carrier.send(t, pdu.DeliverSM, receipt(remote, s))
			if wants != pdu.RegisteredFailure && s == pdu.Enroute {
				shop.respond(t, expectReceipt(t, shop, id, s), pdu.ROK, "")
			}
			if wants != pdu.RegisteredFailure && s == pdu.Delivered && b.receipts(t, receiptDelivered) == 1 {
				shop.respond(t, expectReceipt(t, shop, id, s), pdu.ROK, "")
			}
			carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
		}
	}
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "maskline_smpp_receipt_delay_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 2 || h.GetSampleSum() < 0 || h.GetSampleSum() > time.Since(before).Seconds()+1 {
			t.Fatalf("%d delays, %v s", h.GetSampleCount(), h.GetSampleSum())
		}
		return
	}
	t.Fatal("there is no such metric")
}
