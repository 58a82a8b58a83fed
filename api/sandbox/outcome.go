package sandbox

import "maskline/e164"

// Outcome is what becomes of a message to a person of the sandbox.
type Outcome uint8

// The outcomes.
const (
	Delivered      Outcome = iota
	UnknownUser            // the receipt says undelivered
	Absent                 // the receipt says undelivered
	Expired                // the receipt says so
	Rejected               // the receipt says so
	NoReceipt              // it stays submitted
	Second                 // the first carrier cannot, the second takes it
	Silent                 // no carrier answers
	RefusedForGood         // the carrier refuses it
	NoCarrier              // none can take it
	OptedOut               // the person wants no messages
	Blocked                // the operator has blocked the person
	NobodyThere            // the carrier knows no such number
	Busy                   // of calls
	NoAnswer               // of calls
	Declined               // of calls
)

// Magic is the last two digits of a person's number and what they mean.
type Magic struct {
	Digits  string
	Outcome Outcome
	Message string // what becomes of a message, for docs
	Call    string // and of a call
}

// Magics are the digits with a meaning; all others mean Delivered.
func Magics() []Magic {
	return []Magic{
		{"71", UnknownUser, "`undelivered`, `carrier_code` 1: no such subscriber", "404"},
		{"72", Absent, "`undelivered`, `carrier_code` 27: the phone is off", "answered"},
		{"73", Expired, "`expired`", "answered"},
		{"74", Rejected, "`rejected`, `carrier_code` 34: taken for spam", "answered"},
		{"75", NoReceipt, "stays `submitted`: no receipt comes", "answered"},
		{"76", Second, "`delivered`, by the second carrier: two `attempts`", "answered, by the second carrier"},
		{"77", Silent, "202, `unknown`: no carrier answers", "no carrier answers: 503"},
		{"78", RefusedForGood, "409 `capability-unavailable`, `reason` `carrier`: refused for good", "answered"},
		{"79", NoCarrier, "503 `carrier-unavailable`: no carrier can take it", "503, from both carriers"},
		{"80", OptedOut, "409 `opted-out`, always", "answered"},
		{"81", Blocked, "409 `capability-unavailable`, `reason` `blocked`, always", "blocked: 603"},
		{"82", NobodyThere, "409 `capability-unavailable`, `reason` `no_receiver`: the network does not know the number", "404"},
		{"83", Busy, "delivered", "busy: 486"},
		{"84", NoAnswer, "delivered", "rings for three seconds, nobody answers: 480"},
		{"85", Declined, "delivered", "declined: 603"},
	}
}

const magicDigits = 2

// OutcomeOf is what becomes of messages to a number.
func OutcomeOf(n e164.Number) Outcome {
	text := n.Reveal()
	if len(text) < magicDigits {
		return Delivered
	}
	for _, m := range Magics() {
		if text[len(text)-magicDigits:] == m.Digits {
			return m.Outcome
		}
	}
	return Delivered
}
