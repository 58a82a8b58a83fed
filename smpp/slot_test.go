package smpp

import (
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/e164"
	"maskline/numberdb" //nolint:depguard // tests make the table that routing reads
	"maskline/routing"
	"maskline/smpp/pdu"
)

const (
	maskLease = "441110000006" // public, of a session whose owner is bob
	slotOfBob = "441110000007"
)

// fakeSlots are slots that a test opens when it likes.
type fakeSlots struct {
	table *numberdb.Table

	mu   sync.Mutex
	wait []func(opened bool)
}

func (f *fakeSlots) Open(_ numberdb.ID, _, _ e164.Number, _ time.Time, done func(bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wait = append(f.wait, done)
}

// Answers is true: every owner has a number.
func (f *fakeSlots) Answers(numberdb.ID) bool { return true }

func (f *fakeSlots) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.wait)
}

// answer tells all that wait.
func (f *fakeSlots) answer(opened bool) {
	f.mu.Lock()
	wait := f.wait
	f.wait = nil
	f.mu.Unlock()
	for _, done := range wait {
		done(opened)
	}
}

// open makes alice known to bob.
func (f *fakeSlots) open() {
	f.table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: e164.MustParse(maskLease), Party: e164.MustParse(alice), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: e164.MustParse(bob)},
		Present: e164.MustParse(slotOfBob), Services: numberdb.SMS, Session: 7,
	}}})
}

func withSlots(t *testing.T, change func(*Config)) (b *bench, slots *fakeSlots, shop, alfa *wire) {
	t.Helper()
	table := testTable()
	table.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: e164.MustParse(maskLease), To: numberdb.Endpoint{Kind: numberdb.Tel, Number: e164.MustParse(bob)},
		Present: e164.MustParse(maskLease), Services: numberdb.SMS, Session: 7,
	}}})
	slots = &fakeSlots{table: table}
	router, err := routing.New(table, routing.Config{
		Slots: slots, Carriers: []routing.CarrierConfig{{Name: "alfa", Services: routing.SMS}},
	}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	if change != nil {
		change(&cfg)
	}
	b = startEdgeRouted(t, cfg, Volatile{}, router)
	t.Cleanup(s.stop)
	alfa = s.bind(t)
	b.waitUp(t, "alfa")
	return b, slots, bound(t, b.addr, pdu.BindTransceiver, "shop"), alfa
}

// A first message waits for its slot, and holds nobody else up.
func TestAFirstMessageWaitsForItsSlot(t *testing.T) {
	_, slots, shop, alfa := withSlots(t, nil)
	first := shop.send(t, pdu.SubmitSM, text(alice, maskLease, "first"))
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	// The buffer that it came in is used again by those after it.
	for _, line := range []string{"other one", "other two"} {
		shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, line))
		f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
		if m := f.message(t); string(m.ShortMessage) != line {
			t.Fatal("another message was sent")
		}
		alfa.respond(t, f, pdu.ROK, "1")
		shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	}
	slots.open()
	slots.answer(true)
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	m := f.message(t)
	if string(m.Source.Digits) != slotOfBob || string(m.Destination.Digits) != bob || string(m.ShortMessage) != "first" {
		t.Error("the first message does not come from the slot as it was")
	}
	alfa.respond(t, f, pdu.ROK, "2")
	if resp := shop.expect(t, pdu.SubmitSMResp, pdu.ROK); resp.Sequence != first {
		t.Error("another request is answered")
	}
	// The next one does not wait.
	shop.send(t, pdu.SubmitSM, text(alice, maskLease, "second"))
	f = alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	alfa.respond(t, f, pdu.ROK, "3")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	if n := slots.waiting(); n != 0 {
		t.Errorf("%d wait for a slot again", n)
	}
}

func TestNoSlotIsTemporary(t *testing.T) {
	_, slots, shop, _ := withSlots(t, nil)
	for _, opened := range []bool{false, true} { // at first not opened, then opened and not there
		shop.send(t, pdu.SubmitSM, text(alice, maskLease, "x"))
		eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
		slots.answer(opened)
		shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
		if n := slots.waiting(); n != 0 {
			t.Fatalf("opened %v: it asks again and again", opened)
		}
	}
}

// A sender who has become known otherwise needs no slot.
func TestARefusedSlotThatIsThereNow(t *testing.T) {
	_, slots, shop, alfa := withSlots(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskLease, "x"))
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	slots.open()
	slots.answer(false)
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if m := f.message(t); string(m.Source.Digits) != slotOfBob {
		t.Error("it does not come from the slot")
	}
	alfa.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

// Whoever has gone meanwhile sends its message again.
func TestASlotForAnUpstreamThatHasGone(t *testing.T) {
	b, slots, shop, alfa := withSlots(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskLease, "x"))
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	shop.conn.Close()
	eventually(t, "the account has gone", func() bool { return len(b.Binds()) == 1 })
	slots.open()
	slots.answer(true)
	other := bound(t, b.addr, pdu.BindTransceiver, "shop")
	other.send(t, pdu.SubmitSM, text(alice, maskOfBob, "y"))
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if m := f.message(t); string(m.ShortMessage) != "y" {
		t.Error("a message that its upstream still has was sent")
	}
	alfa.respond(t, f, pdu.ROK, "1")
	other.expect(t, pdu.SubmitSMResp, pdu.ROK)
}

// A message of a SIP peer takes the same way.
func TestSIPMessageWaitsForItsSlot(t *testing.T) {
	b, slots, _, alfa := withSlots(t, func(cfg *Config) { cfg.Messenger = &fakeSIP{} })
	done := b.deliver(alice, maskLease, "hello")
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	slots.open()
	slots.answer(true)
	f := alfa.expect(t, pdu.SubmitSM, pdu.ROK)
	if m := f.message(t); string(m.Source.Digits) != slotOfBob || string(m.ShortMessage) != "hello" {
		t.Error("the message does not come from the slot as it was")
	}
	alfa.respond(t, f, pdu.ROK, "1")
	if d := answerOf(t, done); d.Fate != routing.FateDelivered {
		t.Errorf("%v", d.Fate)
	}
	done = b.deliver(carol, maskLease, "hello")
	eventually(t, "it waits", func() bool { return slots.waiting() == 1 })
	slots.answer(false)
	if d := answerOf(t, done); d.Fate != routing.FateTemporary {
		t.Errorf("without a slot: %v", d.Fate)
	}
}
