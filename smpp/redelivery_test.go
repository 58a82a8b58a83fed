package smpp

import (
	"fmt"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

func (s *still) redelivered(c certainty) int {
	return int((&bench{registry: s.registry}).metric(s.t, "redeliveries_total", "outcome", c.String()))
}

// unanswered sends a message that its carrier does not answer in time.
func unanswered(t *testing.T, change func(*Config)) (s *still, shop, alfa *stillPeer, f frame) {
	t.Helper()
	s = newStill(t, func(c *Config) {
		c.AnswerWithin = 2 * time.Second
		if change != nil {
			change(c)
		}
	})
	shop, alfa = s.account("shop"), s.carrier("alfa")
	shop.submit(text(alice, maskOfBob, "taxi"))
	f = alfa.one(pdu.SubmitSM)
	s.pass(2 * time.Second)
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.RSysErr {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	return s, shop, alfa, f
}

func TestRedeliveryAfterALateAcceptance(t *testing.T) {
	s, shop, alfa, f := unanswered(t, nil)
	alfa.respond(f, pdu.ROK, "late")
	if s.redeliveries.length() != 1 {
		t.Fatal("it is not remembered")
	}
	shop.submit(text(alice, maskOfBob, "taxi"))
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK || r.messageID(t) == "" {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	alfa.none("it was sent twice")
	if s.redelivered(acceptedLate) != 1 || s.redeliveries.length() != 0 {
		t.Fatal("it was not counted, or not forgotten")
	}
	shop.submit(text(alice, maskOfBob, "taxi")) // the same text once more is a new message
	alfa.one(pdu.SubmitSM)
}

// The receipt of the first sending reaches the originator under the id that the
// redelivery got.
func TestRedeliveryGetsItsReceipt(t *testing.T) {
	s := newStill(t, func(c *Config) { c.AnswerWithin = 2 * time.Second })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	m := text(alice, maskOfBob, "taxi")
	m.RegisteredDelivery = pdu.RegisteredBoth
	shop.submit(m)
	f := alfa.one(pdu.SubmitSM)
	s.pass(2 * time.Second)
	shop.one(pdu.SubmitSMResp)
	alfa.respond(f, pdu.ROK, "abc1")
	receipt, _ := receiptFrom("abc1").Append(nil, pdu.DeliverSM, 7)
	alfa.handle(s.turn, receipt) // before the redelivery
	alfa.one(pdu.DeliverSMResp)
	shop.submit(m)
	frames := shop.got()
	if len(frames) != 2 || frames[0].Status != pdu.ROK {
		t.Fatalf("got %v", frames)
	}
	r, ok := pdu.ParseReceipt(frames[1].message(t))
	if !ok || string(r.MessageID) != frames[0].messageID(t) {
		t.Fatal("the receipt does not name the redelivery's id")
	}
}

// Operations ask about a redelivery by the mask that the carrier knows, which is
// not that of the message whose memory it takes over.
func TestRedeliveryKeepsItsMask(t *testing.T) {
	s := newStill(t, func(c *Config) { c.AnswerWithin = 2 * time.Second })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	m := text(alice, maskOfBob, "taxi")
	m.RegisteredDelivery = pdu.RegisteredBoth
	shop.submit(m)
	f := alfa.one(pdu.SubmitSM)
	s.pass(2 * time.Second)
	shop.one(pdu.SubmitSMResp)
	alfa.respond(f, pdu.ROK, "abc1")
	shop.submit(text(bob, maskOfAlice, "no")) // another mask
	alfa.respond(alfa.one(pdu.SubmitSM), pdu.ROK, "abc2")
	shop.got()
	shop.submit(m)
	shop.one(pdu.SubmitSMResp)
	j := s.carriers["alfa"].joiner
	if sub := j.at(j.next - 1); string(sub.presented.AppendDigits(nil)) != maskOfAlice {
		t.Fatal("another mask than the carrier was shown")
	}
}

func receiptFrom(id string) *pdu.Message {
	m := text(bob, maskOfAlice, "")
	m.ESMClass = pdu.ESMReceipt
	r := pdu.Receipt{MessageID: []byte(id), State: pdu.Delivered}
	m.TLVs = r.AppendTLVs(nil)
	return m
}

func TestRedeliveryWhoseFirstIsUnderWay(t *testing.T) {
	s, shop, alfa, f := unanswered(t, nil)
	for range 2 {
		shop.submit(text(alice, maskOfBob, "taxi"))
		if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.RSysErr {
			t.Fatalf("answered %02x", uint32(r.Status))
		}
	}
	alfa.none("it was sent twice")
	alfa.respond(f, pdu.ROK, "late")
	shop.submit(text(alice, maskOfBob, "taxi"))
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK {
		t.Fatalf("answered %02x in the end", uint32(r.Status))
	}
	if s.redelivered(underWay) != 2 || s.redelivered(acceptedLate) != 1 {
		t.Fatal("not counted")
	}
}

// What becomes of the first sending decides whether a repetition is sent.
func TestRedeliveryIsSentAgain(t *testing.T) {
	cases := []struct {
		name    string
		then    func(s *still, alfa *stillPeer, f frame)
		counted int
	}{
		{"refused late", func(_ *still, alfa *stillPeer, f frame) { alfa.respond(f, pdu.RThrottled, "") }, 0},
		{"response given up", func(s *still, _ *stillPeer, _ frame) { s.pass(9 * time.Second) }, 1},
		{"link lost", func(s *still, alfa *stillPeer, _ frame) { alfa.gone() }, 1},
		{"kept long enough", func(s *still, alfa *stillPeer, f frame) { alfa.respond(f, pdu.ROK, "1"); s.pass(time.Minute) }, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, shop, alfa, f := unanswered(t, func(c *Config) { c.Redelivery = time.Minute })
			bravo := s.carrier("bravo")
			c.then(s, alfa, f)
			shop.submit(text(alice, maskOfBob, "taxi"))
			s.pass(2 * tick)
			s.pass(2 * time.Second) // alfa may be slowed
			if n := len(alfa.got()) + len(bravo.got()); n != 1 {
				t.Fatalf("sent %d times", n)
			}
			if got := s.redelivered(givenUp); got != c.counted {
				t.Fatalf("counted %d, want %d", got, c.counted)
			}
			if n := shop.from().uncertain.Load(); n > 1 {
				t.Fatalf("%d are counted as uncertain", n)
			}
		})
	}
}

func (p *stillPeer) from() *peer { return p.terms.peer }

// A response that comes after it was given up still settles the matter.
func TestRedeliveryAfterAResponseThatWasGivenUp(t *testing.T) {
	s, shop, alfa, f := unanswered(t, nil)
	s.pass(9 * time.Second)
	alfa.respond(f, pdu.ROK, "very late")
	shop.submit(text(alice, maskOfBob, "taxi"))
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK || s.redelivered(acceptedLate) != 1 {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	alfa.none("it was sent twice")
}

func TestWhatIsNoRedelivery(t *testing.T) {
	other := func(change func(*pdu.Message)) *pdu.Message {
		m := text(alice, maskOfBob, "taxi")
		change(m)
		return m
	}
	cases := map[string]*pdu.Message{
		"another text":   text(alice, maskOfBob, "taxi!"),
		"another sender": text(bob, maskOfAlice, "taxi"),
		"another coding": other(func(m *pdu.Message) { m.DataCoding = 8 }),
		"another port":   other(func(m *pdu.Message) { m.TLVs = pdu.AppendTLV(nil, pdu.TagDestinationPort, []byte{0, 1}) }),
	}
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			s, shop, alfa, f := unanswered(t, nil)
			alfa.respond(f, pdu.ROK, "late")
			shop.submit(m)
			alfa.one(pdu.SubmitSM)
			if s.redeliveries.length() != 1 {
				t.Fatal("the first one was forgotten")
			}
		})
	}
	t.Run("another account", func(t *testing.T) {
		s, _, alfa, f := unanswered(t, nil)
		alfa.respond(f, pdu.ROK, "late")
		s.account("outlet").submit(text(alice, maskOfBob, "taxi"))
		alfa.one(pdu.SubmitSM)
	})
}

// What a repetition may change does not matter.
func TestRedeliveryWithOtherParameters(t *testing.T) {
	s, shop, alfa, f := unanswered(t, nil)
	alfa.respond(f, pdu.ROK, "late")
	m := text(alice, maskOfBob, "taxi")
	m.ValidityPeriod = []byte("000001000000000R")
	m.PriorityFlag = 1
	m.TLVs = pdu.AppendTLV(nil, pdu.TagUserMessageReference, []byte{0, 9})
	shop.submit(m)
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK || s.redelivered(acceptedLate) != 1 {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
}

func TestRedeliveryTurnedOff(t *testing.T) {
	s, shop, alfa, f := unanswered(t, func(c *Config) { c.Redelivery = -1 })
	alfa.respond(f, pdu.ROK, "late")
	shop.submit(text(alice, maskOfBob, "taxi"))
	alfa.one(pdu.SubmitSM)
	if s.redeliveries.length() != 0 {
		t.Fatal("something is remembered")
	}
}

// Where the next carrier may have it too, the next carrier's answer counts.
func TestNoRedeliveryWhereUnknownGoesOn(t *testing.T) {
	s := newStill(t, func(c *Config) {
		c.Carriers[0].Binds[0].UnknownNext = true
		c.Carriers[0].Binds[0].ResponseTimeout = time.Second
	})
	shop, alfa, bravo := s.account("shop"), s.carrier("alfa"), s.carrier("bravo")
	shop.submit(text(alice, maskOfBob, "taxi"))
	f := alfa.one(pdu.SubmitSM)
	s.pass(time.Second)
	bravo.respond(bravo.one(pdu.SubmitSM), pdu.ROK, "1")
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	alfa.respond(f, pdu.ROK, "late")
	if s.redeliveries.length() != 0 {
		t.Fatal("an accepted message is remembered")
	}
}

func TestRedeliveriesAreBounded(t *testing.T) {
	s := newStill(t, nil)
	from := s.Edge.account("shop").peer
	for i := range maxUncertain + 100 {
		m := &message{from: from, payload: fmt.Append(nil, i)}
		s.redeliveries.remember(s.turn, s.redeliveries.note(m), m, nil)
	}
	if n := s.redeliveries.length(); n != maxUncertain || int(from.uncertain.Load()) != n {
		t.Fatalf("%d are kept, %d counted", n, from.uncertain.Load())
	}
	s.redeliveries.expire(never)
	if s.redeliveries.length() != 0 || from.uncertain.Load() != 0 || s.redeliveries.oldest != nil || s.redeliveries.newest != nil {
		t.Fatal("some are left")
	}
}

func BenchmarkRedeliveryLookup(b *testing.B) {
	s := newStill(b, nil)
	m := &message{from: s.Edge.account("shop").peer, payload: make([]byte, 140)}
	b.ReportAllocs()
	for b.Loop() {
		s.redeliveries.find(s.turn.fingerprint(s.redeliveries, m), 0)
	}
}

// The steps of two USSD dialogues may say the same.
func TestRedeliveryTellsDialoguesApart(t *testing.T) {
	s := newStill(t, func(c *Config) {
		c.AnswerWithin = 2 * time.Second
		c.Accounts[0].USSD, c.Carriers[0].Binds[0].USSD = true, true
	})
	shop, alfa := s.account("shop"), s.carrier("alfa")
	first, second := step(alice, maskOfBob, "1"), step(alice, maskOfBob, "1")
	second.TLVs = pdu.AppendTLV(nil, tagITSSessionInfo, []byte{8, 2})
	shop.submit(first)
	f := alfa.one(pdu.SubmitSM)
	s.pass(2 * time.Second)
	shop.one(pdu.SubmitSMResp)
	alfa.respond(f, pdu.ROK, "late")
	shop.submit(second)
	alfa.one(pdu.SubmitSM)
}
