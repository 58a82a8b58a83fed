package smpp

import (
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// takesWhole makes the first carrier take long messages whole.
func takesWhole(c *Config) { longBind(LongPayload)(c) }

// third is one of three segments, with a port that belongs to the message.
func third(number byte) *pdu.Message {
	m := text(alice, "+"+maskOfBob, "")
	m.ESMClass, m.RegisteredDelivery = pdu.ESMUDHI, pdu.RegisteredBoth
	m.ShortMessage = append([]byte{11, 5, 4, 0x0b, 0x84, 0x23, 0xf0, 0, 3, 7, 3, number}, "part "+string('0'+rune(number))+"."...)
	return m
}

func TestSegmentsGoOnWhole(t *testing.T) {
	b, shop, alfa := relayTo(t, takesWhole)
	for _, number := range []byte{2, 3, 1} {
		shop.send(t, pdu.SubmitSM, third(number))
	}
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	m := f.message(t)
	if got, want := string(m.Payload()), "\x06\x05\x04\x0b\x84\x23\xf0part 1.part 2.part 3."; got != want || m.ESMClass != pdu.ESMUDHI {
		t.Fatalf("payload %q", got)
	}
	if m.RegisteredDelivery != pdu.RegisteredBoth || len(m.ShortMessage) > 0 {
		t.Error("no receipt is asked for, or the text is in short_message too")
	}
	alfa.respond(t, f, pdu.ROK, "id-1")
	var id string
	for i := range 3 {
		f := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
		if i > 0 && f.messageID(t) != id {
			t.Error("segments of one message have different ids")
		}
		id = f.messageID(t)
	}
	if b.counted("shop", "alfa", outcomeAccepted) != 3 || b.metric(t, "gathered_total", "outcome", "whole") != 1 {
		t.Error("not counted as three accepted segments of one message")
	}
	alfa.send(t, pdu.DeliverSM, receipt("id-1", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.ROK, "")
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
}

func TestWholeThatIsRefused(t *testing.T) {
	_, shop, alfa := relayTo(t, takesWhole)
	for number := byte(1); number <= 3; number++ {
		shop.send(t, pdu.SubmitSM, third(number))
	}
	alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), pdu.RInvDstAdr, "")
	for range 3 {
		shop.expect(t, pdu.SubmitSMResp, pdu.RInvDstAdr)
	}
}

func TestWholeGoesElsewhereInSegments(t *testing.T) {
	_, shop, _, alfa, bravo := all(t, takesWhole)
	for number := byte(1); number <= 3; number++ {
		m := third(number)
		m.ShortMessage = append(m.ShortMessage, make([]byte, 100)...)
		m.DataCoding = pdu.CodingBinary
		shop.send(t, pdu.SubmitSM, m)
	}
	alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), pdu.RThrottled, "")
	for range 3 {
		f := bravo.expect(t, pdu.SubmitSM, pdu.ROK)
		if m := f.message(t); len(m.ShortMessage) > 140 || len(m.TLVs) > 0 {
			t.Errorf("a segment of %d octets, %d of TLVs", len(m.ShortMessage), len(m.TLVs))
		}
		bravo.respond(t, f, pdu.ROK, "1")
	}
	for range 3 {
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
}

func TestSegmentsThatStayAlone(t *testing.T) {
	b, shop, _ := relayTo(t, func(c *Config) { takesWhole(c); c.AnswerWithin = 400 * time.Millisecond })
	shop.send(t, pdu.SubmitSM, third(1))
	shop.send(t, pdu.SubmitSM, third(3))
	for range 2 {
		shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
	}
	if sets, octets := b.segments.size(); sets != 0 || octets != 0 || b.metric(t, "gathered_total", "outcome", "incomplete") != 1 {
		t.Errorf("%d messages with %d octets are left", sets, octets)
	}
}

func TestSegmentsThatContradictEachOther(t *testing.T) {
	_, shop, alfa := relayTo(t, takesWhole)
	shop.send(t, pdu.SubmitSM, third(1))
	again := third(1)
	again.ShortMessage[len(again.ShortMessage)-1] = '!'
	refused := shop.send(t, pdu.SubmitSM, again)
	if f := shop.expect(t, pdu.SubmitSMResp, pdu.RInvEsmClass); f.Sequence != refused {
		t.Error("the first one was refused")
	}
	repeated := shop.send(t, pdu.SubmitSM, third(1))
	if f := shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr); f.Sequence == repeated {
		t.Error("the later one was given up")
	}
	shop.send(t, pdu.SubmitSM, third(2))
	shop.send(t, pdu.SubmitSM, third(3))
	alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	for range 3 {
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
}

func TestSegmentsOfAnUpstreamThatGoes(t *testing.T) {
	b, shop, _ := relayTo(t, takesWhole)
	second := bound(t, b.addr, pdu.BindTransceiver, "shop")
	shop.send(t, pdu.SubmitSM, third(1))
	shop.send(t, pdu.SubmitSM, third(2))
	eventually(t, "both wait", func() bool { sets, memory := b.segments.size(); return sets == 1 && memory == 2*segmentCost+14 })
	shop.conn.Close()
	eventually(t, "the bind is gone", func() bool { return len(b.account("shop").destination.binds.Load().primary) == 1 })
	second.send(t, pdu.SubmitSM, third(3))
	second.expect(t, pdu.SubmitSMResp, pdu.RSysErr) // the others are to come again too
	for number := byte(1); number <= 3; number++ {
		second.send(t, pdu.SubmitSM, third(number))
	}
	eventually(t, "it is whole", func() bool { return b.metric(t, "gathered_total", "outcome", "whole") == 2 })
}
