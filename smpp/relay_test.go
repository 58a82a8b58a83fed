package smpp

import (
	"bytes"
	"strings"
	"testing"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// all binds the edge to two carriers and two accounts to the edge.
func all(t *testing.T, change func(*Config)) (b *bench, shop, outlet, alfa, bravo *wire) {
	t.Helper()
	one, two := newSMSC(t), newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", one.addr()), carrierAt("bravo", two.addr())}
	if change != nil {
		change(&cfg)
	}
	b = startEdge(t, cfg)
	t.Cleanup(one.stop)
	t.Cleanup(two.stop)
	alfa, bravo = one.bind(t), two.bind(t)
	b.waitUp(t, "alfa")
	b.waitUp(t, "bravo")
	return b, bound(t, b.addr, pdu.BindTransceiver, "shop"), bound(t, b.addr, pdu.BindTransceiver, "outlet"), alfa, bravo
}

func TestFourDirections(t *testing.T) {
	b, shop, outlet, alfa, bravo := all(t, nil)
	cases := []struct {
		name             string
		from             *wire
		in               pdu.Command
		source, dest     string
		to               *wire
		out              pdu.Command
		present, arrives string
		peers            [2]string
	}{
		{"account to carrier", shop, pdu.SubmitSM, alice, maskOfBob, alfa, pdu.SubmitSM, maskOfAlice, bob, [2]string{"shop", "alfa"}},
		{"carrier to carrier", bravo, pdu.DeliverSM, alice, maskOfBob, alfa, pdu.SubmitSM, maskOfAlice, bob, [2]string{"bravo", "alfa"}},
		{"carrier to account", alfa, pdu.DeliverSM, carol, maskShop, shop, pdu.DeliverSM, maskOfAlice, maskShop, [2]string{"alfa", "shop"}},
		{"account to account", outlet, pdu.SubmitSM, carol, maskShop, shop, pdu.DeliverSM, maskOfAlice, maskShop, [2]string{"outlet", "shop"}},
		{"tenant from its mask to the party", shop, pdu.SubmitSM, maskOfBob, alice, alfa, pdu.SubmitSM, maskOfBob, alice, [2]string{"shop", "alfa"}},
		{"back through the same carrier", alfa, pdu.DeliverSM, bob, maskOfAlice, alfa, pdu.SubmitSM, maskOfBob, alice, [2]string{"alfa", "alfa"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sequence := c.from.send(t, c.in, text(c.source, c.dest, "hello"))
			f := c.to.expect(t, c.out, pdu.ROK)
			m := f.message(t)
			if string(m.Source.Digits) != c.present || string(m.Destination.Digits) != c.arrives || string(m.ShortMessage) != "hello" {
				t.Fatal("addresses or text differ")
			}
			before := b.counted(c.peers[0], c.peers[1], outcomeAccepted)
			c.to.respond(t, f, pdu.ROK, "1")
			answer := c.from.expect(t, c.in.Response(), pdu.ROK)
			if answer.Sequence != sequence {
				t.Fatal("another request was answered")
			}
			if hasID := answer.messageID(t) != ""; hasID != (c.in == pdu.SubmitSM) {
				t.Fatal("the id is in the wrong response")
			}
			if b.counted(c.peers[0], c.peers[1], outcomeAccepted) != before+1 {
				t.Fatal("not counted")
			}
		})
	}
}

func TestCarrierThatOnlyBindsToUs(t *testing.T) {
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{{Name: "alfa"}}
	cfg.Accounts = append(cfg.Accounts, AccountConfig{SystemID: "alfa-in", Password: "sesame", Carrier: "alfa"})
	b := startEdge(t, cfg)
	if b.router.Carrier("alfa").Up(routing.SMS) {
		t.Fatal("up without a bind")
	}
	alfa := bound(t, b.addr, pdu.BindTransceiver, "alfa-in")
	b.waitUp(t, "alfa")
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")

	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "out"))
	f := alfa.expect(t, pdu.DeliverSM, pdu.ROK)
	if m := f.message(t); string(m.Source.Digits) != maskOfAlice || string(m.Destination.Digits) != bob {
		t.Fatal("the message was not translated")
	}
	alfa.respond(t, f, pdu.ROK, "")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)

	alfa.send(t, pdu.SubmitSM, text(carol, maskShop, "in"))
	shop.respond(t, shop.expect(t, pdu.DeliverSM, pdu.ROK), pdu.ROK, "")
	if f := alfa.expect(t, pdu.SubmitSMResp, pdu.ROK); f.messageID(t) == "" {
		t.Fatal("no message id")
	}
	alfa.send(t, pdu.SubmitSM, text(carol, bob, "no mask"))
	alfa.expect(t, pdu.SubmitSMResp, pdu.RInvDstAdr) // answered as an account

	alfa.conn.Close()
	eventually(t, "the carrier is down", func() bool { return !b.router.Carrier("alfa").Up(routing.SMS) })
}

func TestDataSM(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	long := strings.Repeat("long ", 200)
	for _, payload := range []string{"short", long} {
		d := pdu.Data{
			Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte(alice)}, Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte("+" + maskOfBob)},
			DataCoding: 8, TLVs: pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(payload)),
		}
		out, err := d.Append(nil, 40)
		if err != nil {
			t.Fatal(err)
		}
		shop.write(t, out)
		f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
		m := f.message(t)
		if string(m.Payload()) != payload || m.DataCoding != 8 || (len(m.ShortMessage) > 0) != (len(payload) <= pdu.MaxText) {
			t.Fatal("the payload differs")
		}
		carrier.respond(t, f, pdu.ROK, "1")
		if f := shop.expect(t, pdu.DataSMResp, pdu.ROK); f.Sequence != 40 || f.messageID(t) == "" {
			t.Fatal("the answer is not for the data_sm")
		}
	}
}

// Whatever a message brings along, only the allow-list reaches the other party.
func TestOnlyTheAllowListPasses(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	m := text(alice, maskOfBob, "")
	m.ServiceType = []byte("CMT")
	m.ESMClass = pdu.ESMUDHI | pdu.ESMReplyPath | 0x08 | 0x03
	m.ProtocolID, m.PriorityFlag, m.DataCoding = 0x3F, 2, 4
	m.ValidityPeriod = []byte("000001100000000R")
	m.RegisteredDelivery = 0x1F
	m.ReplaceIfPresent = 1
	reply := []byte{0x22, 7, 12, 0x91, 0x44, 0x77, 0x00, 0x09, 0x00} // a reply address element
	header := append(append([]byte{}, reply...), 0x00, 3, 0xC8, 3, 2)
	m.ShortMessage = append(append([]byte{byte(len(header))}, header...), "text"...)
	add := func(tag pdu.Tag, v string) { m.TLVs = pdu.AppendTLV(m.TLVs, tag, []byte(v)) }
	add(0x0381, "\x01"+alice) // callback_num
	add(0x0202, "\x80"+alice) // source_subaddress
	add(0x1400, alice)        // a vendor's
	add(pdu.TagUserMessageReference, "\x01\x02")
	add(pdu.TagSourcePort, "\x00\x50")
	add(pdu.TagDestinationPort, "\x00\x51")
	add(pdu.TagDestinationPort, "\x00\x52") // again: only the first passes
	add(pdu.TagMoreMessagesToSend, "\x01")
	add(pdu.TagReceiptedMessageID, alice+"\x00")
	shop.send(t, pdu.SubmitSM, m)

	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	want := pdu.Message{
		ServiceType: []byte{},
		Source:      pdu.Address{TON: 1, NPI: 1, Digits: []byte(maskOfAlice)}, Destination: pdu.Address{TON: 1, NPI: 1, Digits: []byte(bob)},
		ESMClass: pdu.ESMUDHI, ProtocolID: 0x3F, PriorityFlag: 2, DataCoding: 4,
		ValidityPeriod: []byte("000001100000000R"), RegisteredDelivery: 0x11,
		ShortMessage: []byte("\x05\x00\x03\xC8\x03\x02text"),
	}
	for _, v := range []struct {
		tag   pdu.Tag
		value string
	}{
		{pdu.TagUserMessageReference, "\x01\x02"},
		{pdu.TagSourcePort, "\x00\x50"},
		{pdu.TagDestinationPort, "\x00\x51"},
		{pdu.TagMoreMessagesToSend, "\x01"},
	} {
		want.TLVs = pdu.AppendTLV(want.TLVs, v.tag, []byte(v.value))
	}
	frame, err := want.Append(nil, pdu.SubmitSM, f.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(f.body, frame[pdu.HeaderLen:]) {
		t.Fatalf("got % x\nwant % x", f.body, frame[pdu.HeaderLen:])
	}
	if bytes.Contains(f.body, []byte(alice)) || bytes.Contains(f.body, []byte(maskOfBob)) {
		t.Fatal("the sender's side is in what the other party gets")
	}
}

func TestContentThatIsRefused(t *testing.T) {
	_, shop, carrier := relayTo(t, nil)
	cases := []struct {
		name   string
		change func(*pdu.Message)
		status pdu.Status
	}{
		{"replaces another", func(m *pdu.Message) { m.ProtocolID = 0x41 }, pdu.RSubmitFail},
		{"silent", func(m *pdu.Message) { m.ProtocolID = 0x40 }, pdu.RSubmitFail},
		{"SIM download", func(m *pdu.Message) { m.ProtocolID = 0x7F }, pdu.RSubmitFail},
		{"class 2", func(m *pdu.Message) { m.DataCoding = 0xF2 }, pdu.RSubmitFail},
		{"class 2, general coding", func(m *pdu.Message) { m.DataCoding = 0x12 }, pdu.RSubmitFail},
		{"SIM toolkit", func(m *pdu.Message) { m.ESMClass = pdu.ESMUDHI; m.ShortMessage = []byte("\x02\x70\x00x") }, pdu.RSubmitFail},
		{"header longer than the text", func(m *pdu.Message) { m.ESMClass = pdu.ESMUDHI; m.ShortMessage = []byte("\x09\x00\x03") }, pdu.RInvMsgLen},
		{"part 0", func(m *pdu.Message) { m.ESMClass = pdu.ESMUDHI; m.ShortMessage = []byte("\x05\x00\x03\x01\x02\x00x") }, pdu.RInvEsmClass},
		{"priority 4", func(m *pdu.Message) { m.PriorityFlag = 4 }, pdu.RInvPrtFlg},
		{"scheduled", func(m *pdu.Message) { m.ScheduleDeliveryTime = []byte("000001100000000R") }, pdu.RInvSched},
		{"validity not a time", func(m *pdu.Message) { m.ValidityPeriod = []byte("tomorrow 1100 am") }, pdu.RInvExpiry},
		{"predefined message", func(m *pdu.Message) { m.DefaultMessageID = 1 }, pdu.RInvDftMsgID},
		{"port of three octets", func(m *pdu.Message) { m.TLVs = pdu.AppendTLV(nil, pdu.TagSourcePort, []byte("123")) }, pdu.RInvParLen},
		{"no mask", func(m *pdu.Message) { m.Destination.Digits = []byte(carol) }, pdu.RInvDstAdr},
		{"a name as the destination", func(m *pdu.Message) { m.Destination = pdu.Address{TON: 5, Digits: []byte("441110000001")} }, pdu.RInvDstAdr},
		{"a word as the destination", func(m *pdu.Message) { m.Destination.Digits = []byte("help") }, pdu.RInvDstAdr},
		{"emergency", func(m *pdu.Message) { m.Destination.Digits = []byte("112") }, pdu.RInvDstAdr},
		{"a stranger", func(m *pdu.Message) { m.Source.Digits = []byte(carol) }, pdu.RInvDstAdr},
		{"a name as the sender", func(m *pdu.Message) { m.Source = pdu.Address{TON: 5, Digits: []byte(alice)} }, pdu.RInvDstAdr},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := text(alice, maskOfBob, "x")
			c.change(m)
			shop.send(t, pdu.SubmitSM, m)
			shop.expect(t, pdu.SubmitSMResp, c.status)
		})
	}
	// None of them went on: what comes next is the good one.
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "good"))
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	if string(f.message(t).ShortMessage) != "good" {
		t.Fatal("a refused message went on")
	}
	carrier.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestMaskOfAnotherTenant(t *testing.T) {
	b := startEdge(t, baseConfig())
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	outlet.send(t, pdu.SubmitSM, text(maskOfBob, alice, "x"))
	outlet.expect(t, pdu.SubmitSMResp, pdu.RInvSrcAdr)
}

func TestCarriersHearTheirOwnCodes(t *testing.T) {
	_, _, carrier := relayTo(t, func(c *Config) {
		c.Carriers[0].Binds[0].Reply = Reply{Temporary: 0xFE, Permanent: 0x66, Throttled: 0x14}
		c.Carriers[0].Binds[0].Window = 2
	})
	carrier.send(t, pdu.DeliverSM, text(carol, maskOutlet, "its account is not bound"))
	carrier.expect(t, pdu.DeliverSMResp, 0xFE)
	carrier.send(t, pdu.DeliverSM, text(carol, bob, "no mask"))
	carrier.expect(t, pdu.DeliverSMResp, 0x66)
	for range 3 { // bob's side waits for the carrier itself
		carrier.send(t, pdu.DeliverSM, text(alice, maskOfBob, "x"))
	}
	var waiting []frame
	for throttled := false; len(waiting) < 2 || !throttled; {
		switch f := carrier.mustRead(t); f.Command {
		case pdu.SubmitSM:
			waiting = append(waiting, f)
		case pdu.DeliverSMResp:
			if f.Status != 0x14 || throttled {
				t.Fatalf("status %02x", uint32(f.Status))
			}
			throttled = true
		default:
			t.Fatalf("command %08x", uint32(f.Command))
		}
	}
	for _, f := range waiting {
		carrier.respond(t, f, pdu.ROK, "1")
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
}

func TestPaceOfAnAccount(t *testing.T) {
	_, shop, carrier := relayTo(t, func(c *Config) { c.Accounts[0].TPS = 1 })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "1"))
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "2"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RThrottled)
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

// Beyond the pace of a bind messages wait; they are not refused.
func TestPaceOfABind(t *testing.T) {
	_, shop, carrier := relayTo(t, func(c *Config) { c.Carriers[0].Binds[0].TPS = 20 })
	for range 5 {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	}
	for range 5 {
		carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
}

// All segments of a message go over one bind, in order, whatever the number of
// binds.
func TestSegmentsStayTogether(t *testing.T) {
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	cfg.Carriers[0].Binds[0].Sessions = 3
	b := startEdge(t, cfg)
	t.Cleanup(s.stop)
	binds := []*wire{s.bind(t), s.bind(t), s.bind(t)}
	eventually(t, "all are bound", func() bool { return len(b.carriers["alfa"].destination.binds.Load().primary) == 3 })
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	got := merge(t, binds)
	const parts = 6
	for reference := range byte(5) {
		for part := range byte(parts) {
			m := text(alice, maskOfBob, "")
			m.ESMClass = pdu.ESMUDHI
			m.ShortMessage = []byte{5, 0, 3, reference, parts, part + 1, 'x'}
			shop.send(t, pdu.SubmitSM, m)
		}
		first := <-got
		for part := range byte(parts) {
			f := first
			if part > 0 {
				f = <-got
			}
			if m := f.message(t); f.wire != first.wire || m.ShortMessage[3] != reference || m.ShortMessage[5] != part+1 {
				t.Fatalf("segment %d of %d came in place of %d, or over another bind", m.ShortMessage[5], m.ShortMessage[3], part+1)
			}
			f.wire.respond(t, f.frame, pdu.ROK, "1")
			shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
		}
	}
}

func TestMessagesSpreadOverBinds(t *testing.T) {
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	cfg.Carriers[0].Binds[0].Sessions = 2
	b := startEdge(t, cfg)
	t.Cleanup(s.stop)
	one, two := s.bind(t), s.bind(t)
	eventually(t, "both are bound", func() bool { return len(b.carriers["alfa"].destination.binds.Load().primary) == 2 })
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	got := merge(t, []*wire{one, two})
	open := map[*wire][]frame{}
	for i := range 8 { // each in a batch of its own: the emptier bind gets it
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
		a := <-got
		open[a.wire] = append(open[a.wire], a.frame)
		if d := len(open[one]) - len(open[two]); d < -1 || d > 1 {
			t.Fatalf("after %d messages one bind has %d more", i+1, d)
		}
	}
	for w, frames := range open {
		for _, f := range frames {
			w.respond(t, f, pdu.ROK, "1")
			shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
		}
	}
}

// A bind of version 3.3 gets no TLVs.
func TestVersion33GetsNoTLVs(t *testing.T) {
	b := startEdge(t, baseConfig())
	shop := dialWire(t, b.addr)
	shop.bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version33)
	outlet := bound(t, b.addr, pdu.BindTransceiver, "outlet")
	m := text(carol, maskShop, "")
	m.TLVs = pdu.AppendTLV(pdu.AppendTLV(nil, pdu.TagSourcePort, []byte{0, 1}), pdu.TagMessagePayload, []byte("in a TLV"))
	outlet.send(t, pdu.SubmitSM, m)
	f := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	if got := f.message(t); len(got.TLVs) != 0 || string(got.ShortMessage) != "in a TLV" {
		t.Fatalf("got %d octets of TLVs", len(got.TLVs))
	}
	shop.respond(t, f, pdu.ROK, "")
	outlet.expect(t, pdu.SubmitSMResp, pdu.ROK)
}
