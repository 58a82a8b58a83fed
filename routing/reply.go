package routing

import "maskline/e164"

// Replier sends parties what they are answered for their words.
type Replier interface {
	// Reply takes an answer in. It never waits.
	Reply(r Reply)
}

// Reply answers an opt-out word, the word that takes it back, or a call for help.
type Reply struct {
	Tenant  string
	Carrier string      // by which the word came
	Mask    e164.Number // that the party wrote to
	Party   e164.Number
	Word    Verdict // OptOut, OptIn or Help
	Text    string
}

// OptOutReply are the texts for parties of a calling code. An empty text: none is sent.
type OptOutReply struct {
	Code              string // empty: for those of no other
	Stop, Start, Help string
}

// reply is the text for a party's word; empty: none is sent.
func (v *vocabulary) reply(word Verdict, party e164.Number) string {
	best := -1
	for i := range v.replies {
		code := v.replies[i].Code
		if (code == "" || party.HasPrefix(code)) && (best < 0 || len(code) > len(v.replies[best].Code)) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	switch r := &v.replies[best]; word {
	case OptOut:
		return r.Stop
	case OptIn:
		return r.Start
	default:
		return r.Help
	}
}

// tollFree reports whether a mask is a toll-free number of North America: carriers
// answer STOP there themselves.
func tollFree(mask e164.Number) bool {
	for _, prefix := range [...]string{"1800", "1833", "1844", "1855", "1866", "1877", "1888"} {
		if mask.HasPrefix(prefix) {
			return true
		}
	}
	return false
}
