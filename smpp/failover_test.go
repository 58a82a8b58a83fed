package smpp

import (
	"fmt"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// What the first carrier answers decides whether the second one is tried and
// what the upstream is told.
func TestFailoverByStatus(t *testing.T) {
	cases := []struct {
		name   string
		status pdu.Status
		second bool // the second carrier gets the message
	}{
		{"throttled", pdu.RThrottled, true},
		{"queue full", pdu.RMsgQFul, true},
		{"system error", pdu.RSysErr, true},
		{"submit failed", pdu.RSubmitFail, true},
		{"temporary", pdu.RxTAppn, true},
		{"not known to anybody", 0x4FF, true},
		{"source refused here", pdu.RInvSrcAdr, true},
		{"bad destination", pdu.RInvDstAdr, false},
		{"bad length", pdu.RInvMsgLen, false},
		{"permanent", pdu.RxPAppn, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, shop, _, alfa, bravo := all(t, nil)
			shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
			alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), c.status, "")
			if !c.second {
				shop.expect(t, pdu.SubmitSMResp, refusalByStatus(c.status).status())
				return
			}
			f := bravo.expect(t, pdu.SubmitSM, pdu.ROK)
			if m := f.message(t); string(m.Source.Digits) != maskOfAlice || string(m.Destination.Digits) != bob || string(m.ShortMessage) != "x" {
				t.Fatal("the message changed on its way")
			}
			bravo.respond(t, f, pdu.ROK, "1")
			shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
			if n := b.counted("shop", "bravo", outcomeAccepted); n != 1 {
				t.Fatalf("%d failed over", n)
			}
		})
	}
}

func TestWhatTheUpstreamHearsInTheEnd(t *testing.T) {
	cases := []struct {
		name        string
		alfa, bravo pdu.Status
		want        pdu.Status
	}{
		{"both temporary", pdu.RThrottled, pdu.RThrottled, pdu.RSysErr},
		{"one temporary, one definite", pdu.RThrottled, pdu.RInvSrcAdr, pdu.RSysErr},
		{"the other way round", pdu.RInvSrcAdr, pdu.RThrottled, pdu.RSysErr},
		{"both definite", pdu.RInvSrcAdr, pdu.RInvSerTyp, pdu.RSubmitFail},
		{"both about the source", pdu.RInvSrcAdr, pdu.RInvSrcAdr, pdu.RInvSrcAdr},
		{"temporary, then final", pdu.RThrottled, pdu.RInvDstAdr, pdu.RInvDstAdr},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, shop, _, alfa, bravo := all(t, nil)
			shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
			alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), c.alfa, "")
			bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), c.bravo, "")
			shop.expect(t, pdu.SubmitSMResp, c.want)
		})
	}
}

func TestGenericNackIsAnAnswer(t *testing.T) {
	_, shop, _, alfa, bravo := all(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	alfa.write(t, pdu.AppendHeader(nil, pdu.GenericNack, pdu.RThrottled, f.Sequence))
	bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestCarrierThatClosesBeforeTheMessage(t *testing.T) {
	b, shop, _, alfa, bravo := all(t, nil)
	alfa.conn.Close()
	eventually(t, "the edge noticed", func() bool { return len(b.carriers["alfa"].destination.binds.Load().primary) == 0 })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

// The carrier got the message and closed: it may have accepted it.
func TestUnknownAfterLostLink(t *testing.T) {
	b, shop, _, alfa, _ := all(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	alfa.conn.Close()
	shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
	if b.counted("shop", "alfa", outcomeUnknown) != 1 || b.counted("shop", "bravo", outcomeAccepted) != 0 {
		t.Fatal("it was not counted as unknown, or went to the second carrier")
	}
}

func TestUnknownAfterLostLinkWithLeaveToGoOn(t *testing.T) {
	_, shop, _, alfa, bravo := all(t, func(c *Config) { c.Carriers[0].Binds[0].UnknownNext = true })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	alfa.conn.Close()
	bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

// A silent carrier: temporary within the response timeout, never the second
// carrier; the late acceptance is counted.
func TestSilentCarrier(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"by the response timeout": func(c *Config) { c.Carriers[0].Binds[0].ResponseTimeout = 150 * time.Millisecond },
		"by the answer deadline":  func(c *Config) { c.AnswerWithin = 150 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			b, shop, _, alfa, _ := all(t, change)
			shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
			f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
			shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
			alfa.respond(t, f, pdu.ROK, "late")
			eventually(t, "the late acceptance is counted", func() bool { return b.counted("shop", "alfa", outcomeLateAccepted) == 1 })
			if b.counted("shop", "alfa", outcomeUnknown) != 1 || b.counted("shop", "bravo", outcomeAccepted) != 0 {
				t.Fatal("it was not counted as unknown, or went to the second carrier")
			}
			alfa.respond(t, f, pdu.ROK, "late") // once more: now nobody waits for it
			alfa.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 1))
			alfa.expect(t, pdu.EnquireLinkResp, pdu.ROK)
			if b.counted("shop", "alfa", outcomeLateAccepted) != 1 {
				t.Fatal("a repeated late response was counted twice")
			}
		})
	}
}

func TestSilentCarrierWithLeaveToGoOn(t *testing.T) {
	b, shop, _, alfa, bravo := all(t, func(c *Config) {
		c.Carriers[0].Binds[0].ResponseTimeout = 100 * time.Millisecond
		c.Carriers[0].Binds[0].UnknownNext = true
	})
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	alfa.respond(t, f, pdu.ROK, "late")
	eventually(t, "the late acceptance is counted", func() bool { return b.counted("shop", "alfa", outcomeLateAccepted) == 1 })
}

func TestNoCarrierIsUp(t *testing.T) {
	b, shop, _, alfa, bravo := all(t, func(c *Config) {
		for i := range c.Carriers {
			c.Carriers[i].Binds[0].Reconnect = Reconnect{Min: time.Hour, Max: time.Hour}
		}
	})
	alfa.conn.Close()
	bravo.conn.Close()
	eventually(t, "both are down", func() bool {
		return b.carriers["alfa"].destination.binds.Load().empty() && b.carriers["bravo"].destination.binds.Load().empty()
	})
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
}

// A full window makes messages wait for the same carrier; when their wait is
// over, the next carrier gets them.
func TestFullWindow(t *testing.T) {
	_, shop, _, alfa, bravo := all(t, func(c *Config) { c.Carriers[0].Binds[0].Window, c.AnswerWithin = 1, 2*time.Second })
	send := func(line string) { shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, line)) }
	send("1")
	first := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	send("2") // waits
	send("3") // the queue holds one: at once to the next carrier
	f := bravo.expect(t, pdu.SubmitSM, pdu.ROK)
	if string(f.message(t).ShortMessage) != "3" {
		t.Fatal("another message went to the second carrier")
	}
	bravo.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	alfa.respond(t, first, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	second := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if string(second.message(t).ShortMessage) != "2" {
		t.Fatal("another message had waited")
	}
	send("4") // waits, and nothing frees the window
	f = bravo.expect(t, pdu.SubmitSM, pdu.ROK)
	if string(f.message(t).ShortMessage) != "4" {
		t.Fatal("another message left the queue")
	}
	bravo.respond(t, f, pdu.ROK, "1")
	for range 2 { // "4", and "2" when its response timeout is over
		shop.mustRead(t)
	}
}

// Messages that wait while their carrier goes down go on to the next one.
func TestQueueOfACarrierThatGoesDown(t *testing.T) {
	_, shop, _, alfa, bravo := all(t, func(c *Config) {
		c.Carriers[0].Binds[0].Window = 1
		c.Carriers[0].Binds[0].Reconnect = Reconnect{Min: time.Hour, Max: time.Hour}
	})
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "1"))
	alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "2"))
	alfa.conn.Close()
	f := bravo.expect(t, pdu.SubmitSM, pdu.ROK)
	if string(f.message(t).ShortMessage) != "2" {
		t.Fatal("the message that was on the wire went to the second carrier")
	}
	bravo.respond(t, f, pdu.ROK, "1")
	var statuses []pdu.Status
	for range 2 {
		statuses = append(statuses, shop.mustRead(t).Status)
	}
	if fmt.Sprint(statuses) != "[8 0]" && fmt.Sprint(statuses) != "[0 8]" {
		t.Fatalf("answers %v", statuses)
	}
}

func TestBackupIsUsedOnlyWithoutPrimary(t *testing.T) {
	primary, backup := newSMSC(t), newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", primary.addr())}
	spare := carrierAt("alfa", backup.addr()).Binds[0]
	spare.Backup = true
	cfg.Carriers[0].Binds[0].Reconnect = Reconnect{Min: time.Hour, Max: time.Hour}
	cfg.Carriers[0].Binds = append(cfg.Carriers[0].Binds, spare)
	b := startEdge(t, cfg)
	t.Cleanup(primary.stop)
	t.Cleanup(backup.stop)
	first, second := primary.bind(t), backup.bind(t)
	eventually(t, "both are bound", func() bool {
		list := b.carriers["alfa"].destination.binds.Load()
		return len(list.primary) == 1 && len(list.backup) == 1
	})
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	for range 4 {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
		first.respond(t, first.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
	first.conn.Close()
	eventually(t, "the primary is gone", func() bool { return len(b.carriers["alfa"].destination.binds.Load().primary) == 0 })
	b.waitUp(t, "alfa")
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	second.respond(t, second.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

// The upstream is gone before its message left: it still has it, so it is not
// sent any more.
func TestUpstreamGoneWhileItsMessageWaits(t *testing.T) {
	b, shop, outlet, alfa, bravo := all(t, func(c *Config) {
		c.Carriers[0].Binds[0].Window, c.Carriers[1].Binds[0].Window = 1, 1
	})
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "1"))
	first := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	outlet.send(t, pdu.SubmitSM, text(alice, maskOfBob, "2")) // waits for alfa
	eventually(t, "it waits", func() bool { return b.carriers["alfa"].destination.queued.Load() == 1 })
	outlet.conn.Close()
	eventually(t, "it left the queue", func() bool { return b.carriers["alfa"].destination.queued.Load() == 0 })
	alfa.respond(t, first, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	for _, w := range []*wire{alfa, bravo} {
		w.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 1))
		w.expect(t, pdu.EnquireLinkResp, pdu.ROK)
	}
}

func TestBreakerPassesACarrierOver(t *testing.T) {
	b, shop, _, alfa, bravo := all(t, nil)
	for range 1000 { // the router of the tests opens it then
		b.router.Carrier("alfa").Report(1, false, time.Now())
	}
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	_ = alfa
}

func TestFaultsFeedTheBreaker(t *testing.T) {
	b, shop, _, alfa, bravo := all(t, nil)
	rc := b.router.Carrier("alfa")
	for range 998 {
		rc.Report(1, false, time.Now())
	}
	fail := func(s pdu.Status) {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
		alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), s, "")
		bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
	fail(pdu.RSubmitFail) // no fault: the 999th attempt, 998 of them bad
	fail(pdu.RSysErr)     // the 1000th opens it
	if rc.Begin(1, time.Now()) {
		t.Fatal("the breaker is still closed")
	}
}
