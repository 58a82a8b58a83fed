package smpp

import (
	"strings"
	"testing"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // tests keep opt-outs and blocks as routing does
	"maskline/routing"
	"maskline/smpp/pdu"
)

// replace asks for a new text of a message of alice's.
func (w *wire) replace(t testing.TB, id string, text []byte) {
	t.Helper()
	r := pdu.Replace{MessageID: []byte(id), Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte(alice)}, ShortMessage: text}
	out, err := r.Append(nil, w.sequence())
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, out)
}

// submitted hands a message of alice's to the carrier and returns our id.
func submitted(t testing.TB, shop, carrier *wire, m *pdu.Message) string {
	t.Helper()
	m.RegisteredDelivery = pdu.RegisteredBoth
	shop.send(t, pdu.SubmitSM, m)
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "0A1")
	f := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	return f.messageID(t)
}

func TestReplacementsMeetTheRules(t *testing.T) {
	set := func(kind numberdb.RestrictionKind, tenant, party string) numberdb.RestrictionChange {
		return numberdb.RestrictionChange{Restriction: numberdb.Restriction{Kind: kind, Tenant: tenant, Party: e164.MustParse(party)}}
	}
	for _, c := range []struct {
		name, text string
		change     func(*numberdb.Restrictions, *numberdb.Table)
		refused    bool
	}{
		{name: "an ordinary text", text: "see you at six"},
		{name: "a rule on texts", text: "you won a prize", refused: true},
		{name: "an opt-out word", text: "Stop.", refused: true},
		{name: "the receiver has opted out since", text: "see you", refused: true, change: func(r *numberdb.Restrictions, _ *numberdb.Table) {
			r.Note(set(numberdb.OptOut, "shop", bob))
		}},
		{name: "the sender was blocked since", text: "see you", refused: true, change: func(r *numberdb.Restrictions, _ *numberdb.Table) {
			r.Note(set(numberdb.Block, "", alice))
		}},
		{name: "the binding has gone since", text: "see you", refused: true, change: func(_ *numberdb.Restrictions, table *numberdb.Table) {
			table.Apply([]numberdb.Change{{Binding: numberdb.Binding{Mask: e164.MustParse(maskOfBob), Party: e164.MustParse(alice)}, Deleted: true}})
		}},
		{name: "the binding presents another mask since", text: "see you", refused: true, change: func(_ *numberdb.Restrictions, table *numberdb.Table) {
			table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
				Mask: e164.MustParse(maskOfBob), Party: e164.MustParse(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: e164.MustParse(carol)},
				Present: e164.MustParse(maskOutlet), Services: numberdb.SMS, Tenant: "shop",
			}}})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := testTable()
			b, restrictions, shop, carrier := ruledEdgeOver(t, table, func(cfg *routing.Config) {
				cfg.Rules = []routing.RuleConfig{{Name: "prizes", Text: []string{"you won"}, Status: 0x66}}
			}, nil)
			id := submitted(t, shop, carrier, text(alice, maskOfBob, "hello"))
			if c.change != nil {
				c.change(restrictions, table)
			}
			shop.replace(t, id, []byte(c.text))
			if !c.refused {
				carrier.respondEmpty(t, carrier.expect(t, pdu.ReplaceSM, pdu.ROK), pdu.ROK)
				shop.expect(t, pdu.ReplaceSMResp, pdu.ROK)
				return
			}
			shop.expect(t, pdu.ReplaceSMResp, pdu.RReplaceFail)
			carrier.nothing(t)
			if n := b.metric(t, "replacements_refused_total", "reason", "ruled"); n != 1 {
				t.Errorf("%v counted", n)
			}
		})
	}
}

// The account writes Latin-1 under data_coding 0, the carrier reads GSM 7 bit.
func TestReplacementsAreWrittenInTheCarriersAlphabet(t *testing.T) {
	message := func(change func(*pdu.Message)) *pdu.Message {
		m := text(alice, maskOfBob, "hello")
		if change != nil {
			change(m)
		}
		return m
	}
	for _, c := range []struct {
		name string
		old  *pdu.Message
		text string
		want string // empty: refused
	}{
		{"recoded", message(nil), "caf\xE9 @6", "caf\x05 \x006"},
		{"a character that the carrier's alphabet lacks", message(nil), "\xAB", ""},
		{"the old one left as UTF-16", message(func(m *pdu.Message) { m.ShortMessage = []byte("\xAB") }), "\xBBx", "\x00\xBB\x00x"},
		{"UTF-16 as it came", message(func(m *pdu.Message) { m.DataCoding, m.ShortMessage = 8, []byte("\x04\x14") }), "\x04\x15", "\x04\x15"},
		{"as long as one message", message(nil), strings.Repeat("x", 160), strings.Repeat("x", 160)},
		{"longer when recoded", message(nil), strings.Repeat("[", 81), ""},
		{"longer than one message", message(nil), strings.Repeat("x", 161), ""},
		{"of a message that was cut", message(func(m *pdu.Message) { m.ShortMessage = []byte(strings.Repeat("x", 200)) }), "new", ""},
		{"of a message with a header", message(func(m *pdu.Message) {
			m.ESMClass, m.ShortMessage = pdu.ESMUDHI, []byte("\x06\x05\x04\x00\x50\x00\x51hello")
		}), "\x02\x70\x00new", ""},
		{"of a segment", message(func(m *pdu.Message) {
			m.TLVs = pdu.AppendTLV(pdu.AppendTLV(pdu.AppendTLV(nil, pdu.TagSarMsgRefNum, []byte{0, 1}), pdu.TagSarTotalSegments, []byte{2}), pdu.TagSarSegmentSeqnum, []byte{1})
		}), "new", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _, shop, carrier := ruledEdge(t, nil)
			c.old.RegisteredDelivery = pdu.RegisteredBoth
			shop.send(t, pdu.SubmitSM, c.old)
			f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
			carrier.respond(t, f, pdu.ROK, "0A1")
			if len(c.old.ShortMessage) > 160 {
				carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "0A1")
			}
			answer := shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
			shop.replace(t, answer.messageID(t), []byte(c.text))
			if c.want == "" {
				shop.expect(t, pdu.ReplaceSMResp, pdu.RReplaceFail)
				carrier.nothing(t)
				if n := b.metric(t, "replacements_refused_total", "reason", "unfit"); n != 1 {
					t.Errorf("%v counted", n)
				}
				return
			}
			f = carrier.expect(t, pdu.ReplaceSM, pdu.ROK)
			var r pdu.Replace
			if err := r.Decode(f.body); err != nil {
				t.Fatal(err)
			}
			if string(r.ShortMessage) != c.want {
				t.Errorf("the carrier got %q, want %q", r.ShortMessage, c.want)
			}
			carrier.respondEmpty(t, f, pdu.ROK)
			shop.expect(t, pdu.ReplaceSMResp, pdu.ROK)
		})
	}
}
