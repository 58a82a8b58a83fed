package smpp

import (
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // tests make the table that routing reads
	"maskline/routing"
	"maskline/smpp/pdu"
	"maskline/testbench/await"
)

const (
	maskDesk = "441110000005" // leads to a SIP peer
	desk     = "desk@127.0.0.1:5070"
)

// fakeSIP is the side of SIP: it keeps what it is handed and answers when told.
type fakeSIP struct {
	mu     sync.Mutex
	taken  []routing.Message
	answer []func(routing.Delivery)
	fate   *routing.Delivery // not nil: at once
}

func (f *fakeSIP) Deliver(m *routing.Message, done func(routing.Delivery)) {
	f.mu.Lock()
	kept := *m
	kept.Text = append([]byte(nil), m.Text...)
	f.taken, f.answer = append(f.taken, kept), append(f.answer, done)
	fate := f.fate
	f.mu.Unlock()
	if fate != nil {
		done(*fate)
	}
}

// answerAll answers what comes from now on at once.
func (f *fakeSIP) answerAll(fate routing.Fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fate = &routing.Delivery{Fate: fate}
}

func (f *fakeSIP) all() []routing.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]routing.Message(nil), f.taken...)
}

// withSIP is relayTo with a SIP side, and a mask that leads to it.
func withSIP(t *testing.T, change func(*Config)) (b *bench, side *fakeSIP, shop, alfa *wire) {
	t.Helper()
	side = &fakeSIP{}
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Messenger = side
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	if change != nil {
		change(&cfg)
	}
	table := testTable()
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: e164.MustParse(maskDesk), To: numberdb.Endpoint{Kind: numberdb.SIP, Name: desk},
		Present: e164.MustParse(maskOfAlice), Tenant: "shop", Services: numberdb.SMS,
	}}})
	b = startEdgeOver(t, cfg, Volatile{}, table)
	t.Cleanup(s.stop)
	alfa = s.bind(t)
	b.waitUp(t, "alfa")
	return b, side, bound(t, b.addr, pdu.BindTransceiver, "shop"), alfa
}

// deliver hands a message over as sip does.
func (b *bench) deliver(from, to, line string) <-chan routing.Delivery {
	m := routing.Message{
		Origin: &routing.Origin{Carrier: "trunk"}, Dialled: "+" + to, Text: []byte(line), AnswerBy: time.Now().Add(5 * time.Second),
	}
	m.To, _ = e164.Parse([]byte(to))
	m.From, _ = e164.Parse([]byte(from))
	done := make(chan routing.Delivery, 2) // a second one would be a fault
	b.Deliver(&m, func(d routing.Delivery) { done <- d })
	return done
}

func answerOf(t *testing.T, done <-chan routing.Delivery) routing.Delivery {
	t.Helper()
	return await.From(t, patience, "an answer", done)
}

func TestSIPMessageToCarrier(t *testing.T) {
	b, _, _, alfa := withSIP(t, nil)
	for _, c := range []struct {
		name, line string
		coding     byte
		octets     string
	}{
		{"phone alphabet", "Hello @ {1}", 0, "Hello \x00 \x1b\x281\x1b\x29"},
		{"another alphabet", "Привет", 8, "\x04\x1f\x04\x40\x04\x38\x04\x32\x04\x35\x04\x42"},
		{"nothing", "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := b.deliver(alice, maskOfBob, c.line)
			f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
			m := f.message(t)
			if string(m.Source.Digits) != maskOfAlice || string(m.Destination.Digits) != bob {
				t.Fatal("the addresses are not the masked ones")
			}
			if string(m.ShortMessage) != c.octets || m.DataCoding != c.coding || m.RegisteredDelivery != 0 {
				t.Fatalf("%q, coding %d", m.ShortMessage, m.DataCoding)
			}
			select {
			case <-done:
				t.Fatal("answered before the carrier")
			default:
			}
			alfa.respond(t, f, pdu.ROK, "1")
			if d := answerOf(t, done); d.Fate != routing.FateDelivered {
				t.Fatalf("%+v", d)
			}
		})
	}
	if n := b.counted("sip", "alfa", outcomeAccepted); n != 3 {
		t.Errorf("counted as %d", n)
	}
	if n := b.foreign.unanswered(); n != 0 {
		t.Errorf("%d are not answered", n)
	}
}

func TestLongSIPMessages(t *testing.T) {
	line := strings.Repeat("0123456789", 20)
	for _, c := range []struct {
		name  string
		long  Long
		parts int
	}{{"as it came", LongAsItCame, 2}, {"udh", LongUDH, 2}, {"sar", LongSAR, 2}, {"whole", LongPayload, 1}} {
		t.Run(c.name, func(t *testing.T) {
			b, _, _, alfa := withSIP(t, longBind(c.long))
			done := b.deliver(alice, maskOfBob, line)
			var got strings.Builder
			for range c.parts {
				f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
				m := f.message(t)
				if _, whole := m.TLVs.Find(pdu.TagMessagePayload); whole != (c.parts == 1) {
					t.Error("message_payload")
				}
				rest := m.Payload()
				if m.ESMClass&pdu.ESMUDHI != 0 {
					var err error
					if _, rest, err = pdu.SplitUDH(rest); err != nil {
						t.Fatal(err)
					}
				}
				got.Write(rest)
				alfa.respond(t, f, pdu.ROK, "1")
			}
			if d := answerOf(t, done); d.Fate != routing.FateDelivered || got.String() != line {
				t.Errorf("%+v, %d octets", d, got.Len())
			}
		})
	}
}

func TestSIPMessageThatIsRefused(t *testing.T) {
	b, _, _, alfa := withSIP(t, nil)
	for _, c := range []struct {
		name, to string
		status   pdu.Status // of the carrier; 0: it is not asked
		want     routing.Delivery
	}{
		{"unknown mask", "441119999999", 0, routing.Delivery{Fate: routing.FateNoReceiver, Verdict: routing.UnknownMask}},
		{"out of session", maskOfAlice, 0, routing.Delivery{Fate: routing.FateNoReceiver, Verdict: routing.OutOfSession}},
		{"emergency", "112", 0, routing.Delivery{Fate: routing.FateNoReceiver, Verdict: routing.EmergencyRefused}},
		{"receiver unknown to the carrier", maskOfBob, pdu.RInvDstAdr, routing.Delivery{Fate: routing.FateNoReceiver}},
		{"too long for the carrier", maskOfBob, pdu.RInvMsgLen, routing.Delivery{Fate: routing.FateTooLong}},
		{"refused by the carrier", maskOfBob, pdu.RxPAppn, routing.Delivery{Fate: routing.FateRefused}},
		{"carrier throttles", maskOfBob, pdu.RThrottled, routing.Delivery{Fate: routing.FateTemporary}},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := make(chan routing.Delivery, 1)
			m := routing.Message{
				Origin: &routing.Origin{Tenant: "outlet"}, Dialled: c.to, From: e164.MustParse(alice), Text: []byte("x"),
				AnswerBy: time.Now().Add(time.Second),
			}
			m.To, _ = e164.Parse([]byte(c.to))
			b.Deliver(&m, func(d routing.Delivery) { done <- d })
			if c.status != 0 {
				alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), c.status, "")
			}
			if d := answerOf(t, done); d != c.want {
				t.Errorf("%+v, want %+v", d, c.want)
			}
		})
	}
}

func TestSIPMessageOfUnknownOutcome(t *testing.T) {
	b, _, _, alfa := withSIP(t, func(c *Config) { c.AnswerWithin = 300 * time.Millisecond })
	done := b.deliver(alice, maskOfBob, "once")
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if d := answerOf(t, done); d.Fate != routing.FateUnknown {
		t.Fatalf("%+v", d)
	}
	alfa.respond(t, f, pdu.ROK, "1")
	eventually(t, "the late response is known", func() bool { return b.counted("sip", "alfa", outcomeLateAccepted) == 1 })
	if d := answerOf(t, b.deliver(alice, maskOfBob, "once")); d.Fate != routing.FateDelivered {
		t.Errorf("sent again: %+v", d)
	}
}

func TestSIPMessagesAreBounded(t *testing.T) {
	b, _, _, _ := withSIP(t, nil)
	s := b.foreign.upstream(b.Edge, &routing.Origin{Carrier: "trunk"})
	s.mu.Lock()
	s.unanswered = maxForeign
	s.mu.Unlock()
	if d := answerOf(t, b.deliver(alice, maskOfBob, "one too many")); d.Fate != routing.FateTemporary {
		t.Errorf("%+v", d)
	}
	s.mu.Lock()
	s.unanswered = 0
	s.mu.Unlock()
	b.draining.Store(true)
	if d := answerOf(t, b.deliver(alice, maskOfBob, "late")); d.Fate != routing.FateTemporary {
		t.Errorf("while draining: %+v", d)
	}
}

func TestMessageToSIPPeer(t *testing.T) {
	b, side, shop, alfa := withSIP(t, nil)
	for _, c := range []struct {
		name   string
		fate   routing.Fate
		status pdu.Status
		toUs   pdu.Status // towards the carrier
	}{
		{"taken", routing.FateDelivered, pdu.ROK, pdu.ROK},
		{"refused", routing.FateRefused, pdu.RSubmitFail, pdu.RxPAppn},
		{"no such user", routing.FateNoReceiver, pdu.RInvDstAdr, pdu.RxPAppn},
		{"too long", routing.FateTooLong, pdu.RInvMsgLen, pdu.RxPAppn},
		{"busy", routing.FateTemporary, pdu.RSysErr, pdu.RxTAppn},
		{"no answer", routing.FateUnknown, pdu.RSysErr, pdu.RxTAppn},
	} {
		t.Run(c.name, func(t *testing.T) {
			side.mu.Lock()
			side.fate, side.taken = &routing.Delivery{Fate: c.fate}, nil
			side.mu.Unlock()
			shop.send(t, pdu.SubmitSM, text(carol, maskDesk, "from the shop"))
			shop.expect(t, pdu.SubmitSMResp, c.status)
			alfa.send(t, pdu.DeliverSM, text(carol, maskDesk, "from carol"))
			alfa.expect(t, pdu.DeliverSMResp, c.toUs)
			got := side.all()
			if len(got) != 2 || string(got[1].Text) != "from carol" || got[1].Peer != desk || got[1].From != e164.MustParse(maskOfAlice) {
				t.Fatal("another message was handed over")
			}
			if left := time.Until(got[1].AnswerBy); left <= 0 || left > b.cfg.AnswerWithin {
				t.Errorf("%v left", left)
			}
		})
	}
	if n := b.counted("alfa", "sip", outcomeAccepted); n != 1 {
		t.Errorf("counted as %d", n)
	}
}

func TestReceiptOfMessageToSIPPeer(t *testing.T) {
	_, side, shop, _ := withSIP(t, nil)
	side.answerAll(routing.FateDelivered)
	m := text(carol, maskDesk, "tell me")
	m.RegisteredDelivery = pdu.RegisteredBoth
	shop.send(t, pdu.SubmitSM, m)
	f := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	id := f.messageID(t)
	r := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	got := r.message(t)
	if string(got.Source.Digits) != maskDesk || string(got.Destination.Digits) != carol || !strings.HasPrefix(string(got.ShortMessage), "id:"+id) {
		t.Error("a receipt of another message")
	}
	shop.respond(t, r, pdu.ROK, "")
}

func TestSegmentsToSIPPeerAreOneText(t *testing.T) {
	_, side, shop, _ := withSIP(t, nil)
	side.answerAll(routing.FateDelivered)
	part := func(number byte, line string) *pdu.Message {
		m := text(carol, maskDesk, "")
		m.ESMClass, m.ShortMessage = pdu.ESMUDHI, append([]byte{5, 0, 3, 9, 2, number}, line...)
		return m
	}
	shop.send(t, pdu.SubmitSM, part(2, "second"))
	shop.send(t, pdu.SubmitSM, part(1, "first, "))
	for range 2 {
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
	if got := side.all(); len(got) != 1 || string(got[0].Text) != "first, second" {
		t.Errorf("%d messages", len(got))
	}
}

func TestWhatIsNoTextGoesToNoSIPPeer(t *testing.T) {
	_, side, shop, _ := withSIP(t, nil)
	binary := text(carol, maskDesk, "\x01\x02")
	binary.DataCoding = pdu.CodingBinary
	port := text(carol, maskDesk, "")
	port.ESMClass, port.ShortMessage = pdu.ESMUDHI, []byte("\x06\x05\x04\x0b\x84\x23\xf0card")
	tlv := text(carol, maskDesk, "card")
	tlv.TLVs = pdu.AppendTLV(nil, pdu.TagDestinationPort, []byte{0x23, 0xf0})
	for name, m := range map[string]*pdu.Message{"binary": binary, "for a port": port, "for a port, by TLV": tlv} {
		shop.send(t, pdu.SubmitSM, m)
		if f, ok := shop.read(); !ok || f.Status != pdu.RSubmitFail {
			t.Errorf("%s: %v", name, f.Status)
		}
	}
	if len(side.all()) != 0 {
		t.Error("handed over")
	}
}

func TestWithoutSIPItsEndpointsAreRefused(t *testing.T) {
	_, _, shop, _ := withSIP(t, func(c *Config) { c.Messenger = nil })
	shop.send(t, pdu.SubmitSM, text(carol, maskDesk, "x"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RInvDstAdr)
}

// One trunk's message to another's PBX crosses twice.
func TestSIPMessageToSIPPeer(t *testing.T) {
	b, side, _, _ := withSIP(t, nil)
	done := b.deliver(carol, maskDesk, "grüße")
	eventually(t, "it is handed over", func() bool { return len(side.all()) == 1 })
	if got := side.all()[0]; string(got.Text) != "grüße" {
		t.Fatal("another text")
	}
	b.draining.Store(true)
	if b.inFlight() != 1 {
		t.Error("a drain would not wait for it")
	}
	side.answer[0](routing.Delivery{Fate: routing.FateDelivered})
	if d := answerOf(t, done); d.Fate != routing.FateDelivered {
		t.Errorf("%+v", d)
	}
	if b.inFlight() != 0 {
		t.Error("still in flight")
	}
}

// TestLateAnswerOfAPeer has a SIP peer answer after the upstream was told to try
// again: what it accepted is not sent to it a second time.
func TestLateAnswerOfAPeer(t *testing.T) {
	for _, c := range []struct {
		name  string
		late  routing.Fate
		again bool // the repetition is handed on
	}{
		{"accepted", routing.FateDelivered, false},
		{"refused", routing.FateTemporary, true},
		{"never", routing.FateUnknown, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, side, shop, _ := withSIP(t, func(cfg *Config) { cfg.Redelivery = time.Minute })
			side.answerAll(routing.FateUnknown)
			send := func(want pdu.Status) {
				t.Helper()
				shop.send(t, pdu.SubmitSM, text(carol, maskDesk, "hello"))
				shop.expect(t, pdu.SubmitSMResp, want)
			}
			send(pdu.RSysErr)
			send(pdu.RSysErr) // while its answer may still come
			if n := len(side.all()); n != 1 {
				t.Fatalf("%d handed on", n)
			}
			side.all()[0].Late(routing.Delivery{Fate: c.late})
			side.answerAll(routing.FateDelivered)
			send(pdu.ROK)
			if n := len(side.all()); (n == 2) != c.again {
				t.Errorf("%d handed on", n)
			}
		})
	}
}
