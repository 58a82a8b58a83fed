package ledger

import "time"

// Address is a number or name as a peer wrote it. It prints redacted.
type Address struct {
	TON, NPI byte   // SMPP 3.4 §5.2.5, §5.2.6
	Digits   string // or letters
}

// String shows nothing of the address.
func (Address) String() string { return "…" }

// GoString shows nothing of the address.
func (Address) GoString() string { return "…" }

// MarshalText shows nothing of the address.
func (Address) MarshalText() ([]byte, error) { return []byte("…"), nil }

// Submission is a message that a carrier accepted and whose originator wants a
// receipt. Later notes of the same (Carrier, RemoteID) replace earlier ones.
type Submission struct {
	Carrier     string
	RemoteID    string // the carrier's message id in its normal form
	LocalID     uint64 // our message id
	Account     string // system_id of the originator
	Source      Address
	Destination Address
	Wants       byte // registered_delivery, SMPP 3.4 §5.2.17
	At          time.Time
	Final       bool // its final receipt was passed on
}

// HeldReceipt is a receipt that waits for its originator.
type HeldReceipt struct {
	ID          uint64 // of the receipt itself
	Account     string // system_id of the originator
	LocalID     uint64 // the message that it is about
	Source      Address
	Destination Address
	State       byte // SMPP 3.4 §5.2.28
	NetworkType byte // SMPP 3.4 §5.3.2.31, with ErrorCode
	ErrorCode   uint16
	ErrorWord   string // instead of ErrorCode, at SMSCs that write words
	Submitted   time.Time
	Done        time.Time
	Held        time.Time // since when it waits
}
