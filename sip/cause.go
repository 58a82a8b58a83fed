package sip

// Q.850 causes of records alone.
const (
	causeBusy        = 17
	causeUnanswered  = 18
	causeChanged     = 22
	causeExchange    = 25
	causeIncomplete  = 28
	causeOutOfOrder  = 38
	causeUnavailable = 63
	causeUnsupported = 79
	causeInterwork   = 127
)

// recordCause is the cause in a call's record: the one that was said, else that
// of how an answered call ended, else that of the final code.
func (s *summary) recordCause() int {
	switch {
	case s.cause != 0:
		return s.cause
	case s.answered.IsZero():
		return causeOfCode(s.code)
	}
	switch s.why {
	case "caller", "callee", "max_duration", "drain":
		return causeNormal
	case "no_ack", "session_expired", "media_timeout":
		return causeTimer
	default:
		return causeTemporary
	}
}

// causeOfCode is RFC 3398 §7.2.6.1, where it says one; 487 is a caller who hung up.
func causeOfCode(code int) int {
	switch code {
	case 404, 485, 604:
		return causeUnallocated
	case 487:
		return causeNormal
	case 486, 600:
		return causeBusy
	case 480:
		return causeUnanswered
	case 401, 402, 403, 407, 603:
		return causeRejected
	case 410:
		return causeChanged
	case 482, 483:
		return causeExchange
	case 484:
		return causeIncomplete
	case 502:
		return causeOutOfOrder
	case 405:
		return causeUnavailable
	case 406, 415, 501:
		return causeUnsupported
	case 408, 504:
		return causeTimer
	case 400, 481, 500, 503:
		return causeTemporary
	default:
		return causeInterwork
	}
}
