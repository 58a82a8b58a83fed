package smpp

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // tests make the table that routing reads
	"maskline/routing"
	"maskline/smpp/pdu"
)

// oneBinding is a table with one binding.
type oneBinding struct{ numberdb.Binding }

func (t *oneBinding) Lookup(mask, party e164.Number, _ time.Time) (numberdb.Binding, numberdb.Status) {
	if mask == t.Mask && party == t.Party {
		return t.Binding, numberdb.Exact
	}
	return numberdb.Binding{}, numberdb.UnknownMask
}

func (t *oneBinding) IsMask(n e164.Number) bool { return n == t.Mask }

// hosts are the carriers of masks.
type hosts map[e164.Number]string

func (h hosts) Mask(n e164.Number) (*numberdb.Mask, bool) {
	carrier, found := h[n]
	return &numberdb.Mask{Number: n, Carrier: carrier}, found
}

// A carrier that may not present the first mask is sent the second one.
func TestTheSecondMaskGoesThroughItsCarrier(t *testing.T) {
	num := e164.MustParse
	table := &oneBinding{numberdb.Binding{
		Mask: num(maskOfBob), Party: num(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(bob)},
		Present: num(maskOfAlice), Second: num(maskOutlet), Services: numberdb.SMS, Tenant: "shop",
	}}
	hosted := hosts{num(maskOfAlice): "alfa", num(maskOutlet): "bravo"}
	own := routing.Presenting{Some: true, Own: true}
	router, err := routing.New(table, routing.Config{Masks: hosted, Carriers: []routing.CarrierConfig{
		{Name: "bravo", Priority: 1, Services: routing.SMS, Present: own},
		{Name: "alfa", Priority: 2, Services: routing.SMS, Present: own},
	}}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	first, second := newSMSC(t), newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", first.addr()), carrierAt("bravo", second.addr())}
	b := startEdgeRouted(t, cfg, Volatile{}, router)
	t.Cleanup(first.stop)
	t.Cleanup(second.stop)
	alfa, bravo := first.bind(t), second.bind(t)
	b.waitUp(t, "alfa")
	b.waitUp(t, "bravo")
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")

	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if m := f.message(t); string(m.Source.Digits) != maskOfAlice || string(m.Destination.Digits) != bob {
		t.Fatal("its host does not present the first mask")
	}
	alfa.respond(t, f, pdu.RThrottled, "")
	f = bravo.expect(t, pdu.SubmitSM, pdu.ROK)
	if m := f.message(t); string(m.Source.Digits) != maskOutlet || string(m.Destination.Digits) != bob || string(m.ShortMessage) != "x" {
		t.Fatal("the next carrier does not present the second mask alone")
	}
	bravo.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}
