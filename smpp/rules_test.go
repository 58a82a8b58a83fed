package smpp

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // tests keep opt-outs and blocks as routing does
	"maskline/routing"
	"maskline/smpp/pdu"
)

// ruledRouter decides by opt-outs, blocks and what cfg says besides.
func ruledRouter(t testing.TB, table routing.Table, cfg routing.Config, carriers ...string) *routing.Router {
	t.Helper()
	for i, name := range carriers {
		cfg.Carriers = append(cfg.Carriers, routing.CarrierConfig{Name: name, Priority: i, Services: routing.SMS})
	}
	cfg.OptOut = routing.OptOutConfig{Enabled: true, Stop: map[string][]string{"default": {"STOP", "ARRÊT"}}, Start: []string{"START"}}
	router, err := routing.New(table, cfg, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return router
}

func newRestrictions(t testing.TB) *numberdb.Restrictions {
	t.Helper()
	restrictions, err := numberdb.NewRestrictions(nil, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return restrictions
}

// ordinaryRules are those of an edge with some opt-outs and blocks.
func ordinaryRules(t testing.TB) routing.Config {
	t.Helper()
	restrictions := newRestrictions(t)
	for i := range e164.Number(1000) {
		for _, kind := range []numberdb.RestrictionKind{numberdb.OptOut, numberdb.Block} {
			restrictions.Note(numberdb.RestrictionChange{Restriction: numberdb.Restriction{Kind: kind, Party: e164.MustParse("442000000000") + i}})
		}
	}
	return routing.Config{Restrictions: restrictions, Loop: routing.LoopConfig{Repeats: 20, Within: 10 * time.Second}}
}

// ruledEdge has one carrier, opt-out words, and rules.
func ruledEdge(t *testing.T, change func(*routing.Config)) (b *bench, restrictions *numberdb.Restrictions, shop, carrier *wire) {
	t.Helper()
	return ruledEdgeOver(t, testTable(), change, nil)
}

func ruledEdgeOver(t *testing.T, table *numberdb.Table, change func(*routing.Config), reshape func(*Config)) (
	b *bench, restrictions *numberdb.Restrictions, shop, carrier *wire,
) {
	t.Helper()
	restrictions = newRestrictions(t)
	routes := routing.Config{Restrictions: restrictions}
	if change != nil {
		change(&routes)
	}
	router := ruledRouter(t, table, routes, "alfa")
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	cfg.Accounts[0].Encoding = Latin1
	if reshape != nil {
		reshape(&cfg)
	}
	b = startEdgeRouted(t, cfg, Volatile{}, router)
	t.Cleanup(s.stop)
	carrier = s.bind(t)
	b.waitUp(t, "alfa")
	return b, restrictions, bound(t, b.addr, pdu.BindTransceiver, "shop"), carrier
}

// nothing proves that the peer was sent nothing: what it gets next is the
// answer to its own probe.
func (w *wire) nothing(t *testing.T) {
	t.Helper()
	w.write(t, pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, w.sequence()))
	w.expect(t, pdu.EnquireLinkResp, pdu.ROK)
}

// An alert has no text: the message before it on the same bind says nothing of
// its party.
func TestAlertsHaveNoText(t *testing.T) {
	_, restrictions, shop, carrier := ruledEdge(t, nil)
	word, err := text(bob, maskOfAlice, "STOP").Append(nil, pdu.DeliverSM, carrier.sequence())
	if err != nil {
		t.Fatal(err)
	}
	carrier.write(t, append(word, alertOf(t, carol, maskShop)...)) // in one read
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	carrier.nothing(t)
	if restrictions.OptedOut("shop", e164.MustParse(carol), routing.Endpoint{}) {
		t.Error("another party's word opted it out")
	}
	shop.expect(t, pdu.AlertNotification, pdu.ROK)
}

func TestOptOutWordsAreNeverForwarded(t *testing.T) {
	ucs2 := func(s string) []byte {
		out, err := pdu.AppendEncoded(nil, []byte(s), pdu.UCS2)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	cases := []struct {
		name string
		from bool // from the carrier; else from the account
		in   func(m *pdu.Message)
	}{
		{"submit_sm", false, func(m *pdu.Message) { m.ShortMessage = []byte("stop") }},
		{"deliver_sm", true, func(m *pdu.Message) { m.ShortMessage = []byte("Stop.") }},
		{"UCS-2", true, func(m *pdu.Message) { m.DataCoding, m.ShortMessage = 8, ucs2(" arrêt ") }},
		{"the account's own data_coding 0", false, func(m *pdu.Message) { m.ShortMessage = []byte("arr\xEAt") }},
		{"Latin-1", true, func(m *pdu.Message) { m.DataCoding, m.ShortMessage = 3, []byte("arr\xEAt") }},
		{"message_payload", true, func(m *pdu.Message) {
			m.ShortMessage, m.TLVs = nil, pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte("STOP"))
		}},
		{"behind a header without segments", true, func(m *pdu.Message) {
			m.ESMClass, m.ShortMessage = pdu.ESMUDHI, []byte("\x06\x05\x04\x00\x50\x00\x51STOP")
		}},
		{"the only segment of its message", true, func(m *pdu.Message) {
			m.ESMClass, m.ShortMessage = pdu.ESMUDHI, []byte("\x05\x00\x03\x07\x01\x01STOP")
		}},
		{"asking for a receipt", false, func(m *pdu.Message) { m.RegisteredDelivery, m.ShortMessage = 1, []byte("STOP") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, restrictions, shop, carrier := ruledEdge(t, nil)
			m := text(alice, maskOfBob, "")
			c.in(m)
			if c.from {
				carrier.send(t, pdu.DeliverSM, m)
				carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
			} else {
				shop.send(t, pdu.SubmitSM, m)
				if f := shop.expect(t, pdu.SubmitSMResp, pdu.ROK); f.messageID(t) == "" {
					t.Error("no message id")
				}
				shop.nothing(t)
			}
			carrier.nothing(t)
			if !restrictions.OptedOut("shop", e164.MustParse(alice), routing.Endpoint{}) {
				t.Fatal("it was not kept")
			}
		})
	}
}

func TestOptedOutInBothDirections(t *testing.T) {
	_, _, shop, carrier := ruledEdge(t, nil)
	carrier.send(t, pdu.DeliverSM, text(alice, maskOfBob, "STOP"))
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	// Bob's answer, brought by the carrier; the tenant's own message.
	carrier.send(t, pdu.DeliverSM, text(bob, maskOfAlice, "where are you?"))
	carrier.expect(t, pdu.DeliverSMResp, pdu.RxPAppn)
	shop.send(t, pdu.SubmitSM, text(maskOfBob, alice, "your order"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RSubmitFail)

	carrier.send(t, pdu.DeliverSM, text(alice, maskOfBob, "START"))
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	carrier.send(t, pdu.DeliverSM, text(bob, maskOfAlice, "where are you?"))
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
}

func TestSegmentsAreNoWords(t *testing.T) {
	_, _, shop, carrier := ruledEdge(t, nil)
	m := text(alice, maskOfBob, "")
	m.ESMClass, m.ShortMessage = pdu.ESMUDHI, []byte("\x05\x00\x03\x07\x02\x02STOP")
	shop.send(t, pdu.SubmitSM, m)
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestConfiguredRules(t *testing.T) {
	_, _, shop, carrier := ruledEdge(t, func(c *routing.Config) {
		c.Rules = []routing.RuleConfig{
			{Name: "names", Senders: []string{routing.SenderAlphanumeric}, Status: 0x66},
			{Name: "codes", Senders: []string{routing.SenderShortCode}, Drop: true},
			{Name: "prizes", Text: []string{"prize"}},
		}
	})
	name := text("ACME", maskShop, "hello")
	name.Source.TON = pdu.TONAlphanumeric
	prize := text(alice, maskOfBob, "")
	prize.ShortMessage, prize.TLVs = nil, pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(strings.Repeat("x ", 700)+"Prize!"))
	late := text(alice, maskOfBob, "")
	late.TLVs = pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(strings.Repeat("x", routing.MaxText)+" prize"))
	late.ShortMessage = nil
	for _, c := range []struct {
		name             string
		in               *pdu.Message
		account, carrier pdu.Status
	}{
		{"a status of its own", name, 0x66, pdu.RxPAppn},
		{"dropped", text("60123", maskShop, "hello"), pdu.ROK, pdu.ROK},
		{"the usual status", prize, pdu.RSubmitFail, pdu.RxPAppn},
	} {
		shop.send(t, pdu.SubmitSM, c.in)
		shop.expect(t, pdu.SubmitSMResp, c.account)
		carrier.send(t, pdu.DeliverSM, c.in)
		carrier.expect(t, pdu.DeliverSMResp, c.carrier)
	}
	shop.send(t, pdu.SubmitSM, late)
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

func TestAMessageThatGoesRound(t *testing.T) {
	const repeats = 3
	_, _, shop, carrier := ruledEdge(t, func(c *routing.Config) { c.Loop = routing.LoopConfig{Repeats: repeats, Within: time.Minute} })
	for range 2 * repeats { // refused downstream: an upstream that tries again
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "again"))
		carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.RMsgQFul, "")
		shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
	}
	for range repeats {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "again"))
		carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "again"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RInvDstAdr)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "another"))
	carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	// Our own message, brought back by the carrier.
	carrier.send(t, pdu.DeliverSM, text(maskOfAlice, maskShop, "another"))
	carrier.expect(t, pdu.DeliverSMResp, pdu.RxPAppn)
}

func TestFingerprints(t *testing.T) {
	b := startEdge(t, baseConfig())
	hash := func(change func(*pdu.Message)) uint64 {
		m := text(alice, maskOfBob, "hello")
		if change != nil {
			change(m)
		}
		t := b.newTurn()
		t.in = *m
		t.request.Origin = &routing.Origin{}
		msg := &message{up: &session{terms: &terms{}}}
		msg.address(&t.request, &t.in, nil)
		b.hear(t, msg)
		return msg.fingerprint
	}
	same := hash(nil)
	if same == 0 || hash(nil) != same {
		t.Fatal("the same message has two fingerprints, or none")
	}
	for name, change := range map[string]func(*pdu.Message){
		"text":     func(m *pdu.Message) { m.ShortMessage = []byte("hellp") },
		"sender":   func(m *pdu.Message) { m.Source.Digits = []byte(bob) },
		"receiver": func(m *pdu.Message) { m.Destination.Digits = []byte(maskShop) },
		"a name":   func(m *pdu.Message) { m.Source = pdu.Address{TON: pdu.TONAlphanumeric, Digits: []byte("ACME")} },
		"header":   func(m *pdu.Message) { m.ShortMessage = []byte("\x05\x00\x03\x07\x02\x02hello") },
	} {
		if hash(change) == same {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
	if other := startEdge(t, baseConfig()); other.fingerprint(text(alice, maskOfBob, "hello"), 1) == b.fingerprint(text(alice, maskOfBob, "hello"), 1) {
		t.Error("fingerprints are the same under another key")
	}
}

func TestTextForRules(t *testing.T) {
	var s spoken
	decode := func(m *pdu.Message, characters int) string {
		s.in = m
		return string(s.AppendText(nil, characters))
	}
	cases := []struct {
		name string
		in   pdu.Message
		want string
	}{
		{"GSM 7 bit", pdu.Message{ShortMessage: []byte("a\x00b")}, "a@b"},
		{"cut", pdu.Message{ShortMessage: []byte("0123456789")}, "01234567"},
		{"UCS-2, cut", pdu.Message{DataCoding: 8, ShortMessage: []byte("\x00a\x00b\x00c\x00d\x00e\x00f\x00g\x00h\x00i")}, "abcdefgh"},
		{"half a character", pdu.Message{DataCoding: 8, ShortMessage: []byte("\x00a\x00")}, "a\uFFFD"},
		{"binary", pdu.Message{DataCoding: 4, ShortMessage: []byte("STOP")}, ""},
		{"a header alone", pdu.Message{ESMClass: pdu.ESMUDHI, ShortMessage: []byte("\x05\x00\x03\x07\x02\x02")}, ""},
		{"a header that lies", pdu.Message{ESMClass: pdu.ESMUDHI, ShortMessage: []byte("\x99STOP")}, ""},
		{"nothing", pdu.Message{}, ""},
	}
	for _, c := range cases {
		if got := decode(&c.in, 8); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

type noScreen struct{}

func (noScreen) Refuses(string, e164.Number, []byte) bool { return false }

type noUsage struct{}

func (noUsage) Exhausted(string, time.Time) bool { return false }

func (noUsage) Sent(string, uint64, time.Time) {}

func (noUsage) Talked(string, uint64, time.Duration, time.Time) {}

type noMasks struct{}

func (noMasks) Mask(e164.Number) (*numberdb.Mask, bool) { return nil, false }

// The table of rules is the chain, in its order, with the statuses of the
// verdicts that each gives.
func TestDocsOfRules(t *testing.T) {
	verdicts := map[string][]routing.Verdict{
		"emergency": {routing.EmergencyRefused}, "opt_out_words": {routing.OptOut, routing.OptIn, routing.Help}, "loop": {routing.Loop},
		"block": {routing.Blocked}, "opt_out": {routing.OptedOut}, "rule:NAME": {routing.RuleRefused}, "third_party_codes": {routing.RuleRefused}, "spend_limit": {routing.SpendLimit}, "slot": {routing.FirstContact}, "carriers": {routing.NoCarrier},
	}
	routes := ordinaryRules(t)
	routes.Rules = []routing.RuleConfig{{Name: "NAME", Senders: []string{"1"}}}
	routes.Slots = &fakeSlots{}
	routes.Screen, routes.Masks, routes.Usage = noScreen{}, noMasks{}, noUsage{}
	chain := ruledRouter(t, testTable(), routes).Explain(&routing.Request{Service: routing.SMS, Origin: &routing.Origin{}}).Rules
	rows := docsTable(t, "## Rules")
	if len(rows) != len(chain) {
		t.Fatalf("%d rules are documented, %d are there", len(rows), len(chain))
	}
	accounts, carriers := accountReplies(), carrierReplies(Reply{Temporary: 0x401, Permanent: 0x402, Throttled: 0x403})
	codes := map[string]pdu.Status{"0x00": pdu.ROK, "temporary": 0x401, "permanent": 0x402}
	for i, row := range rows {
		if row[0] != chain[i].Rule {
			t.Errorf("rule %d is %s, documented %s", i+1, chain[i].Rule, row[0])
		}
		for _, v := range verdicts[row[0]] {
			if !strings.Contains(row[2], v.String()) {
				t.Errorf("%s: %v is not named", row[0], v)
			}
			all := statusesIn(t, row[3])
			if got := accounts.of(refusalOf(v)); got != all[len(all)-1] {
				t.Errorf("%s: accounts get 0x%02X", row[0], uint32(got))
			}
			if got := carriers.of(refusalOf(v)); got != codes[row[4]] {
				t.Errorf("%s: carriers get 0x%02X", row[0], uint32(got))
			}
		}
	}
}

// An alert is no message: the text of the one before it is not its own.
func TestAlertsSayNothing(t *testing.T) {
	_, restrictions, shop, carrier := ruledEdge(t, nil)
	stop, err := text(alice, maskOfBob, "STOP").Append(nil, pdu.DeliverSM, carrier.sequence())
	if err != nil {
		t.Fatal(err)
	}
	both, err := (&pdu.Alert{
		Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte(bob)}, ESME: pdu.Address{TON: 1, NPI: 1, Digits: []byte(maskShop)},
	}).Append(stop, carrier.sequence())
	if err != nil {
		t.Fatal(err)
	}
	carrier.write(t, both)
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	carrier.nothing(t)
	if restrictions.OptedOut("shop", e164.MustParse(bob), routing.Endpoint{}) {
		t.Error("bob is opted out by a word of alice's")
	}
	shop.expect(t, pdu.AlertNotification, pdu.ROK)
}

// Of segments that are put together the rules see each, and the whole.
func TestRulesSeeTheWholeOfSegments(t *testing.T) {
	for _, c := range []struct {
		name        string
		one, two    string
		whole       bool // the carrier takes long messages whole
		first, last pdu.Status
		goesOn      bool
	}{
		{"nothing to find", "see ", "you", true, pdu.ROK, pdu.ROK, true},
		{"a word across the border", "you have a pri", "ze", true, pdu.RSubmitFail, pdu.RSubmitFail, false},
		{"an opt-out word across the border", "ST", "OP", true, pdu.ROK, pdu.ROK, false},
		{"a word across the border of segments that go by themselves", "you have a pri", "ze", false, pdu.ROK, pdu.ROK, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, restrictions, shop, carrier := ruledEdgeOver(t, testTable(), func(cfg *routing.Config) {
				cfg.Rules = []routing.RuleConfig{{Name: "prizes", Text: []string{"prize"}}}
			}, func(cfg *Config) {
				if c.whole {
					takesWhole(cfg)
				}
			})
			for i, part := range []string{c.one, c.two} {
				m := text(alice, maskOfBob, "")
				m.ESMClass, m.ShortMessage = pdu.ESMUDHI, append([]byte{5, 0, 3, 7, 2, byte(i + 1)}, part...)
				shop.send(t, pdu.SubmitSM, m)
				if !c.whole {
					carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
				}
			}
			if c.whole && c.goesOn {
				carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
			}
			shop.expect(t, pdu.SubmitSMResp, c.first)
			shop.expect(t, pdu.SubmitSMResp, c.last)
			carrier.nothing(t)
			optedOut := restrictions.OptedOut("shop", e164.MustParse(alice), routing.Endpoint{})
			if optedOut != (c.one == "ST") {
				t.Errorf("opted out: %v", optedOut)
			}
		})
	}
}

// A rule on texts finds a word within a segment, however it says that it is one.
func TestRulesSeeEachSegment(t *testing.T) {
	_, _, shop, carrier := ruledEdge(t, func(cfg *routing.Config) {
		cfg.Rules = []routing.RuleConfig{{Name: "prizes", Text: []string{"prize"}}}
	})
	sar := pdu.AppendTLV(pdu.AppendTLV(pdu.AppendTLV(nil, pdu.TagSarMsgRefNum, []byte{0, 1}), pdu.TagSarTotalSegments, []byte{2}), pdu.TagSarSegmentSeqnum, []byte{2})
	for name, change := range map[string]func(*pdu.Message){
		"8-bit reference": func(m *pdu.Message) {
			m.ESMClass, m.ShortMessage = pdu.ESMUDHI, []byte("\x05\x00\x03\x07\x02\x02a Prize!")
		},
		"16-bit reference": func(m *pdu.Message) {
			m.ESMClass, m.ShortMessage = pdu.ESMUDHI, []byte("\x06\x08\x04\x00\x07\x02\x02prize")
		},
		"sar TLVs": func(m *pdu.Message) { m.ShortMessage, m.TLVs = []byte("a prize"), sar },
		"UTF-16": func(m *pdu.Message) {
			m.DataCoding, m.ESMClass, m.ShortMessage = 8, pdu.ESMUDHI, []byte("\x05\x00\x03\x07\x02\x01\x00p\x00r\x00i\x00z\x00e")
		},
	} {
		m := text(alice, maskOfBob, "")
		change(m)
		shop.send(t, pdu.SubmitSM, m)
		if f := shop.expect(t, pdu.SubmitSMResp, pdu.RSubmitFail); f.Status != pdu.RSubmitFail {
			t.Error(name)
		}
	}
	carrier.nothing(t)
}
