package sip

import "maskline/routing"

// refusal is an answer of our own to an INVITE.
type refusal struct {
	code  int
	cause int    // Q.850
	why   string // in logs and metrics
}

// Q.850 causes that we say.
const (
	causeUnallocated = 1  // no such number
	causeNormal      = 16 // cleared
	causeNoAnswer    = 19
	causeAbsent      = 20
	causeRejected    = 21
	causeNoCircuit   = 34
	causeTemporary   = 41
	causeCongestion  = 42
	causeTimer       = 102
)

const defaultUnknownCode = 404

// refusalFor maps a verdict to the answer. Only what the caller's own network
// may repair by another route is a 5xx: an upstream takes the whole trunk out of
// use after a 503.
func refusalFor(v routing.Verdict, policy routing.Answer) refusal {
	r := refusal{why: v.String()}
	switch v {
	case routing.UnknownMask, routing.OutOfSession, routing.Ended:
		r.code, r.cause = policy.Code, causeUnallocated
		if r.code < 400 || r.code > 699 || r.code == 410 {
			r.code = defaultUnknownCode // 410 would mean that the number changed
		}
		if r.code != defaultUnknownCode {
			r.cause = causeRejected
		}
	case routing.ServiceOff:
		r.code, r.cause = 480, causeRejected
	case routing.NotAllowed, routing.EmergencyRefused:
		// Final, so that an emergency call is not held up by hunting here: the PBX
		// or the caller turns to a line that can carry it.
		r.code, r.cause = 403, causeRejected
	case routing.Loop:
		r.code = 482
	case routing.Blocked, routing.RuleRefused, routing.OptedOut, routing.OptOut, routing.OptIn, routing.Help, routing.OptOutFull: // the last five are of messages alone
		r.code, r.cause = 603, causeRejected
	case routing.FirstContact, routing.SpendLimit:
		r.code, r.cause = 480, causeTemporary
	case routing.NoCarrier:
		r.code, r.cause = 503, causeNoCircuit
	default: // Forward is no refusal; a verdict that is new to us is answered as a fault of ours
		r.code, r.cause = 500, causeTemporary
	}
	return r
}
