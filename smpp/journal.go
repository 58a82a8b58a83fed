package smpp

import (
	"context"
	"time"

	"maskline/smpp/pdu"
)

// Journal keeps what must outlive the process: which accepted messages await
// receipts, and receipts that wait for their originator. No method is called
// with a lock held, and none may call back into the Edge but through done.
type Journal interface {
	// Sent notes a submission, or that its final receipt was passed on. It never
	// blocks and is written behind: a crash may lose the latest ones.
	Sent(Submission)
	// Hold makes a receipt durable. done is called once, from any goroutine, with
	// nil when it is durable or the reason why it is not.
	Hold(r HeldReceipt, done func(error))
	// Forget drops held receipts that were delivered or have expired.
	Forget(ids ...uint64)
	// Restore hands over everything kept, submissions oldest first, receipts in
	// the order in which they were held.
	Restore(ctx context.Context, sent func(Submission), held func(HeldReceipt)) error
}

// Address is a number or name as the originator wrote it. It prints redacted.
type Address struct {
	TON, NPI byte
	Digits   string
}

// String shows nothing of the address.
func (Address) String() string { return "…" }

// GoString shows nothing of the address.
func (Address) GoString() string { return "…" }

// MarshalText shows nothing of the address.
func (Address) MarshalText() ([]byte, error) { return []byte("…"), nil }

// Submission is an accepted message whose originator wants a receipt.
// (Carrier, RemoteID) is its key; a later one with the same key replaces it.
type Submission struct {
	Carrier     string
	RemoteID    string // the carrier's message id in its normal form
	LocalID     uint64 // our message id
	Account     string // system_id of the originator
	Source      Address
	Destination Address
	Wants       byte // the originator's registered_delivery
	At          time.Time
	Final       bool // its final receipt was passed on
}

// HeldReceipt is a receipt that waits for its originator to bind.
type HeldReceipt struct {
	ID          uint64 // of the receipt itself
	Account     string
	LocalID     uint64  // the message that it is about
	Source      Address // the sender of the receipt: whom the message went to
	Destination Address // the originator's own address
	State       pdu.State
	NetworkType byte
	ErrorCode   uint16
	ErrorWord   string // instead of ErrorCode, at SMSCs that write words
	Submitted   time.Time
	Done        time.Time
	Held        time.Time // since when it waits
}

// Volatile is a Journal without memory, for demonstrations and tests: receipts
// wait in the process only, and nothing is restored.
type Volatile struct{}

// Sent keeps nothing.
func (Volatile) Sent(Submission) {}

// Hold calls done at once.
func (Volatile) Hold(_ HeldReceipt, done func(error)) { done(nil) }

// Forget has nothing to forget.
func (Volatile) Forget(...uint64) {}

// Restore has nothing to hand over.
func (Volatile) Restore(context.Context, func(Submission), func(HeldReceipt)) error { return nil }
