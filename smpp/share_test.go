package smpp

import (
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // the test gives a party to each carrier
	"maskline/smpp/pdu"
)

// sharedStill is an edge whose shop writes to alice over alfa and to bob over
// bravo.
func sharedStill(t *testing.T, change func(*Config)) (s *still, shop, alfa, bravo *stillPeer) {
	t.Helper()
	s = newStill(t, func(c *Config) {
		c.Accounts[0].Window = 8
		c.Share = ShareConfig{Of: 0.5, SlowerThan: 2 * time.Second}
		if change != nil {
			change(c)
		}
	})
	table := testTable()
	num := e164.MustParse
	for carrier, party := range map[string]string{"alfa": alice, "bravo": bob} {
		mask := map[string]string{"alfa": maskOfAlice, "bravo": maskOfBob}[carrier]
		table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
			Mask: num(mask), Party: num(carol), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: num(party)},
			Present: num(maskShop), Tenant: "shop", Services: numberdb.SMS, Carriers: []string{carrier},
		}}})
	}
	r := routerOver(t, table, "alfa", "bravo")
	for name, c := range s.carriers {
		c.destination.carrier = r.Carrier(name)
	}
	s.router = r
	return s, s.account("shop"), s.carrier("alfa"), s.carrier("bravo")
}

func toAlfa() *pdu.Message  { return text(carol, maskOfAlice, "to alfa") }
func toBravo() *pdu.Message { return text(carol, maskOfBob, "to bravo") }

// One of two downstreams stops answering; the other keeps its full rate.
func TestStalledDownstreamLeavesTheWindowToOthers(t *testing.T) {
	for name, share := range map[string]float64{"with a share": 0.5, "without": 0} {
		t.Run(name, func(t *testing.T) {
			s, shop, alfa, bravo := sharedStill(t, func(c *Config) { c.Share.Of = share })
			open := 0
			delivered, refused := 0, 0
			var rest int // delivered after the share applies
			for tenth := range 90 {
				for n := 0; open < 8 && n < 16; n++ { // as much as the window takes
					if n%2 == 0 {
						shop.submit(toAlfa())
					} else {
						shop.submit(toBravo())
					}
					open++
					for _, f := range bravo.got() {
						bravo.respond(f, pdu.ROK, "1")
						delivered++
						if tenth > 25 {
							rest++
						}
					}
					answers := shop.answers()
					open -= len(answers)
					for _, a := range answers {
						if a != pdu.ROK {
							refused++
						}
					}
				}
				alfa.got() // it never answers
				s.pass(second / 10)
				open -= len(shop.answers())
			}
			if share == 0 {
				if rest > 100 {
					t.Fatalf("%d delivered: the window was never full, so the test shows nothing", rest)
				}
				return
			}
			if rest < 8*64 { // 64 tenths, 8 of 16 messages
				t.Fatalf("%d of %d delivered in the last 6.4 s, %d refused", rest, delivered, refused)
			}
			if held := shop.holds.by[alfa.terms.feeds[0].index].Load(); held > 4 {
				t.Fatalf("the stalled one holds %d of 8", held)
			}
			if s.redeliveries.length() == 0 {
				t.Fatal("what was answered early is not remembered")
			}
		})
	}
}

// A carrier that forgets one response and answers the others is not stalled.
func TestOneForgottenResponseStallsNobody(t *testing.T) {
	s, shop, alfa, _ := sharedStill(t, nil)
	shop.submit(toAlfa())
	alfa.one(pdu.SubmitSM) // never answered
	for range 50 {
		s.pass(second / 10)
		shop.submit(toAlfa())
		alfa.respond(alfa.one(pdu.SubmitSM), pdu.ROK, "1")
		if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.ROK {
			t.Fatalf("answered %02x", uint32(r.Status))
		}
	}
	if alfa.load.fitness() != fit {
		t.Fatalf("it is %v", alfa.load.fitness())
	}
}

// A carrier that answers everything, but late, is stalled all the same.
func TestSlowAnswersStall(t *testing.T) {
	s, shop, alfa, _ := sharedStill(t, func(c *Config) { c.Share.Of, c.Accounts[0].Window = 0, 100 })
	var waiting []frame
	for tick := range 50 {
		shop.submit(toAlfa())
		waiting = append(waiting, alfa.got()...)
		if tick >= 30 { // 3 s after it came
			alfa.respond(waiting[0], pdu.ROK, "1")
			waiting = waiting[1:]
		}
		s.pass(second / 10)
	}
	if alfa.load.fitness() != stalled {
		t.Fatalf("it is %v", alfa.load.fitness())
	}
	s.pass(12 * second) // nothing is open any more
	if alfa.load.fitness() != fit {
		t.Fatalf("it stays %v", alfa.load.fitness())
	}
}

// What waits for room is handed on, what was sent is answered.
func TestShareTakesBackWhatWaits(t *testing.T) {
	s, shop, alfa, _ := sharedStill(t, func(c *Config) { c.Carriers[0].Binds[0].Window = 2 })
	for range 4 {
		shop.submit(toAlfa()) // two are sent, two wait
	}
	if len(alfa.got()) != 2 || s.carriers["alfa"].destination.waiting() != 2 {
		t.Fatal("they do not wait")
	}
	s.pass(2*second + 2*tick) // half of 8: nothing is beyond the share
	shop.none("within the share")
	shop.submit(toAlfa())
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.RSysErr {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	if n := shop.holds.by[alfa.terms.feeds[0].index].Load(); n != 4 {
		t.Fatalf("%d are counted", n)
	}
	s.pass(10 * second)
	if n := shop.holds.by[alfa.terms.feeds[0].index].Load(); n != 0 || s.inFlight() != 0 {
		t.Fatalf("%d are counted in the end", n)
	}
}
