package sip

import "bytes"

// onUndeliverable learns from the start of a datagram of ours, quoted by ICMP,
// which request could not be delivered. Our branch in it is proof enough: nobody
// else can make one.
func (e *Edge) onUndeliverable(quoted []byte) {
	if branch, isRequest := branchOf(quoted); isRequest {
		e.undelivered(branch)
	}
}

// branchOf is the branch of a request of ours; it is false for a response, whose
// request will be repeated.
func branchOf(data []byte) (string, bool) {
	if bytes.HasPrefix(data, []byte("SIP/")) {
		return "", false
	}
	_, rest, ok := bytes.Cut(data, []byte(";branch="))
	if !ok || len(rest) < len(magic)+tokenLetter {
		return "", false
	}
	return string(rest[:len(magic)+tokenLetter]), true
}

// undelivered tells whose request it was.
func (e *Edge) undelivered(branch string) {
	if k, ok := e.tokens.openBranch(branch, branchToken); ok {
		if a := e.calls.find(k.call); a != nil {
			a.post(evUnreachable{k.leg, k.seq})
		}
		return
	}
	if k, ok := e.tokens.openBranch(branch, probeToken); ok {
		e.probed(k, false)
		return
	}
	if k, ok := e.tokens.openBranch(branch, registerToken); ok {
		e.onRegisterUndeliverable(k)
		return
	}
	if k, ok := e.tokens.openBranch(branch, textToken); ok {
		e.texts.undelivered(k)
	}
}
