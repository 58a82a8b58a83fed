//go:build peers

package edge

import (
	"testing"

	"maskline/smpp/pdu"
	"maskline/testbench/smppsim"
)

// joinable waits until the edge has written down whose receipts it expects:
// it does so behind the answer.
func (b *bed) joinable() {
	b.t.Helper()
	b.eventually("the submission is written", func() bool {
		m := b.metrics()
		return m.Sum("maskline_ledger_sent_total") > 0 && m.Sum("maskline_ledger_sent_buffer_octets") == 0
	})
}

func (b *bed) wantReceipt(shop *smppsim.ESME, id string) {
	b.t.Helper()
	b.eventually("the receipt is there", func() bool { return len(shop.Receipts()) > 0 })
	r := shop.Receipts()[0]
	if r.MessageID != id || r.Source != digits(customer) || r.Destination != digits(shopNumber) || r.State != pdu.Delivered {
		b.t.Fatalf("the receipt is about another message: %v", r.State)
	}
}

func TestBindingsOutliveAKill(t *testing.T) {
	b := newBed(t)
	b.start(settings{})
	b.imports(bindings)
	b.again()
	b.healthy()
	b.stop()
}

// A carrier's receipt comes after the edge was killed and started again: it
// still finds its message.
func TestReceiptIsJoinedAfterAKill(t *testing.T) {
	b := newBed(t)
	b.alfa.smsc.HoldReceipts(true)
	b.start(settings{})
	b.imports(bindings)
	shop := b.bind("shop")
	ids := b.submit(shop, shopNumber, customer, "your order is ready")
	b.joinable()
	b.again()
	shop = b.bind("shop")
	b.alfa.smsc.HoldReceipts(false)
	b.wantReceipt(shop, ids[0])
	b.eventually("the carrier has its answer", func() bool { return b.alfa.smsc.ReceiptsOwed() == 0 })
	b.stop()
}

// A receipt that waits for its account waits through a kill too, once the
// carrier's has been acknowledged.
func TestHeldReceiptOutlivesAKill(t *testing.T) {
	b := newBed(t)
	b.alfa.smsc.HoldReceipts(true)
	b.start(settings{})
	b.imports(bindings)
	shop := b.bind("shop")
	ids := b.submit(shop, shopNumber, customer, "your order is ready")
	shop.Close()
	b.eventually("the account is gone", func() bool { return b.metrics().Sum("maskline_smpp_binds", "peer", "shop") == 0 })
	b.alfa.smsc.HoldReceipts(false)
	b.eventually("the carrier has its answer", func() bool { return b.alfa.smsc.ReceiptsOwed() == 0 })
	b.again()
	b.wantReceipt(b.bind("shop"), ids[0])
	b.eventually("nothing is held any more", func() bool { return b.metrics().Sum("maskline_smpp_receipts_held") == 0 })
	b.stop()
}
