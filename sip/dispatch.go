package sip

import (
	"hash/fnv"
	"net/netip"

	"maskline/sip/message"
)

// onRequest finds whom a request is for. What needs no call is answered here,
// without keeping anything but the verdicts of the moment: the same request gets
// the same answer again. RFC 3261 §8.2.7.
func (e *Edge) onRequest(s *socket, t *trunk, req *message.Request, fault *message.Fault) {
	t.state.metrics.in.request(req.Method)
	if fault != nil {
		e.metrics.faults.WithLabelValues(fault.Name).Inc()
		if fault.Code != 0 && req.Method != message.Ack {
			e.reply(s, t, req, message.Reply{Code: fault.Code, Header: fault.Header})
		}
		return
	}
	if req.ToTag != "" {
		e.inDialog(s, t, req)
		return
	}
	switch req.Method {
	case message.Invite:
		e.onInvite(s, t, req)
	case message.Cancel:
		if a := e.calls.findInvite(e.calls.inviteKey(req)); a != nil {
			a.deliver(evCancel{req})
			return
		}
		e.reply(s, t, req, message.Reply{Code: 481})
	case message.Ack: // of an answer given without a call
	case message.Bye, message.Prack, message.Update, message.Info: // inside a dialog only
		e.reply(s, t, req, message.Reply{Code: 481})
	case message.Options:
		code := 200
		if e.draining.Load() || retirement(t.retired.Load()) == removed {
			code = 503
		}
		e.reply(s, t, req, message.Reply{Code: code, Allow: true, Texts: e.texts != nil, Header: e.accepts()})
	default:
		if req.Method == message.Message && e.texts != nil {
			e.onText(s, t, req)
			return
		}
		e.reply(s, t, req, message.Reply{Code: refuseMethod(req.Method), Allow: true, Texts: e.texts != nil})
	}
}

// inDialog passes a request to the call that our tag names.
func (e *Edge) inDialog(s *socket, t *trunk, req *message.Request) {
	if k, ok := e.tokens.open(req.ToTag, tagToken); ok {
		if a := e.calls.find(k.call); a != nil {
			a.deliver(evRequest{k.leg, req})
			return
		}
	}
	if req.Method != message.Ack {
		e.reply(s, t, req, message.Reply{Code: 481})
	}
}

// onInvite opens a call, if nothing speaks against it.
func (e *Edge) onInvite(s *socket, t *trunk, req *message.Request) {
	key := e.calls.inviteKey(req)
	if a := e.calls.findInvite(key); a != nil {
		a.deliver(evRepeated{})
		return
	}
	if e.isKeptOut(s, t, req, key) {
		return
	}
	switch {
	case e.isLoop(req):
		e.reply(s, t, req, message.Reply{Code: 482})
		return
	case e.draining.Load():
		e.reply(s, t, req, message.Reply{Code: 503})
		return
	}
	if e.shed(s, t, req, key) {
		return
	}
	t, contact := e.byContact(e.inEffect(t, req), req)
	if t = e.authorize(s, t, req); t == nil || e.crowded(s, t, req, key) {
		return
	}
	if contact {
		req.Retarget()
	}
	held := e.acquire(t, req)
	if held == nil {
		t.state.metrics.busy(inbound, busyRemoved)
		e.keepOut(s, t, req, key, verdict{code: 503})
		return
	}
	e.open(s, held, req, key)
}

// open begins a call from a trunk that is acquired, unless a limit keeps it out.
func (e *Edge) open(s *socket, t *trunk, req *message.Request, key callKey) {
	handed := false
	defer func() {
		if !handed {
			e.release(t)
		}
	}()
	if e.cfg.Records != nil && e.cfg.Records.Full() && !e.isEmergency(t, req) {
		t.state.metrics.busy(inbound, busyRecords)
		e.keepOut(s, t, req, key, verdict{code: 503, cause: causeTemporary})
		return
	}
	if why := t.admit(e.now()); why != free {
		if !e.isEmergency(t, req) {
			t.state.metrics.busy(inbound, why)
			e.keepOut(s, t, req, key, overLimit(t))
			return
		}
		t.state.channels.Add(1)
	}
	a := e.newActor(t, key, e.calls.mergeKey(t, req))
	known, how := e.calls.add(a, e.cfg.MaxCalls)
	if how != addedNew {
		t.leave()
	}
	switch how {
	case addedNew:
		handed = true
		if req.Conn != 0 {
			e.streams.join(req.Conn, t.Name)
		}
		t.state.metrics.seized[inbound].Inc()
		e.active.Add(1)
		e.unsettled.Add(1)
		a.deliver(evInvite{req: req, trunk: t, socket: s.index, over: s.over, own: s.own, secret: newSecret()})
	case addedRepeated:
		known.deliver(evRepeated{})
	case addedMerged:
		e.reply(s, t, req, message.Reply{Code: 482})
	case addedFull:
		e.keepOut(s, t, req, key, verdict{code: 503})
	}
}

// overLimit is the answer to a call beyond a trunk's limits: a carrier may try
// another way, a tenant has none. No Retry-After: it would take the whole trunk
// out of use for one call too many.
func overLimit(t *trunk) verdict {
	if t.Tenant != "" {
		return verdict{code: 480, cause: causeRejected}
	}
	return verdict{code: 503, cause: causeNoCircuit}
}

// isLoop reports whether an INVITE or MESSAGE of ours came back: a branch of ours is in its
// Via. RFC 3261 §16.3.
func (e *Edge) isLoop(req *message.Request) bool {
	loop := e.isOurs(req.Branch)
	req.Branches(func(branch string) bool {
		loop = loop || e.isOurs(branch)
		return !loop
	})
	return loop
}

// isOurs reports whether a branch is that of an INVITE or MESSAGE of ours.
func (e *Edge) isOurs(branch string) bool {
	_, call := e.tokens.openBranch(branch, branchToken)
	_, text := e.tokens.openBranch(branch, textToken)
	return call || text
}

// reply answers a request that has no call.
func (e *Edge) reply(s *socket, t *trunk, req *message.Request, reply message.Reply) {
	tag := ""
	if req.ToTag == "" {
		tag = e.tokens.String(token{call: hash(req.Branch + req.CallID)}) // the same for a repeated request
	}
	t.state.metrics.out.response(req.Method, reply.Code)
	_ = s.answer(t, req, reply.Append(nil, req.Head(tag))) // a lost answer is asked for again
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

// onResponse finds the request of ours that a response answers.
func (e *Edge) onResponse(t *trunk, res *message.Response, fault *message.Fault, source netip.AddrPort, conn uint64) {
	if fault != nil {
		e.metrics.faults.WithLabelValues(fault.Name).Inc()
		return
	}
	t.state.metrics.in.response(res.Method, res.Code)
	if k, ok := e.tokens.openBranch(res.Branch, branchToken); ok {
		if a := e.calls.find(k.call); a != nil {
			a.deliver(evResponse{leg: k.leg, seq: k.seq, res: res, source: source, conn: conn})
			return
		}
	}
	if k, ok := e.tokens.openBranch(res.Branch, textToken); ok && e.texts.answered(k, res, source) {
		return
	}
	if k, ok := e.tokens.openBranch(res.Branch, probeToken); ok && e.isProbed(k, source) {
		e.probed(k, res.Code != 408 && res.Code != 503)
		return
	}
	if k, ok := e.tokens.openBranch(res.Branch, registerToken); ok && e.onRegisterResponse(k, res, source) {
		return
	}
	e.metrics.strays.Inc()
}
