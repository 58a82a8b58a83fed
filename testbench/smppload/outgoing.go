package smppload

import (
	"time"

	"maskline/smpp/pdu"
)

// outgoing is the receipts that a receiving bind has to send. One that was not
// acknowledged is sent again, over another bind where its own has ended.
type outgoing struct {
	queue []owed
	slots []owed // sent and not answered; a receipt's sequence number is its slot, plus one
	free  []uint32
	body  pdu.Receipt
	text  []byte
	from  [20]byte
	to    [20]byte
	tlvs  pdu.TLVs
	id    []byte
}

// owed is one receipt.
type owed struct {
	message    uint32
	generation uint64 // of the connection that gave the id
	id         uint64
}

func (o *outgoing) owe(r owed) { o.queue = append(o.queue, r) }

// sendReceipts sends as many receipts as the window allows.
func (l *link) sendReceipts() {
	o := &l.sink.outgoing
	if !l.bench.cfg.Receipts || l.side.sends || l.cut != nil {
		return
	}
	if o.slots == nil {
		o.slots = make([]owed, l.bench.cfg.Window)
		for i := range o.slots {
			o.free = append(o.free, uint32(i))
		}
	}
	o.queue = l.side.adopt(o.queue)
	sent := 0
	for ; sent < len(o.queue) && len(o.free) > 0; sent++ {
		slot := o.free[len(o.free)-1]
		o.free = o.free[:len(o.free)-1]
		o.slots[slot] = o.queue[sent]
		l.appendReceipt(&o.slots[slot], slot+1)
	}
	o.queue = append(o.queue[:0], o.queue[sent:]...)
}

func (l *link) appendReceipt(r *owed, sequence uint32) {
	o, b := &l.sink.outgoing, l.bench
	o.id = appendID(o.id[:0], b.tagger.run[:], r.generation, r.id)
	now := time.Now()
	o.body = pdu.Receipt{MessageID: o.id, State: pdu.Delivered, Done: now}
	o.text = o.body.AppendText(o.text[:0], now)
	o.tlvs = o.body.AppendTLVs(o.tlvs[:0])
	g := b.cfg.Plan.of(uint64(r.message) / uint64(b.cfg.Parts))
	from, to := g.to, g.present
	if b.cfg.Unmasked {
		from, to = g.mask, g.party
	}
	m := pdu.Message{
		Source:      pdu.Address{TON: 1, NPI: 1, Digits: appendNumber(o.from[:0], from)},
		Destination: pdu.Address{TON: 1, NPI: 1, Digits: appendNumber(o.to[:0], to)},
		ESMClass:    o.body.ESMClass(), ShortMessage: o.text, TLVs: o.tlvs,
	}
	var err error
	if l.out, err = m.Append(l.out, pdu.DeliverSM, sequence); err != nil {
		l.cut = err // our own receipt fits no PDU: nothing can be sent
	}
}

// receiptAnswered takes the response to a receipt of ours.
func (l *link) receiptAnswered(h pdu.Header) {
	o := &l.sink.outgoing
	slot := h.Sequence - 1
	if slot >= uint32(len(o.slots)) || o.slots[slot].generation == 0 {
		return
	}
	if answerOf(h) == answeredTemporary {
		o.queue = append(o.queue, o.slots[slot])
	} else {
		l.count.receiptsSent++
	}
	o.slots[slot] = owed{}
	o.free = append(o.free, slot)
}

// orphan hands the receipts that an ended bind has to send to its end.
func (s *side) orphan(k *sink) {
	left := k.outgoing.queue
	for _, r := range k.outgoing.slots {
		if r.generation != 0 {
			left = append(left, r)
		}
	}
	s.mu.Lock()
	s.orphans = append(s.orphans, left...)
	s.orphaned.Store(len(s.orphans) > 0)
	s.mu.Unlock()
}

// adopt appends the receipts of ended binds.
func (s *side) adopt(queue []owed) []owed {
	if !s.orphaned.Load() {
		return queue
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	queue = append(queue, s.orphans...)
	s.orphans = nil
	s.orphaned.Store(false)
	return queue
}
