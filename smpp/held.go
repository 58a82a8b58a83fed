package smpp

import (
	"sync"
	"time"

	"maskline/smpp/pdu"
)

// heldReceipts are the receipts that wait for one account. They are durable
// already; here is their order.
type heldReceipts struct {
	edge *Edge

	mu       sync.Mutex
	list     []HeldReceipt // oldest first
	reserved int           // being made durable
	sending  int           // taken out and on their way
	notUntil int64         // a refused one rests
}

const (
	maxHeld     = 100_000         // of one account
	heldSending = 16              // on their way at a time
	heldRetry   = 5 * time.Second // after one could not be delivered
)

// reserve claims room for one more.
func (h *heldReceipts) reserve() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.list)+h.reserved+h.sending >= maxHeld {
		return false
	}
	h.reserved++
	return true
}

func (h *heldReceipts) unreserve() {
	h.mu.Lock()
	h.reserved--
	h.mu.Unlock()
}

// add takes in a receipt that is durable now.
func (h *heldReceipts) add(r HeldReceipt) {
	h.mu.Lock()
	h.reserved--
	h.list = append(h.list, r)
	h.mu.Unlock()
}

// restore takes in a receipt that the journal kept.
func (h *heldReceipts) restore(r HeldReceipt) {
	h.mu.Lock()
	h.list = append(h.list, r)
	h.mu.Unlock()
}

// next takes out the oldest one, if one may be sent now.
func (h *heldReceipts) next(at int64) (HeldReceipt, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.list) == 0 || h.sending >= heldSending || at < h.notUntil {
		return HeldReceipt{}, false
	}
	r := h.list[0]
	h.list = h.list[1:]
	h.sending++
	return r, true
}

// giveBack returns one that could not be delivered to its place in the order;
// none is sent before the instant until.
func (h *heldReceipts) giveBack(r HeldReceipt, until int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sending--
	h.notUntil = until
	i := 0
	for i < len(h.list) && h.list[i].ID < r.ID {
		i++
	}
	h.list = append(h.list, HeldReceipt{})
	copy(h.list[i+1:], h.list[i:])
	h.list[i] = r
}

// settled ends one that was delivered or refused.
func (h *heldReceipts) settled() {
	h.mu.Lock()
	h.sending--
	h.mu.Unlock()
}

// wake lets them be sent at once: the account has bound.
func (h *heldReceipts) wake() {
	h.mu.Lock()
	h.notUntil = 0
	h.mu.Unlock()
}

// expire takes out those that have waited since before the given time.
func (h *heldReceipts) expire(before time.Time) (gone []uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.list) > 0 && h.list[0].Held.Before(before) {
		gone = append(gone, h.list[0].ID)
		h.list = h.list[1:]
	}
	return gone
}

func (h *heldReceipts) length() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.list) + h.sending + h.reserved
}

// pump sends what waits while the account takes it. No lock is held. While the
// edge drains it waits for the next start: it could keep on coming until the
// time is over.
func (a *account) pump(t *turn) {
	e := a.held.edge
	for !e.draining.Load() && !a.destination.binds.Load().empty() {
		r, ok := a.held.next(t.at)
		if !ok {
			return
		}
		m := e.messages.get()
		m.receipt = &receiptJob{account: a, held: r, durable: true}
		m.answerBy = t.at + int64(e.cfg.AnswerWithin)
		m.fillReceipt()
		m.to = a.peer
		if !a.destination.offer(t, m, true) {
			e.messages.put(m)
			a.held.giveBack(r, t.at+int64(heldRetry))
			return
		}
	}
}

// receiptOf is the receipt as its text and TLVs say it.
func receiptOf(h *HeldReceipt, id []byte) pdu.Receipt {
	return pdu.Receipt{
		MessageID: appendID(id, h.LocalID), State: h.State,
		NetworkType: h.NetworkType, ErrorCode: h.ErrorCode, ErrorWord: []byte(h.ErrorWord), Done: h.Done,
	}
}
