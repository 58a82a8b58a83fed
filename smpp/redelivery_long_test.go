package smpp

import (
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// longStill is an edge whose first carrier takes long messages in one way.
func longStill(t *testing.T, l Long, change func(*Config)) (s *still, shop, alfa *stillPeer) {
	t.Helper()
	s = newStill(t, func(c *Config) {
		c.AnswerWithin = 2 * time.Second
		c.Carriers[0].Binds[0].Long = l
		if change != nil {
			change(c)
		}
	})
	return s, s.account("shop"), s.carrier("alfa")
}

// three takes the three PDUs of a message that was cut.
func (p *stillPeer) three() []frame {
	p.still.t.Helper()
	frames := p.got()
	if len(frames) != 3 {
		p.still.t.Fatalf("%d PDUs, want 3", len(frames))
	}
	return frames
}

// allAnswered fails where the answers are not so many of one status.
func (p *stillPeer) allAnswered(n int, status pdu.Status) {
	p.still.t.Helper()
	got := p.answers()
	for _, a := range got {
		if a != status {
			p.still.t.Fatalf("answered %02x, want %02x", uint32(a), uint32(status))
		}
	}
	if len(got) != n {
		p.still.t.Fatalf("%d answers, want %d", len(got), n)
	}
}

// What became of the parts of a message that was cut decides whether its
// repetition is sent.
func TestRedeliveryOfAMessageThatWasCut(t *testing.T) {
	cases := []struct {
		name   string
		intime map[int]pdu.Status // answers before the upstream is told
		late   map[int]pdu.Status
		gone   bool
		sent   int
		want   pdu.Status
	}{
		{"all accepted late", nil, map[int]pdu.Status{2: 0, 0: 0, 1: 0}, false, 0, pdu.ROK},
		{"one in time, two late", map[int]pdu.Status{1: 0}, map[int]pdu.Status{0: 0, 2: 0}, false, 0, pdu.ROK},
		{"the last in time, two late", map[int]pdu.Status{2: 0}, map[int]pdu.Status{0: 0, 1: 0}, false, 0, pdu.ROK},
		{"one still open", nil, map[int]pdu.Status{0: 0, 2: 0}, false, 0, pdu.RSysErr},
		{"one refused late", nil, map[int]pdu.Status{0: 0, 1: pdu.RxTAppn, 2: 0}, false, 3, 0},
		{"one refused in time", map[int]pdu.Status{1: pdu.RxTAppn}, map[int]pdu.Status{0: 0, 2: 0}, false, 3, 0},
		{"the link is lost", map[int]pdu.Status{0: 0}, map[int]pdu.Status{1: 0}, true, 3, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, shop, alfa := longStill(t, LongUDH, nil)
			shop.submit(long(alice, maskOfBob))
			parts := alfa.three()
			answer := func(by map[int]pdu.Status) {
				for i := range parts {
					if status, ok := by[i]; ok {
						alfa.respond(parts[i], status, string(rune('a'+i)))
					}
				}
			}
			answer(c.intime)
			s.pass(2 * time.Second)
			shop.allAnswered(1, pdu.RSysErr)
			answer(c.late)
			other := alfa
			if c.gone {
				alfa.gone()
				other = s.carrier("alfa")
			}
			shop.submit(long(alice, maskOfBob))
			if n := len(other.got()); n != c.sent {
				t.Fatalf("%d PDUs were sent, want %d", n, c.sent)
			}
			if c.sent == 0 {
				shop.allAnswered(1, c.want)
			}
		})
	}
}

// The receipt of the first sending comes under the id that the repetition got.
func TestRedeliveryOfAMessageThatWasCutGetsItsReceipt(t *testing.T) {
	s, shop, alfa := longStill(t, LongSAR, nil)
	shop.submit(long(alice, maskOfBob))
	parts := alfa.three()
	s.pass(2 * time.Second)
	shop.allAnswered(1, pdu.RSysErr)
	for i, f := range parts {
		alfa.respond(f, pdu.ROK, string(rune('a'+i)))
	}
	if n := (&bench{registry: s.registry}).metric(t, "messages_total", "outcome", outcomeLateAccepted.String()); n != 1 {
		t.Errorf("counted %v times", n)
	}
	shop.submit(long(alice, maskOfBob))
	answer := shop.one(pdu.SubmitSMResp)
	receipt, _ := receiptFrom("c").Append(nil, pdu.DeliverSM, 7)
	alfa.handle(s.turn, receipt)
	f := shop.one(pdu.DeliverSM)
	r, ok := pdu.ParseReceipt(f.message(t))
	if !ok || string(r.MessageID) != answer.messageID(t) {
		t.Fatal("the receipt does not name the redelivery's id")
	}
}

// wholeUnanswered sends three segments that their carrier takes as one, and
// does not answer.
func wholeUnanswered(t *testing.T) (s *still, shop, alfa *stillPeer, f frame) {
	t.Helper()
	s, shop, alfa = longStill(t, LongPayload, nil)
	for number := byte(1); number <= 3; number++ {
		shop.submit(third(number))
	}
	f = alfa.one(pdu.SubmitSM)
	s.pass(2 * time.Second)
	shop.allAnswered(3, pdu.RSysErr)
	return s, shop, alfa, f
}

func TestRedeliveryOfSegmentsThatWerePutTogether(t *testing.T) {
	t.Run("accepted late", func(t *testing.T) {
		s, shop, alfa, f := wholeUnanswered(t)
		shop.submit(third(2))
		shop.allAnswered(1, pdu.RSysErr) // the first sending is under way
		alfa.respond(f, pdu.ROK, "abc1")
		ids := map[string]bool{}
		for _, number := range []byte{3, 2, 1} {
			shop.submit(third(number))
			r := shop.one(pdu.SubmitSMResp)
			if r.Status != pdu.ROK {
				t.Fatalf("segment %d was answered %02x", number, uint32(r.Status))
			}
			ids[r.messageID(t)] = true
		}
		alfa.none("it was sent twice")
		if len(ids) != 1 || s.redeliveries.length() != 0 || shop.from().uncertain.Load() != 0 {
			t.Fatalf("%d ids; %d are remembered", len(ids), s.redeliveries.length())
		}
		receipt, _ := receiptFrom("abc1").Append(nil, pdu.DeliverSM, 7)
		alfa.handle(s.turn, receipt)
		delivered := shop.one(pdu.DeliverSM) // one for all
		r, ok := pdu.ParseReceipt(delivered.message(t))
		if !ok || !ids[string(r.MessageID)] {
			t.Fatal("the receipt does not name the redelivery's id")
		}
		if n, _ := s.carriers["alfa"].joiner.size(); n != 1 {
			t.Fatalf("%d messages wait for receipts", n)
		}
	})
	t.Run("refused late", func(t *testing.T) {
		s, shop, alfa, f := wholeUnanswered(t)
		alfa.respond(f, pdu.RSubmitFail, "")
		if s.redeliveries.length() != 0 {
			t.Fatal("it is remembered")
		}
		for number := byte(1); number <= 3; number++ {
			shop.submit(third(number))
		}
		alfa.one(pdu.SubmitSM)
	})
	t.Run("given up", func(t *testing.T) {
		s, shop, alfa, f := wholeUnanswered(t)
		s.pass(9 * time.Second)
		shop.submit(third(1))
		alfa.respond(f, pdu.ROK, "very late") // half of it is on its way again: so all of it is
		shop.submit(third(2))
		shop.submit(third(3))
		alfa.one(pdu.SubmitSM)
		if s.redelivered(givenUp) != 1 {
			t.Fatal("not counted once")
		}
	})
}

// A message that was cut leaves a stalled bind like any other.
func TestShareTakesBackAMessageThatWasCut(t *testing.T) {
	s, shop, alfa, _ := sharedStill(t, func(c *Config) {
		c.Accounts[0].Window, c.Share.Of = 2, 0.5
		c.Carriers[0].Binds[0].Long = LongUDH
	})
	shop.submit(long(carol, maskOfAlice))
	parts := alfa.three()
	shop.submit(toAlfa())
	first := alfa.one(pdu.SubmitSM)
	s.pass(2*second + 2*tick)
	shop.allAnswered(1, pdu.RSysErr) // the oldest is beyond the share
	for i, f := range parts {
		alfa.respond(f, pdu.ROK, string(rune('a'+i)))
	}
	alfa.respond(first, pdu.ROK, "1")
	shop.got()
	s.pass(second) // the bind is fit again
	shop.submit(toAlfa())
	shop.submit(long(carol, maskOfAlice))
	for _, f := range alfa.got() {
		if m := f.message(t); len(m.ShortMessage) > 100 {
			t.Fatal("the message that was cut was sent twice")
		}
		alfa.respond(f, pdu.ROK, "2")
	}
	shop.allAnswered(2, pdu.ROK)
	if s.inFlight() != 0 || alfa.window.used != 0 {
		t.Fatalf("%d in flight, %d in the window", s.inFlight(), alfa.window.used)
	}
}
