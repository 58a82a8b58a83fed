package pdu

// State is a message_state. SMPP 3.4 §5.2.28
type State byte

// The states. 0, 8 and 9 were named or added by SMPP 5.0 §4.7.15.
const (
	Scheduled State = iota
	Enroute
	Delivered
	Expired
	Deleted
	Undeliverable
	Accepted
	Unknown
	Rejected
	Skipped
	stateCount
)

// Final reports whether the state is the last one of a message.
func (s State) Final() bool {
	switch s {
	case Delivered, Expired, Deleted, Undeliverable, Unknown, Rejected, Skipped:
		return true
	default:
		return false
	}
}

// stateWord is the state in the text of a receipt. SMPP 3.4 Appendix B
func stateWord(s State) string {
	switch s {
	case Scheduled:
		return "SCHEDLD"
	case Enroute:
		return "ENROUTE"
	case Delivered:
		return "DELIVRD"
	case Expired:
		return "EXPIRED"
	case Deleted:
		return "DELETED"
	case Undeliverable:
		return "UNDELIV"
	case Accepted:
		return "ACCEPTD"
	case Rejected:
		return "REJECTD"
	case Skipped:
		return "SKIPPED"
	default:
		return "UNKNOWN"
	}
}

// String is the word in a receipt's text.
func (s State) String() string { return stateWord(s) }

// ParseState reads the state in a receipt's text; what it does not know is
// Unknown. It compares the first five letters, in which all states differ:
// SMSCs write DELIVRD and DELIVERED, UNDELIV and UNDELIVERABLE. Some write the
// number of the state.
func ParseState(word []byte) State {
	const letters = 5
	if len(word) == 1 && word[0] >= '0' && word[0] < '0'+byte(stateCount) {
		return State(word[0] - '0')
	}
	for s := range stateCount {
		if len(word) >= letters && equalFold(word[:letters], stateWord(s)[:letters]) {
			return s
		}
	}
	return Unknown
}

// equalFold compares ASCII without regard to case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
