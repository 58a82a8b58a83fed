package smpp

import (
	"testing"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // tests make the table that routing reads
	"maskline/smpp/pdu"
)

// A short code of the peer's country is a mask like others, and is written as
// networks know it.
func TestShortCodeAsAMask(t *testing.T) {
	code, err := e164.ShortCode(44, "60123")
	if err != nil {
		t.Fatal(err)
	}
	table := testTable()
	for _, b := range []numberdb.Binding{
		{Mask: code, To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: e164.MustParse(maskOfAlice)},
		{Mask: code, Party: e164.MustParse(carol), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: e164.MustParse(bob)}, Present: code},
	} {
		b.Services, b.Tenant = numberdb.SMS, "shop"
		table.Apply([]numberdb.Change{{Binding: b}})
	}
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	cfg.Carriers[0].CallingCode = 44
	b := startEdgeOver(t, cfg, Volatile{}, table)
	t.Cleanup(s.stop)
	alfa := s.bind(t)
	b.waitUp(t, "alfa")
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")

	alfa.send(t, pdu.DeliverSM, text(alice, "60123", "VOTE"))
	f := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	if to := f.message(t).Destination; string(to.Digits) != "60123" || to.TON != tonNetwork || to.NPI != 0 {
		t.Errorf("the account is told %d/%d", to.TON, to.NPI)
	}
	shop.respond(t, f, pdu.ROK, "")
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)

	alfa.send(t, pdu.DeliverSM, text(carol, "60123", "hello"))
	f = alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	m := f.message(t)
	if string(m.Source.Digits) != "60123" || m.Source.TON != tonNetwork || m.Source.NPI != 0 {
		t.Errorf("presented with %d/%d", m.Source.TON, m.Source.NPI)
	}
	if string(m.Destination.Digits) != bob || m.Destination.TON != tonInternational {
		t.Error("the destination is written as a short code")
	}
	alfa.respond(t, f, pdu.ROK, "1")
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)

	// An account without a country has no short codes.
	shop.send(t, pdu.SubmitSM, text(alice, "60123", "x"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RInvDstAdr)
}

// An account writes from its tenant's short code, whatever type it gives it. The
// carrier hears a network's number, and the receipt finds back.
func TestFromAShortCode(t *testing.T) {
	code, err := e164.ShortCode(44, "60123")
	if err != nil {
		t.Fatal(err)
	}
	table := testTable()
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: code, To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"}, Present: code, Services: numberdb.SMS, Tenant: "shop",
	}}})
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	cfg.Carriers[0].Binds[0].Numbers = &Numbers{CountryCode: "44", TrunkPrefix: "0"}
	cfg.Carriers[0].CallingCode = 44
	for i := range cfg.Accounts {
		cfg.Accounts[i].CallingCode = 44
	}
	b := startEdgeOver(t, cfg, Volatile{}, table)
	t.Cleanup(s.stop)
	alfa := s.bind(t)
	b.waitUp(t, "alfa")
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")

	for _, ton := range []byte{0, 1, tonNetwork, tonAbbreviated} {
		m := text("60123", alice, "Your code is 1234")
		m.Source.TON = ton
		shop.send(t, pdu.SubmitSM, m)
		f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
		got := f.message(t)
		if string(got.Source.Digits) != "60123" || got.Source.TON != tonNetwork || got.Source.NPI != 0 {
			t.Errorf("TON %d is presented with %d/%d", ton, got.Source.TON, got.Source.NPI)
		}
		if string(got.Destination.Digits) != "0"+alice[2:] {
			t.Error("the destination is not written nationally")
		}
		alfa.respond(t, f, pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
	m := text("60123", alice, "x")
	m.Source.TON = pdu.TONAlphanumeric
	shop.send(t, pdu.SubmitSM, m)
	shop.expect(t, pdu.SubmitSMResp, pdu.RInvDstAdr)

	// The party answers; with national numbers only the type tells that it is none.
	answer := text("0"+alice[2:], "60123", "STORE")
	answer.Source.TON, answer.Destination.TON = tonNational, tonNetwork
	alfa.send(t, pdu.DeliverSM, answer)
	f := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	if got := f.message(t); string(got.Destination.Digits) != "60123" || string(got.Source.Digits) != "60123" {
		t.Error("the account is told other addresses")
	}
	shop.respond(t, f, pdu.ROK, "")
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
}
