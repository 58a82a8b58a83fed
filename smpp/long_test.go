package smpp

import (
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// longBind makes the first carrier take long messages in one way only.
func longBind(l Long) func(*Config) {
	return func(c *Config) { c.Carriers[0].Binds[0].Long = l }
}

// long is a message of three segments.
func long(from, to string) *pdu.Message {
	m := text(from, to, "")
	m.TLVs = pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(strings.Repeat("a", 152)+strings.Repeat("b", 152)+"c"))
	m.RegisteredDelivery = pdu.RegisteredBoth
	return m
}

// segments reads the three of them.
func segments(t *testing.T, w *wire) (all [3]frame) {
	t.Helper()
	for i := range all {
		all[i] = w.expect(t, pdu.SubmitSM, pdu.ROK)
		m := all[i].message(t)
		h, rest, err := pdu.SplitUDH(m.ShortMessage)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := h.Concatenation()
		if !ok || c.Total != 3 || int(c.Part) != i+1 || rest[0] != "abc"[i] {
			t.Fatalf("segment %+v", c)
		}
		if wants := m.RegisteredDelivery != 0; wants != (i == 2) {
			t.Errorf("part %d asks for a receipt: %v", i+1, wants)
		}
	}
	return all
}

func TestLongMessageIsCut(t *testing.T) {
	b, shop, alfa := relayTo(t, longBind(LongUDH))
	shop.send(t, pdu.SubmitSM, long(alice, "+"+maskOfBob))
	all := segments(t, alfa)
	alfa.respond(t, all[2], pdu.ROK, "id-3") // in any order
	alfa.respond(t, all[0], pdu.ROK, "id-1")
	shop.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 99))
	shop.expect(t, pdu.EnquireLinkResp, pdu.ROK) // not answered before the last part is
	alfa.respond(t, all[1], pdu.ROK, "id-2")
	answer := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	if b.counted("shop", "alfa", outcomeAccepted) != 1 {
		t.Error("it was not counted once")
	}
	alfa.send(t, pdu.DeliverSM, receipt("id-3", pdu.Delivered))
	got := expectReceipt(t, shop, answer.messageID(t), pdu.Delivered)
	shop.respond(t, got, pdu.ROK, "")
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
}

func TestLongMessageThatIsRefusedInPart(t *testing.T) {
	cases := []struct {
		name     string
		statuses [3]pdu.Status
		want     pdu.Status
	}{
		{"a part for good", [3]pdu.Status{pdu.ROK, pdu.RxPAppn, pdu.ROK}, pdu.RSubmitFail},
		{"a part here", [3]pdu.Status{pdu.ROK, pdu.RInvSrcAdr, pdu.ROK}, pdu.RInvSrcAdr},
		{"a part for now", [3]pdu.Status{pdu.RThrottled, pdu.ROK, pdu.ROK}, pdu.RSysErr},
		{"the gravest counts", [3]pdu.Status{pdu.RThrottled, pdu.ROK, pdu.RInvDstAdr}, pdu.RInvDstAdr},
		{"all for good", [3]pdu.Status{pdu.RInvDstAdr, pdu.RInvDstAdr, pdu.RInvDstAdr}, pdu.RInvDstAdr},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, shop, _, alfa, _ := all(t, longBind(LongUDH))
			shop.send(t, pdu.SubmitSM, long(alice, maskOfBob))
			for i, f := range segments(t, alfa) {
				alfa.respond(t, f, c.statuses[i], "x")
			}
			shop.expect(t, pdu.SubmitSMResp, c.want)
			if b.metric(t, "pdus_total", "peer", "bravo") != 2 {
				t.Error("the other carrier was sent something beyond the bind")
			}
		})
	}
}

func TestLongMessageGoesElsewhereWhole(t *testing.T) {
	_, shop, _, alfa, bravo := all(t, longBind(LongUDH))
	shop.send(t, pdu.SubmitSM, long(alice, maskOfBob))
	for _, f := range segments(t, alfa) {
		alfa.respond(t, f, pdu.RThrottled, "")
	}
	f := bravo.expect(t, pdu.SubmitSM, pdu.ROK)
	if payload := f.message(t).Payload(); len(payload) != 305 {
		t.Fatalf("%d octets", len(payload))
	}
	bravo.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestLongMessageWithoutAnswer(t *testing.T) {
	changes := map[string]func(*Config){
		"by the response timeout": func(c *Config) { c.Carriers[0].Binds[0].ResponseTimeout = 150 * time.Millisecond },
		"by the answer deadline":  func(c *Config) { c.AnswerWithin = 300 * time.Millisecond },
		"though it may go on": func(c *Config) {
			c.Carriers[0].Binds[0].ResponseTimeout, c.Carriers[0].Binds[0].UnknownNext = 150*time.Millisecond, true
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			b, shop, _, alfa, _ := all(t, func(c *Config) { longBind(LongUDH)(c); change(c) })
			shop.send(t, pdu.SubmitSM, long(alice, maskOfBob))
			parts := segments(t, alfa)
			alfa.respond(t, parts[0], pdu.ROK, "1") // the others never are
			shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
			eventually(t, "it is counted as unknown", func() bool { return b.counted("shop", "alfa", outcomeUnknown) == 1 })
			if b.metric(t, "pdus_total", "peer", "bravo") != 2 {
				t.Error("the other carrier was sent something beyond the bind")
			}
		})
	}
}

func TestLongMessageOfALostLink(t *testing.T) {
	b, shop, _, alfa, _ := all(t, longBind(LongUDH))
	shop.send(t, pdu.SubmitSM, long(alice, maskOfBob))
	alfa.respond(t, segments(t, alfa)[0], pdu.ROK, "1")
	alfa.conn.Close()
	shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
	if b.counted("shop", "alfa", outcomeUnknown) != 1 {
		t.Error("it was not counted as unknown")
	}
}

func TestLongMessageWaitsForRoomForAllOfIt(t *testing.T) {
	_, shop, alfa := relayTo(t, func(c *Config) {
		longBind(LongUDH)(c)
		c.Carriers[0].Binds[0].Window = 3
	})
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "first"))
	first := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	shop.send(t, pdu.SubmitSM, long(alice, maskOfBob))
	shop.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 99))
	shop.expect(t, pdu.EnquireLinkResp, pdu.ROK)
	alfa.respond(t, first, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	for _, f := range segments(t, alfa) {
		alfa.respond(t, f, pdu.ROK, "x")
	}
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestMessageThatFitsNoBind(t *testing.T) {
	b, shop, alfa := relayTo(t, func(c *Config) {
		longBind(LongUDH)(c)
		c.Carriers[0].Binds[0].Window = 3
	})
	tooLong := long(alice, maskOfBob)
	tooLong.TLVs = pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(strings.Repeat("a", 152*3+1)))
	shop.send(t, pdu.SubmitSM, tooLong)
	shop.expect(t, pdu.SubmitSMResp, pdu.RInvMsgLen)

	// With the window full it is found only when it waits; others are not held up.
	var sent []frame
	for range 3 {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
		sent = append(sent, alfa.expect(t, pdu.SubmitSM, pdu.ROK))
	}
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "waits"))
	shop.send(t, pdu.SubmitSM, tooLong)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "behind it"))
	eventually(t, "they wait", func() bool { return b.carriers["alfa"].destination.queued.Load() > 0 })
	for _, f := range sent {
		alfa.respond(t, f, pdu.ROK, "1")
	}
	for range 2 {
		alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "x")
	}
	statuses := map[pdu.Status]int{}
	for range 6 {
		statuses[shop.mustRead(t).Status]++
	}
	if statuses[pdu.ROK] != 5 || statuses[pdu.RInvMsgLen] != 1 {
		t.Fatalf("answers %v", statuses)
	}
}

func TestOldBindTakesSegments(t *testing.T) {
	b, shop, _ := relayTo(t, nil)
	outlet := dialWire(t, b.addr)
	if f := outlet.bindAs(t, pdu.BindReceiver, "shop", "sesame", pdu.Version33); f.Status != pdu.ROK {
		t.Fatal("not bound")
	}
	shop.conn.Close()
	eventually(t, "the first bind is gone", func() bool { return len(b.account("shop").destination.binds.Load().primary) == 1 })
	sender := bound(t, b.addr, pdu.BindTransmitter, "outlet")
	m := long(carol, maskShop)
	m.RegisteredDelivery = 0
	sender.send(t, pdu.SubmitSM, m)
	for range 3 {
		f := outlet.expect(t, pdu.DeliverSM, pdu.ROK)
		if got := f.message(t); len(got.TLVs) > 0 || got.ESMClass != pdu.ESMUDHI {
			t.Fatal("a bind of 3.3 got TLVs, or no header")
		}
		outlet.respond(t, f, pdu.ROK, "")
	}
	sender.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestTranscoding(t *testing.T) {
	b, shop, alfa := relayTo(t, func(c *Config) { c.Carriers[0].Binds[0].Encoding = Latin1 })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "\x05\x1b<")) // é[
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if m := f.message(t); string(m.ShortMessage) != "\xe9[" || m.DataCoding != 0 {
		t.Fatalf("%q in %d", m.ShortMessage, m.DataCoding)
	}
	alfa.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)

	alfa.send(t, pdu.DeliverSM, text(carol, maskShop, "\xe7")) // no septet
	f = shop.expect(t, pdu.DeliverSM, pdu.ROK)
	if m := f.message(t); string(m.ShortMessage) != "\x00\xe7" || m.DataCoding != pdu.CodingUCS2 {
		t.Fatalf("%q in %d", m.ShortMessage, m.DataCoding)
	}
	shop.respond(t, f, pdu.ROK, "")
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
	if b.metric(t, "panics_total", "", "") != 0 {
		t.Error("a panic")
	}
}

func TestStaticTLVsAndNumbers(t *testing.T) {
	two, one := byte(2), byte(1)
	_, shop, alfa := relayTo(t, func(c *Config) {
		bind := &c.Carriers[0].Binds[0]
		bind.TLVs = []TLV{{0x1400, []byte("1701")}, {0x1401, nil}}
		bind.Numbers = &Numbers{CountryCode: "44", TrunkPrefix: "0"}
		bind.TON, bind.NPI = &two, &one
	})
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	m := f.message(t)
	if want := pdu.AppendTLV(pdu.AppendTLV(nil, 0x1400, []byte("1701")), 0x1401, nil); string(m.TLVs) != string(want) {
		t.Errorf("TLVs % x", []byte(m.TLVs))
	}
	if string(m.Source.Digits) != "0"+maskOfAlice[2:] || string(m.Destination.Digits) != "0"+bob[2:] || m.Source.TON != 2 {
		t.Error("numbers are not national")
	}
	alfa.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)

	alfa.send(t, pdu.DeliverSM, &pdu.Message{
		Source: pdu.Address{TON: 2, NPI: 1, Digits: []byte("0" + carol[2:])}, Destination: pdu.Address{TON: 2, NPI: 1, Digits: []byte("0" + maskShop[2:])},
		ShortMessage: []byte("back"),
	})
	back := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	if got := back.message(t); string(got.Destination.Digits) != maskShop || got.Destination.TON != 1 || len(got.TLVs) > 0 {
		t.Error("the account does not see international numbers alone")
	}
	shop.respond(t, back, pdu.ROK, "")
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
}

func TestNumberThatABindCannotWrite(t *testing.T) {
	_, shop, _, _, bravo := all(t, func(c *Config) { c.Carriers[0].Binds[0].Numbers = &Numbers{CountryCode: "1"} })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.RInvSrcAdr, "") // it goes to the next carrier
	shop.expect(t, pdu.SubmitSMResp, pdu.RInvSrcAdr)
}

func TestStaticTLVsAreChecked(t *testing.T) {
	for name, tlv := range map[string]TLV{
		"written for segments": {Tag: pdu.TagSarMsgRefNum, Value: []byte{0, 1}},
		"message_payload":      {Tag: pdu.TagMessagePayload},
		"too long":             {Tag: 0x1400, Value: make([]byte, maxStatic)},
	} {
		cfg := baseConfig()
		cfg.Carriers = []CarrierConfig{carrierAt("alfa", "127.0.0.1:1")}
		cfg.Carriers[0].Binds[0].TLVs = []TLV{tlv}
		cfg = cfg.withDefaults()
		if err := cfg.check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
