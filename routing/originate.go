package routing

import (
	"time"

	"maskline/e164"
)

// Originator sends messages that the edge itself writes, through carriers like
// those that peers bring. *smpp.Edge is one.
type Originator interface {
	// Originate takes a message on. done is called once, by Origination.AnswerBy, from
	// any goroutine and perhaps before Originate returns; it holds no lock of the
	// caller's and must not wait. The message is not kept.
	Originate(m *Origination, done func(Originated))
}

// Origination is a message that the edge writes.
type Origination struct {
	ID       uint64  // the writer's own, by which Reports hears of it again
	Origin   *Origin // Origin.Writes is set
	From     e164.Number
	To       e164.Number // for WritesFor the mask that From dials, for WritesOwn the party
	Text     []byte      // UTF-8
	AnswerBy time.Time
}

// Originated is what became of an Origination by its deadline.
type Originated struct {
	Fate     Fate
	Verdict  Verdict // why routing refused it; Forward where another did
	Answer   Answer
	Carrier  string // that has it, or may have it; empty: none, or no carrier takes part
	Segments int    // that it takes on the air
	Final    bool   // it was delivered: there is nobody to send a receipt
	Tried    []Try  // attempts that a carrier has answered, or not in time
}

// Try is one attempt to hand a message on.
type Try struct {
	Carrier string
	Status  uint32 // command_status; 0 is an acceptance
	Silent  bool   // it was not answered in time
}

// ReportState is what a report tells of a message.
type ReportState uint8

// The states of reports.
const (
	ReportSubmitted ReportState = iota // accepted after its writer was told that this is unknown
	ReportDelivered                    // the last four are final
	ReportUndelivered
	ReportExpired
	ReportRejected
	ReportUnknown // the network has no more to say
)

// Report is news of a message that was handed on.
type Report struct {
	ID      uint64 // of its Origination
	State   ReportState
	Carrier string
	Code    uint16 // the network's error code; 0: none
	At      time.Time
	Only    bool // nobody would send it again
}

// Reports hears what becomes of originated messages after they were handed on.
type Reports interface {
	// Report takes a report in. done is called once, from any goroutine and perhaps
	// before Report returns: with nil when it is durable, else with the reason why it
	// is not; its carrier is asked to send it again then.
	Report(r Report, done func(error))
}
