package smpp

import (
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// receipt is a carrier's deliver_sm about one of its message ids.
func receipt(id string, s pdu.State) *pdu.Message {
	r := pdu.Receipt{MessageID: []byte(id), State: s, NetworkType: 3, ErrorCode: 27}
	m := text(bob, maskOfAlice, "")
	m.ESMClass = r.ESMClass()
	m.ShortMessage = append(r.AppendText(nil, time.Now()), "the text that was sent"...)
	m.TLVs = r.AppendTLVs(nil)
	return m
}

// submitFor sends a message that wants receipts and returns our id for it.
func submitFor(t testing.TB, shop, carrier *wire, registered byte, remoteID string) string {
	t.Helper()
	m := text(alice, "+"+maskOfBob, "x")
	m.RegisteredDelivery = registered
	shop.send(t, pdu.SubmitSM, m)
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	if got := f.message(t).RegisteredDelivery; got != askFor(registered) {
		t.Fatalf("registered_delivery %02x", got)
	}
	carrier.respond(t, f, pdu.ROK, remoteID)
	answer := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	return answer.messageID(t)
}

// expectReceipt checks that a receipt tells the originator only what it knows.
func expectReceipt(t testing.TB, w *wire, localID string, s pdu.State) frame {
	t.Helper()
	f := w.expect(t, pdu.DeliverSM, pdu.ROK)
	m := f.message(t)
	r, ok := pdu.ParseReceipt(m)
	if !ok || !m.IsReceipt() || string(r.MessageID) != localID || r.State != s {
		t.Fatalf("receipt %+v", r)
	}
	if string(m.Source.Digits) != "+"+maskOfBob || string(m.Destination.Digits) != alice {
		t.Fatal("the addresses are not those that the originator wrote")
	}
	textOnly := *m
	textOnly.TLVs = nil
	if r, ok := pdu.ParseReceipt(&textOnly); !ok || string(r.MessageID) != localID || r.State != s {
		t.Fatal("the text form differs from the TLVs")
	}
	if body := string(f.body); strings.Contains(body, bob) || strings.Contains(body, maskOfAlice) || strings.Contains(body, "the text") {
		t.Fatal("the receipt holds what the originator must not know")
	}
	return f
}

func TestReceiptIsTranslated(t *testing.T) {
	cases := []struct {
		name              string
		form              Receipts
		response, receipt string
		change            func(*pdu.Message)
	}{
		{"both forms", StandardIDs, "abc-1", "abc-1", func(*pdu.Message) {}},
		{"text alone", StandardIDs, "abc-2", "abc-2", func(m *pdu.Message) { m.TLVs = nil }},
		{"TLVs alone", StandardIDs, "abc-3", "abc-3", func(m *pdu.Message) { m.ShortMessage = nil }},
		{"case and leading zeros", StandardIDs, "00AbC4", "0abc4", func(*pdu.Message) {}},
		{"receipts in decimal", DecimalIDs, "1A2B3C", "1715004", func(*pdu.Message) {}},
		{"receipts in hexadecimal", HexIDs, "1715004", "1A2B3C", func(*pdu.Message) {}},
		{"only the TLV says that it is one", StandardIDs, "abc-5", "abc-5", func(m *pdu.Message) { m.ESMClass = 0 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, shop, carrier := relayTo(t, func(cfg *Config) { cfg.Carriers[0].Binds[0].Receipts = c.form })
			id := submitFor(t, shop, carrier, pdu.RegisteredBoth, c.response)
			m := receipt(c.receipt, pdu.Delivered)
			c.change(m)
			carrier.send(t, pdu.DeliverSM, m)
			f := expectReceipt(t, shop, id, pdu.Delivered)
			shop.respond(t, f, pdu.ROK, "")
			carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
		})
	}
}

func TestWhichReceiptsAreWanted(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	cases := []struct {
		name       string
		registered byte
		state      pdu.State
		passed     bool
	}{
		{"both, delivered", pdu.RegisteredBoth, pdu.Delivered, true},
		{"both, failed", pdu.RegisteredBoth, pdu.Undeliverable, true},
		{"both, on the way", pdu.RegisteredBoth, pdu.Enroute, false},
		{"failure, delivered", pdu.RegisteredFailure, pdu.Delivered, false},
		{"failure, expired", pdu.RegisteredFailure, pdu.Expired, true},
		{"success, delivered", pdu.RegisteredSuccess, pdu.Delivered, true},
		{"success, failed", pdu.RegisteredSuccess, pdu.Rejected, false},
		{"with intermediate, on the way", pdu.RegisteredBoth | pdu.RegisteredIntermediate, pdu.Enroute, true},
		{"none", 0, pdu.Delivered, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			remote := strings.NewReplacer(" ", "-", ",", "").Replace(c.name) // an id ends at a space
			id := submitFor(t, shop, carrier, c.registered, remote)
			carrier.send(t, pdu.DeliverSM, receipt(remote, c.state))
			if c.passed {
				shop.respond(t, expectReceipt(t, shop, id, c.state), pdu.ROK, "")
			}
			carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
		})
	}
}

// Receipts overtake the response to their message: they wait for it.
func TestReceiptBeforeItsResponse(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	m := text(alice, "+"+maskOfBob, "x")
	m.RegisteredDelivery = pdu.RegisteredBoth | pdu.RegisteredIntermediate
	shop.send(t, pdu.SubmitSM, m)
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	for _, s := range []pdu.State{pdu.Enroute, pdu.Delivered} {
		carrier.send(t, pdu.DeliverSM, receipt("early", s))
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	carrier.respond(t, f, pdu.ROK, "early")
	// The response may come before or after the receipts; both forms are right.
	var id string
	var states []pdu.State
	for range 3 {
		f := shop.mustRead(t)
		if f.Command == pdu.SubmitSMResp {
			id = f.messageID(t)
			continue
		}
		r, _ := pdu.ParseReceipt(f.message(t))
		states = append(states, r.State)
		if id != "" && string(r.MessageID) != id {
			t.Fatal("the receipt is about another message")
		}
		shop.respond(t, f, pdu.ROK, "")
	}
	if !slices.Equal(states, []pdu.State{pdu.Enroute, pdu.Delivered}) {
		t.Fatalf("receipts %v", states)
	}
	_ = b
}

func TestReceiptOnAnotherBind(t *testing.T) {
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	cfg.Carriers[0].Binds[0].BindType = Transmitter
	receiver := carrierAt("alfa", s.addr()).Binds[0]
	receiver.BindType = Receiver
	cfg.Carriers[0].Binds = append(cfg.Carriers[0].Binds, receiver)
	b := startEdge(t, cfg)
	t.Cleanup(s.stop)
	one, two := s.bind(t), s.bind(t)
	eventually(t, "both are bound", func() bool {
		states := b.Binds()
		return states[0].State == "bound" && states[1].State == "bound"
	})
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	m := text(alice, "+"+maskOfBob, "x")
	m.RegisteredDelivery = pdu.RegisteredBoth
	shop.send(t, pdu.SubmitSM, m)
	arrivals := merge(t, []*wire{one, two})
	submit := <-arrivals
	submit.wire.respond(t, submit.frame, pdu.ROK, "77")
	answer := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	other := one
	if submit.wire == one {
		other = two
	}
	other.send(t, pdu.DeliverSM, receipt("77", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, answer.messageID(t), pdu.Delivered), pdu.ROK, "")
	if f := <-arrivals; f.Command != pdu.DeliverSMResp || f.Status != pdu.ROK {
		t.Fatalf("answered %+v", f.Header)
	}
}

func TestRepeatedAndUnknownReceipts(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "77")
	carrier.send(t, pdu.DeliverSM, receipt("77", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.ROK, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	for _, s := range []pdu.State{pdu.Delivered, pdu.Undeliverable} {
		carrier.send(t, pdu.DeliverSM, receipt("77", s))
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	carrier.send(t, pdu.DeliverSM, receipt("nobody's", pdu.Delivered))
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	empty := text(bob, maskOfAlice, "delivered, I think")
	empty.ESMClass = pdu.ESMReceipt
	carrier.send(t, pdu.DeliverSM, empty)
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	for result, want := range map[receiptResult]float64{receiptDelivered: 1, receiptRepeated: 2, receiptUnknown: 1, receiptUnreadable: 1} {
		if got := b.receipts(t, result); got != want {
			t.Errorf("%v: %v, want %v", result, got, want)
		}
	}
}

// No carrier takes part: the edge writes the receipt itself.
func TestAccountToAccountReceipt(t *testing.T) {
	b := startEdge(t, baseConfig())
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	m := text(carol, maskShop, "x")
	m.RegisteredDelivery = pdu.RegisteredBoth
	outlet.send(t, pdu.SubmitSM, m)
	f := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	if f.message(t).RegisteredDelivery != 0 {
		t.Fatal("the account was asked for a receipt")
	}
	shop.respond(t, f, pdu.ROK, "")
	var id, about string
	for range 2 {
		switch f := outlet.mustRead(t); f.Command {
		case pdu.SubmitSMResp:
			id = f.messageID(t)
		default:
			m := f.message(t)
			r, _ := pdu.ParseReceipt(m)
			if r.State != pdu.Delivered || string(m.Source.Digits) != maskShop || string(m.Destination.Digits) != carol {
				t.Fatalf("receipt %+v", r)
			}
			about = string(r.MessageID)
			outlet.respond(t, f, pdu.ROK, "")
		}
	}
	if id == "" || id != about {
		t.Fatal("the receipt is about another message")
	}
}

// orderJournal says what is to be true when a submission is noted.
type orderJournal struct {
	Volatile
	noted func(Submission)
}

func (j *orderJournal) Sent(s Submission) { j.noted(s) }

// The note of a submission precedes that of its final receipt, or a restart
// would not know of the latter.
func TestSubmissionIsNotedBeforeItCanBeJoined(t *testing.T) {
	s := newStill(t, nil)
	shop, alfa := s.account("shop"), s.carrier("alfa")
	joinable := -1
	s.journal = &orderJournal{noted: func(Submission) { joinable, _ = s.carriers["alfa"].joiner.size() }}
	m := text(alice, maskOfBob, "taxi")
	m.RegisteredDelivery = pdu.RegisteredBoth
	shop.submit(m)
	alfa.respond(alfa.one(pdu.SubmitSM), pdu.ROK, "1")
	if joinable != 0 {
		t.Fatalf("%d could be joined already", joinable)
	}
}
