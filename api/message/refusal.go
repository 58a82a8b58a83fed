package message

import (
	"time"

	"maskline/api/problem"
	"maskline/numberdb"
	"maskline/routing"
)

// Refusal is why a message was not sent, nil where somebody has it or may have it.
func Refusal(o *routing.Originated) *problem.Error {
	switch o.Fate {
	case routing.FateUnknown:
		return nil
	case routing.FateDelivered:
		if o.Carrier == "" && !o.Final { // acknowledged and thrown away by a rule
			return refused("rule", "A rule of the operator does not let the message pass.")
		}
		return nil
	case routing.FateTooLong:
		return problem.Invalid("body.text", "expected a text that a carrier can take")
	case routing.FateTemporary:
		if o.Verdict == routing.SpendLimit {
			return &problem.Error{Code: problem.QuotaExceeded, Reason: "spend", Detail: "The tenant has spent what it may in a day.", RetryAfter: retrySpending}
		}
		if o.Verdict == routing.Forward || o.Verdict.Temporary() {
			return &problem.Error{Code: problem.CarrierUnavailable, RetryAfter: retryCarrier}
		}
	default:
	}
	switch o.Verdict {
	case routing.UnknownMask, routing.OutOfSession, routing.Ended:
		return problem.New(problem.SessionClosed)
	case routing.OptedOut:
		return problem.New(problem.OptedOut)
	case routing.Loop:
		return problem.New(problem.NumberIsMask)
	case routing.EmergencyRefused:
		return problem.New(problem.EmergencyNumber)
	case routing.ServiceOff:
		return refused("service", "The session carries no messages.")
	case routing.Blocked:
		return refused("blocked", "The operator does not allow this contact.")
	case routing.RuleRefused:
		return refused("rule", "A rule of the operator does not let the message pass.")
	case routing.Forward:
		if o.Fate == routing.FateNoReceiver {
			return refused("no_receiver", "The network does not know the receiver.")
		}
		return refused("carrier", "The carriers refuse the message.")
	default:
		return refused("not_allowed", "The message may not go this way.")
	}
}

// retryCarrier is when to try again after no carrier could take a message.
const retryCarrier = 5 * time.Second

// retrySpending is when to look again at a limit that ends with the day, or is raised.
const retrySpending = 10 * time.Minute

func refused(reason, detail string) *problem.Error {
	return &problem.Error{Code: problem.CapabilityUnavailable, Reason: reason, Detail: detail}
}

// reportOf is what became of a message that was handed on.
func reportOf(o *routing.Originated) numberdb.MessageReport {
	r := numberdb.MessageReport{State: numberdb.MessageSubmitted, Segments: o.Segments, Carrier: o.Carrier}
	switch {
	case o.Fate == routing.FateUnknown:
		r.State = numberdb.MessageUncertain
	case o.Final:
		r.State = numberdb.MessageDelivered
	default:
	}
	for _, try := range o.Tried[max(0, len(o.Tried)-mostTries):] {
		r.Tries = append(r.Tries, numberdb.MessageTry{Carrier: try.Carrier, Status: try.Status, Silent: try.Silent})
	}
	return r
}

// mostTries is how many attempts are told of a message, the last ones.
const mostTries = 32
