package sip

import "bytes"

// onUndeliverable learns from the start of a datagram of ours, quoted by ICMP,
// which request could not be delivered. Our branch in it is proof enough: nobody
// else can make one.
func (e *Edge) onUndeliverable(quoted []byte) {
	if bytes.HasPrefix(quoted, []byte("SIP/")) {
		return // a response; its request will be repeated
	}
	_, rest, ok := bytes.Cut(quoted, []byte(";branch="))
	if !ok || len(rest) < len(magic)+tokenLetter {
		return
	}
	branch := string(rest[:len(magic)+tokenLetter])
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
	}
}
