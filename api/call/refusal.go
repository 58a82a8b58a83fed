package call

import (
	"maskline/api/problem"
	"maskline/routing"
)

// refusal is why a side cannot be called, nil where it can.
func refusal(v routing.Verdict) *problem.Error {
	switch v {
	case routing.Forward:
		return nil
	case routing.UnknownMask, routing.OutOfSession, routing.Ended:
		return problem.New(problem.SessionClosed)
	case routing.NoCarrier:
		return &problem.Error{Code: problem.CarrierUnavailable, RetryAfter: retryBusy}
	case routing.Loop:
		return problem.New(problem.NumberIsMask)
	case routing.EmergencyRefused:
		return problem.New(problem.EmergencyNumber)
	case routing.ServiceOff:
		return refused("service", "The session carries no calls.")
	case routing.Blocked:
		return refused("blocked", "The operator does not allow this contact.")
	case routing.RuleRefused:
		return refused("rule", "A rule of the operator does not let the call pass.")
	default:
		return refused("not_allowed", "The call may not go this way.")
	}
}

func refused(reason, detail string) *problem.Error {
	return &problem.Error{Code: problem.CapabilityUnavailable, Reason: reason, Detail: detail}
}
