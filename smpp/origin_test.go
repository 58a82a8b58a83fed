package smpp

import (
	"errors"
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

// heardReports keeps reports, and answers them as it is told.
type heardReports struct {
	mu   sync.Mutex
	err  error
	list []routing.Report
}

func (h *heardReports) Report(r routing.Report, done func(error)) {
	h.mu.Lock()
	err := h.err
	if err == nil {
		h.list = append(h.list, r)
	}
	h.mu.Unlock()
	done(err)
}

func (h *heardReports) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func (h *heardReports) all() []routing.Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]routing.Report(nil), h.list...)
}

// writing is relayTo with an edge that writes messages itself.
func writing(t *testing.T, change func(*Config)) (b *bench, heard *heardReports, shop, alfa *wire) {
	t.Helper()
	heard = &heardReports{}
	b, shop, alfa = relayTo(t, func(cfg *Config) {
		cfg.Reports = heard
		if change != nil {
			change(cfg)
		}
	})
	return b, heard, shop, alfa
}

func (b *bench) originate(w routing.Writes, from, to, line string) <-chan routing.Originated {
	done := make(chan routing.Originated, 2) // a second one would be a fault
	b.Originate(&routing.Origination{
		ID: 4711, Origin: &routing.Origin{Tenant: "shop", Writes: w}, From: e164.MustParse(from), To: e164.MustParse(to),
		Text: []byte(line), AnswerBy: time.Now().Add(5 * time.Second),
	}, func(o routing.Originated) { done <- o })
	return done
}

func originated(t *testing.T, done <-chan routing.Originated) routing.Originated {
	t.Helper()
	return await.From(t, patience, "an answer", done)
}

func TestOriginate(t *testing.T) {
	for _, c := range []struct {
		name                             string
		writes                           routing.Writes
		from, to, line, source, receiver string
		coding                           byte
	}{
		{"for a participant", routing.WritesFor, alice, maskOfBob, "Hello", maskOfAlice, bob, 0},
		{"for itself", routing.WritesOwn, maskShop, bob, "Your code: 1234", maskShop, bob, 0},
		{"in another alphabet", routing.WritesFor, bob, maskOfAlice, "Привет", maskOfBob, alice, 8},
		{"an opt-out word is nobody's own", routing.WritesFor, alice, maskOfBob, "STOP", maskOfAlice, bob, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, heard, _, alfa := writing(t, nil)
			done := b.originate(c.writes, c.from, c.to, c.line)
			f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
			m := f.message(t)
			if string(m.Source.Digits) != c.source || string(m.Destination.Digits) != c.receiver {
				t.Error("the addresses are not the mask and the receiver")
			}
			if m.DataCoding != c.coding || m.RegisteredDelivery != pdu.RegisteredBoth {
				t.Errorf("coding %d, registered_delivery %d", m.DataCoding, m.RegisteredDelivery)
			}
			select {
			case <-done:
				t.Fatal("answered before the carrier")
			default:
			}
			alfa.respond(t, f, pdu.ROK, "abc")
			got := originated(t, done)
			if got.Fate != routing.FateDelivered || got.Carrier != "alfa" || got.Segments != 1 || got.Final || len(got.Tried) != 1 {
				t.Errorf("%+v", got)
			}
			alfa.send(t, pdu.DeliverSM, receipt("abc", pdu.Delivered))
			alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
			reports := heard.all()
			if len(reports) != 1 || reports[0].ID != 4711 || reports[0].State != routing.ReportDelivered || reports[0].Carrier != "alfa" || reports[0].Code != 27 {
				t.Errorf("%+v", reports)
			}
			if n := b.written.unanswered(); n != 0 {
				t.Errorf("%d are not answered", n)
			}
		})
	}
}

func TestOriginateLong(t *testing.T) {
	b, _, _, alfa := writing(t, longBind(LongUDH))
	line := strings.Repeat("0123456789", 20)
	done := b.originate(routing.WritesFor, alice, maskOfBob, line)
	var got strings.Builder
	for i := range 2 {
		f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
		m := f.message(t)
		_, part, err := pdu.SplitUDH(m.ShortMessage)
		if err != nil || m.ESMClass&pdu.ESMUDHI == 0 {
			t.Fatalf("part %d has no header", i)
		}
		got.Write(part)
		alfa.respond(t, f, pdu.ROK, "abc")
	}
	if o := originated(t, done); o.Fate != routing.FateDelivered || o.Segments != 2 {
		t.Errorf("%+v", o)
	}
	if got.String() != line {
		t.Error("the text has changed")
	}
}

func TestOriginateRefusals(t *testing.T) {
	for _, c := range []struct {
		name     string
		writes   routing.Writes
		from, to string
		verdict  routing.Verdict
	}{
		{"another tenant's session", routing.WritesFor, alice, maskOutlet, routing.NotAllowed},
		{"by a public mask", routing.WritesFor, alice, maskShop, routing.NotAllowed},
		{"to a number as if it were a mask", routing.WritesFor, alice, bob, routing.UnknownMask},
		{"a stranger in a session", routing.WritesFor, "447700900999", maskOfBob, routing.OutOfSession},
		{"of its own to a mask", routing.WritesOwn, maskShop, maskOfBob, routing.Loop},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _, _, alfa := writing(t, nil)
			got := originated(t, b.originate(c.writes, c.from, c.to, "x"))
			if got.Fate == routing.FateDelivered || got.Verdict != c.verdict || got.Carrier != "" {
				t.Errorf("%+v", got)
			}
			alfa.nothing(t)
		})
	}
}

func TestOriginateToAccount(t *testing.T) {
	table := testTable()
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: e164.MustParse(maskDesk), Party: e164.MustParse(alice), To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"},
		Present: e164.MustParse(maskOfAlice), Tenant: "shop", Services: numberdb.SMS,
	}}})
	cfg := baseConfig()
	cfg.Reports = &heardReports{}
	b := startEdgeOver(t, cfg, Volatile{}, table)
	shop := bound(t, b.addr, pdu.BindTransceiver, "shop")
	done := b.originate(routing.WritesFor, alice, maskDesk, "Hello")
	f := shop.expect(t, pdu.DeliverSM, pdu.ROK)
	if m := f.message(t); string(m.Source.Digits) != maskOfAlice {
		t.Error("the sender is not the mask")
	}
	shop.respond(t, f, pdu.ROK, "")
	if got := originated(t, done); got.Fate != routing.FateDelivered || !got.Final || got.Carrier != "" {
		t.Errorf("%+v", got)
	}
}

// What a rule throws away was delivered to nobody, whoever would have got it.
func TestOriginatedAndDropped(t *testing.T) {
	table := testTable()
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: e164.MustParse(maskDesk), Party: e164.MustParse(alice), To: numberdb.Endpoint{Kind: numberdb.Account, Name: "shop"},
		Present: e164.MustParse(maskOfAlice), Tenant: "shop", Services: numberdb.SMS,
	}}})
	b, _, shop, alfa := ruledEdgeOver(t, table, func(cfg *routing.Config) {
		cfg.Rules = []routing.RuleConfig{{Name: "secrets", Text: []string{"secret"}, Drop: true}}
	}, func(cfg *Config) { cfg.Reports = &heardReports{} })
	for _, to := range []string{maskDesk, maskOfBob} {
		got := originated(t, b.originate(routing.WritesFor, alice, to, "a secret"))
		if got.Fate != routing.FateDelivered || got.Final || got.Carrier != "" {
			t.Errorf("%+v", got)
		}
	}
	shop.nothing(t)
	alfa.nothing(t)
}

func TestOriginateWithoutCarrier(t *testing.T) {
	heard := &heardReports{}
	cfg := baseConfig()
	cfg.Reports = heard
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", "127.0.0.1:1")}
	b := startEdge(t, cfg)
	got := originated(t, b.originate(routing.WritesFor, alice, maskOfBob, "x"))
	if got.Fate != routing.FateTemporary || got.Verdict != routing.NoCarrier {
		t.Errorf("%+v", got)
	}
}

func TestOriginateFailsOver(t *testing.T) {
	first, second := newSMSC(t), newSMSC(t)
	cfg := baseConfig()
	cfg.Reports = &heardReports{}
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", first.addr()), carrierAt("bravo", second.addr())}
	b := startEdge(t, cfg)
	alfa, bravo := first.bind(t), second.bind(t)
	b.waitUp(t, "alfa")
	b.waitUp(t, "bravo")
	done := b.originate(routing.WritesFor, alice, maskOfBob, "x")
	alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), pdu.RInvSrcAdr, "")
	bravo.respond(t, bravo.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
	got := originated(t, done)
	want := []routing.Try{{Carrier: "alfa", Status: uint32(pdu.RInvSrcAdr)}, {Carrier: "bravo"}}
	if got.Carrier != "bravo" || len(got.Tried) != 2 || got.Tried[0] != want[0] || got.Tried[1] != want[1] {
		t.Errorf("%+v", got)
	}
}

// TestOriginatedReportMustBeDurable: the carrier keeps a receipt that nobody
// could make durable, and what it sends again is reported once.
func TestOriginatedReportMustBeDurable(t *testing.T) {
	b, heard, _, alfa := writing(t, nil)
	done := b.originate(routing.WritesFor, alice, maskOfBob, "x")
	alfa.respond(t, alfa.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "abc")
	originated(t, done)
	heard.fail(errors.New("the store is away"))
	alfa.send(t, pdu.DeliverSM, receipt("abc", pdu.Undeliverable))
	if f := alfa.mustRead(t); f.Command != pdu.DeliverSMResp || f.Status == pdu.ROK {
		t.Fatalf("answered %v %v", f.Command, f.Status)
	}
	heard.fail(nil)
	for range 2 {
		alfa.send(t, pdu.DeliverSM, receipt("abc", pdu.Undeliverable))
		alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	if reports := heard.all(); len(reports) != 1 || reports[0].State != routing.ReportUndelivered {
		t.Errorf("%+v", reports)
	}
}

// TestOriginatedLateAcceptance: who was told "unknown" hears of an acceptance that
// comes after all, and of its receipt.
func TestOriginatedLateAcceptance(t *testing.T) {
	b, heard, _, alfa := writing(t, func(cfg *Config) { cfg.AnswerWithin = time.Second })
	done := b.originate(routing.WritesFor, alice, maskOfBob, "x")
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if got := originated(t, done); got.Fate != routing.FateUnknown || got.Carrier != "alfa" || len(got.Tried) != 1 || !got.Tried[0].Silent {
		t.Fatalf("%+v", got)
	}
	alfa.respond(t, f, pdu.ROK, "abc")
	alfa.send(t, pdu.DeliverSM, receipt("abc", pdu.Delivered))
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
	reports := heard.all()
	if len(reports) != 2 || reports[0].State != routing.ReportSubmitted || reports[1].State != routing.ReportDelivered {
		t.Errorf("%+v", reports)
	}
}

// TestOriginatedIsRestored: a receipt finds its message after a restart.
func TestOriginatedIsRestored(t *testing.T) {
	heard := &heardReports{}
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Reports = heard
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	b := startEdgeWith(t, cfg, &memoryJournal{sent: []Submission{{
		Carrier: "alfa", RemoteID: "abc", LocalID: 4711, Account: ownName, Wants: pdu.RegisteredBoth, At: time.Now(),
	}}})
	t.Cleanup(s.stop)
	alfa := s.bind(t)
	b.waitUp(t, "alfa")
	alfa.send(t, pdu.DeliverSM, receipt("abc", pdu.Expired))
	alfa.expect(t, pdu.DeliverSMResp, pdu.ROK)
	if reports := heard.all(); len(reports) != 1 || reports[0].ID != 4711 || reports[0].State != routing.ReportExpired {
		t.Errorf("%+v", reports)
	}
}
