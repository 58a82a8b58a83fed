package smpp

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// memoryJournal keeps what it is given, and fails when told to.
type memoryJournal struct {
	mu      sync.Mutex
	fault   error
	sent    []Submission
	held    map[uint64]HeldReceipt
	holding sync.WaitGroup
}

func (j *memoryJournal) Sent(s Submission) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sent = append(j.sent, s)
}

func (j *memoryJournal) Hold(r HeldReceipt, done func(error)) {
	j.holding.Go(func() {
		j.mu.Lock()
		err := j.fault
		if err == nil {
			if j.held == nil {
				j.held = map[uint64]HeldReceipt{}
			}
			j.held[r.ID] = r
		}
		j.mu.Unlock()
		done(err)
	})
}

func (j *memoryJournal) Forget(ids ...uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range ids {
		delete(j.held, id)
	}
}

func (j *memoryJournal) Restore(_ context.Context, sent func(Submission), held func(HeldReceipt)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.sent {
		sent(s)
	}
	ids := make([]uint64, 0, len(j.held))
	for id := range j.held {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		held(j.held[id])
	}
	return nil
}

func (j *memoryJournal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.held)
}

// journaled is relayTo with a journal.
func journaled(t *testing.T, j *memoryJournal, change func(*Config)) (b *bench, shop, carrier *wire) {
	t.Helper()
	s := newSMSC(t)
	cfg := baseConfig()
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", s.addr())}
	if change != nil {
		change(&cfg)
	}
	t.Cleanup(j.holding.Wait)
	b = startEdgeWith(t, cfg, j)
	t.Cleanup(s.stop)
	carrier = s.bind(t)
	b.waitUp(t, "alfa")
	return b, bound(t, b.addr, pdu.BindTransceiver, "shop"), carrier
}

// The originator is not bound: the carrier is answered once the receipt is
// durable, and the originator gets all of them in order on its next bind.
func TestReceiptsWaitForTheirOriginator(t *testing.T) {
	j := &memoryJournal{}
	b, shop, carrier := journaled(t, j, nil)
	var ids []string
	for _, remote := range []string{"1", "2", "3"} {
		ids = append(ids, submitFor(t, shop, carrier, pdu.RegisteredBoth, remote))
	}
	shop.conn.Close()
	eventually(t, "the originator is gone", func() bool { return b.account("shop").destination.binds.Load().empty() })
	for _, remote := range []string{"1", "2", "3"} {
		carrier.send(t, pdu.DeliverSM, receipt(remote, pdu.Delivered))
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	if j.count() != 3 {
		t.Fatalf("%d receipts are durable", j.count())
	}
	shop = bound(t, b.addr, pdu.BindTransceiver, "shop")
	for _, id := range ids {
		shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.ROK, "")
	}
	eventually(t, "the journal forgets them", func() bool { return j.count() == 0 })
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Delivered))
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	if b.receipts(t, receiptRepeated) != 1 {
		t.Fatal("a receipt was passed on again")
	}
}

// An originator that cannot take a receipt now gets it later.
func TestReceiptThatIsRefusedForNow(t *testing.T) {
	j := &memoryJournal{}
	b, shop, carrier := journaled(t, j, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "1")
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.RMsgQFul, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.ROK, "")
	eventually(t, "the journal forgets it", func() bool { return j.count() == 0 })
	_ = b
}

func TestReceiptThatIsRefusedForGood(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "1")
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.RxPAppn, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	if b.receipts(t, receiptRefused) != 1 {
		t.Fatal("not counted")
	}
}

// The receipt cannot be made durable: it stays with the carrier, which sends it
// again.
func TestJournalThatFails(t *testing.T) {
	j := &memoryJournal{fault: errors.New("disk full")}
	b, shop, carrier := journaled(t, j, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "1")
	shop.conn.Close()
	eventually(t, "the originator is gone", func() bool { return b.account("shop").destination.binds.Load().empty() })
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Delivered))
	carrier.expect(t, pdu.DeliverSMResp, pdu.RxTAppn)
	shop = bound(t, b.addr, pdu.BindTransceiver, "shop")
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, id, pdu.Delivered), pdu.ROK, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
}

func TestReceiptsExpire(t *testing.T) {
	j := &memoryJournal{}
	b, shop, carrier := journaled(t, j, func(c *Config) { c.ReceiptsHold = 50 * time.Millisecond })
	submitFor(t, shop, carrier, pdu.RegisteredBoth, "1")
	shop.conn.Close()
	eventually(t, "the originator is gone", func() bool { return b.account("shop").destination.binds.Load().empty() })
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Delivered))
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	eventually(t, "it is dropped", func() bool { return b.receipts(t, receiptExpired) == 1 && j.count() == 0 })
}

// After a restart receipts are still joined, those held still go out, and a
// final one is not passed on twice.
func TestRestart(t *testing.T) {
	j := &memoryJournal{}
	b, shop, carrier := journaled(t, j, nil)
	first := submitFor(t, shop, carrier, pdu.RegisteredBoth, "1")
	second := submitFor(t, shop, carrier, pdu.RegisteredBoth, "2")
	third := submitFor(t, shop, carrier, pdu.RegisteredBoth, "3")
	carrier.send(t, pdu.DeliverSM, receipt("3", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, third, pdu.Delivered), pdu.ROK, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	shop.conn.Close()
	eventually(t, "the originator is gone", func() bool { return b.account("shop").destination.binds.Load().empty() })
	carrier.send(t, pdu.DeliverSM, receipt("1", pdu.Expired))
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	carrier.conn.Close()
	b.stop()

	b, shop, carrier = journaled(t, j, nil)
	shop.respond(t, expectReceipt(t, shop, first, pdu.Expired), pdu.ROK, "")
	carrier.send(t, pdu.DeliverSM, receipt("2", pdu.Delivered))
	shop.respond(t, expectReceipt(t, shop, second, pdu.Delivered), pdu.ROK, "")
	carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	for _, remote := range []string{"1", "3"} {
		carrier.send(t, pdu.DeliverSM, receipt(remote, pdu.Delivered))
		carrier.expect(t, pdu.DeliverSMResp, pdu.ROK)
	}
	if b.receipts(t, receiptRepeated) != 2 {
		t.Fatal("a receipt was passed on again")
	}
	if fourth := submitFor(t, shop, carrier, pdu.RegisteredBoth, "4"); fourth == first || fourth == second || fourth == third {
		t.Fatal("a message id was given twice")
	}
}

func TestSubmissionsInTheJournal(t *testing.T) {
	j := &memoryJournal{}
	_, shop, carrier := journaled(t, j, nil)
	id := submitFor(t, shop, carrier, pdu.RegisteredBoth, "00AB")
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.sent) != 1 {
		t.Fatalf("%d submissions", len(j.sent))
	}
	s := j.sent[0]
	if s.Carrier != "alfa" || s.Account != "shop" || s.RemoteID != "ab" || string(appendID(nil, s.LocalID)) != id ||
		s.Source.Digits != alice || s.Destination.Digits != "+"+maskOfBob || s.Wants != pdu.RegisteredBoth || s.Final {
		t.Fatal("the submission differs")
	}
}

func TestHeldKeepTheirOrder(t *testing.T) {
	h := &heldReceipts{}
	for id := range uint64(5) {
		if !h.reserve() {
			t.Fatal("no room")
		}
		h.add(HeldReceipt{ID: id + 1})
	}
	one, _ := h.next(0)
	two, _ := h.next(0)
	h.giveBack(two, 0)
	h.giveBack(one, 0)
	for want := range uint64(5) {
		r, ok := h.next(0)
		if !ok || r.ID != want+1 {
			t.Fatalf("got %d, want %d", r.ID, want+1)
		}
		h.settled()
	}
	if h.length() != 0 {
		t.Fatalf("%d are left", h.length())
	}
}

func TestHeldRest(t *testing.T) {
	h := &heldReceipts{}
	h.restore(HeldReceipt{ID: 1})
	r, _ := h.next(0)
	h.giveBack(r, 100)
	if _, ok := h.next(99); ok {
		t.Fatal("it did not rest")
	}
	h.wake()
	if _, ok := h.next(99); !ok {
		t.Fatal("a new bind did not wake it")
	}
}

func TestHeldAreBounded(t *testing.T) {
	h := &heldReceipts{}
	for range maxHeld {
		if !h.reserve() {
			t.Fatal("refused too early")
		}
	}
	if h.reserve() {
		t.Fatal("no bound")
	}
	h.unreserve()
	if !h.reserve() {
		t.Fatal("room was not given back")
	}
	for range heldSending {
		h.restore(HeldReceipt{})
		h.next(0)
	}
	h.restore(HeldReceipt{})
	if _, ok := h.next(0); ok {
		t.Fatal("too many on their way")
	}
}
