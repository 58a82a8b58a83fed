package routing

import (
	"time"

	"maskline/e164"
)

// Messenger takes text messages that one protocol hands to the other: smpp those
// that SIP peers send to masks, sip those whose end is a SIP peer. Both have one
// and are one; they never meet otherwise.
type Messenger interface {
	// Deliver takes a message on. done is called once, by Message.AnswerBy, from any
	// goroutine and perhaps before Deliver returns; it holds no lock of the caller's
	// and does not wait. The message is not kept.
	Deliver(m *Message, done func(Delivery))
}

// Message is a text message that crosses.
type Message struct {
	// Into the way of SMS: who brings it, the dialled string as it came, what both
	// numbers are.
	Origin  *Origin
	Dialled string
	To      e164.Number // none where Dialled is no E.164 number

	// To a SIP peer: Endpoint.Name of a ToPeer.
	Peer string

	From     e164.Number // the sender, or who is presented; none where withheld
	Text     []byte      // UTF-8
	AnswerBy time.Time

	// Late is called once after a FateUnknown, like done: with what the receiver said
	// after all, or FateUnknown where it is not waited for any more. Nil: nobody asks.
	Late func(Delivery)
}

// Fate is what became of a Message.
type Fate uint8

// The fates.
const (
	FateDelivered  Fate = iota // accepted downstream, or by a rule that keeps it
	FateRefused                // for good
	FateNoReceiver             // for good: its receiver is unknown downstream
	FateTooLong                // for good
	FateTemporary              // nobody could take it now
	FateUnknown                // handed on and not answered
	fates
)

var fateNames = [fates]string{"delivered", "refused", "no_receiver", "too_long", "temporary", "unknown"}

// String is the name used in metrics and docs.
func (f Fate) String() string {
	if f < fates {
		return fateNames[f]
	}
	return "invalid"
}

// Fates lists all of them, for tables that must be complete.
func Fates() []Fate {
	all := make([]Fate, fates)
	for i := range all {
		all[i] = Fate(i)
	}
	return all
}

// Delivery is a fate and its reason.
type Delivery struct {
	Fate    Fate
	Verdict Verdict // why routing refused it; Forward where another did
	Answer  Answer  // what the policy says to answer then
}
