package smppsim

import (
	"bytes"
	"context"
	"sync"
	"time"

	"maskline/smpp/pdu"
)

// courier brings an SMSC's receipts to the edge, one after the other. As at a
// carrier, one that was not acknowledged is brought again, over another bind
// where its own has ended.
type courier struct {
	smsc *SMSC
	ctx  context.Context
	stop context.CancelFunc
	work chan struct{}

	mu   sync.Mutex
	held bool
	owed []receipt
}

type receipt struct {
	source, destination pdu.Address
	id                  string
	done                time.Time
}

const (
	receiptWithin = 10 * time.Second
	receiptAgain  = 100 * time.Millisecond
)

func (c *courier) start(s *SMSC) {
	c.smsc, c.work = s, make(chan struct{}, 1)
	c.ctx, c.stop = context.WithCancel(context.Background())
}

// HoldReceipts keeps receipts back, or brings those that were kept.
func (s *SMSC) HoldReceipts(hold bool) {
	s.receipts.mu.Lock()
	s.receipts.held = hold
	s.receipts.mu.Unlock()
	s.receipts.wake()
}

// ReceiptsOwed is how many receipts the edge has not acknowledged.
func (s *SMSC) ReceiptsOwed() int {
	s.receipts.mu.Lock()
	defer s.receipts.mu.Unlock()
	return len(s.receipts.owed)
}

func (c *courier) add(m *pdu.Message, id string) {
	r := receipt{id: id, done: time.Now(), source: m.Destination, destination: m.Source}
	r.source.Digits, r.destination.Digits = bytes.Clone(r.source.Digits), bytes.Clone(r.destination.Digits)
	c.mu.Lock()
	c.owed = append(c.owed, r)
	c.mu.Unlock()
	c.wake()
}

func (c *courier) wake() {
	select {
	case c.work <- struct{}{}:
	default:
	}
}

func (c *courier) run() {
	for {
		if r, ok := c.first(); ok {
			if c.bring(r) {
				c.mu.Lock()
				c.owed = c.owed[1:]
				c.mu.Unlock()
				continue
			}
			select {
			case <-c.ctx.Done():
				return
			case <-time.After(receiptAgain):
				continue
			}
		}
		select {
		case <-c.ctx.Done():
			return
		case <-c.work:
		}
	}
}

func (c *courier) first() (receipt, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held || len(c.owed) == 0 || c.ctx.Err() != nil {
		return receipt{}, false
	}
	return c.owed[0], true
}

// bring reports whether the edge has acknowledged the receipt.
func (c *courier) bring(r receipt) bool {
	l := c.smsc.link()
	if l == nil {
		return false
	}
	return l.receipt(c.ctx, &r, pdu.Receipt{State: pdu.Delivered})
}
