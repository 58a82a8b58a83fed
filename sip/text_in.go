package sip

import (
	"net/netip"
	"sync"

	"maskline/routing"
	"maskline/sip/message"
)

// textIn is the server transaction of a MESSAGE: its answer waits until the
// message has been taken downstream, and is kept for repeated requests.
// RFC 3261 §17.2.2.
type textIn struct {
	texts       *texts
	key, merged callKey
	alarm       alarm
	// What the answer needs.
	trunk  *trunk
	socket int
	over   transport
	conn   uint64
	to     netip.AddrPort
	head   []byte

	mu     sync.Mutex
	answer []byte // nil: it still waits
}

// onText takes a MESSAGE outside a call on, if nothing speaks against it.
func (e *Edge) onText(s *socket, t *trunk, req *message.Request) {
	key := e.calls.inviteKey(req)
	if e.texts.repeat(key, s, t, req) || e.isKeptOut(s, t, req, key) {
		return
	}
	switch {
	case e.isLoop(req):
		e.reply(s, t, req, message.Reply{Code: 482})
		return
	case e.draining.Load():
		e.reply(s, t, req, message.Reply{Code: 503})
		return
	case load(e.load.Load()) > loadCalm:
		e.refuseBusy(s, t, req, key, busyOverload)
		return
	}
	t, contact := e.byContact(e.inEffect(t, req), req)
	if t = e.authorize(s, t, req); t == nil {
		return
	}
	if contact {
		req.Retarget()
	}
	if t = e.acquireForText(s, t, req, key); t == nil {
		return
	}
	e.takeText(s, t, req, key)
}

// acquireForText keeps the trunk of a message that can be read and is within its
// limits; nil where it was answered.
func (e *Edge) acquireForText(s *socket, t *trunk, req *message.Request, key callKey) *trunk {
	if _, fault := req.Text(routing.MaxText); fault != nil {
		e.metrics.faults.WithLabelValues(fault.Name).Inc()
		e.reply(s, t, req, message.Reply{Code: fault.Code, Header: fault.Header})
		return nil
	}
	held := e.acquire(t, req)
	if held == nil {
		t.state.metrics.busy(inbound, busyRemoved)
		e.keepOut(s, t, req, key, verdict{code: 503})
		return nil
	}
	if why := e.texts.take(held, inbound, e.now()); why != free {
		held.state.metrics.busy(inbound, why)
		e.keepOut(s, held, req, key, verdict{code: overLimit(held).code})
		return nil
	}
	return held
}

// takeText begins the transaction and hands the message on.
func (e *Edge) takeText(s *socket, t *trunk, req *message.Request, key callKey) {
	x := &textIn{
		texts: e.texts, key: key, merged: e.calls.mergeKey(t, req), trunk: t,
		socket: s.index, over: s.over, conn: req.Conn, to: req.ReplyTo(),
		head: req.Head(e.tokens.String(token{call: hash(req.Branch + req.CallID)})),
	}
	if how := x.enter(); how != addedNew {
		e.texts.drop(t, inbound)
		switch how {
		case addedMerged:
			e.reply(s, t, req, message.Reply{Code: 482})
		case addedFull:
			t.state.metrics.busy(inbound, busyTexts)
			e.keepOut(s, t, req, key, verdict{code: overLimit(t).code})
		case addedNew, addedRepeated: // which another socket has taken on meanwhile
		}
		return
	}
	called := req.Called(&t.cli.Numbers)
	e.cfg.Messenger.Deliver(&routing.Message{
		Origin: &t.origin, Dialled: called.Dialled, To: called.Number, From: req.Caller(&t.cli.Numbers, t.TrustPAI),
		Text: req.Body, AnswerBy: e.now().Add(textWithin),
	}, x.delivered)
}

// enter adds the transaction, unless it is known or there are too many.
func (x *textIn) enter() added {
	t := x.texts
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.in[x.key] != nil:
		return addedRepeated
	case t.merged[x.merged] != nil:
		return addedMerged // RFC 3261 §8.2.2.2
	case x.trunk.state.texts >= mostTexts-len(t.in):
		return addedFull
	}
	t.in[x.key], t.merged[x.merged] = x, x
	x.trunk.state.texts++
	x.alarm.fire = x.overdue
	t.edge.timers.set(&x.alarm, t.edge.now().Add(textWithin+textGrace))
	return addedNew
}

// repeat answers a repeated request like the first one, or leaves it where that
// still waits. It is false for a new one.
func (t *texts) repeat(key callKey, s *socket, trunk *trunk, req *message.Request) bool {
	t.mu.Lock()
	x := t.in[key]
	t.mu.Unlock()
	if x == nil {
		return false
	}
	x.mu.Lock()
	answer := x.answer
	x.mu.Unlock()
	if answer != nil {
		_ = s.answer(trunk, req, answer) // a lost answer is asked for again
	}
	return true
}

// delivered answers by what became of the message.
func (x *textIn) delivered(d routing.Delivery) { x.respond(textCode(d), d.Fate) }

// overdue is the time for an answer, later that to forget it.
func (x *textIn) overdue() {
	x.mu.Lock()
	answered := x.answer != nil
	x.mu.Unlock()
	if !answered {
		x.respond(textCode(routing.Delivery{Fate: routing.FateUnknown}), routing.FateUnknown)
		return
	}
	x.texts.mu.Lock()
	defer x.texts.mu.Unlock()
	x.trunk.state.texts--
	delete(x.texts.in, x.key)
	delete(x.texts.merged, x.merged)
}

// respond sends the one answer.
func (x *textIn) respond(code int, fate routing.Fate) {
	e := x.texts.edge
	x.mu.Lock()
	if x.answer != nil {
		x.mu.Unlock()
		return // it was overdue
	}
	reply := message.Reply{Code: code}
	x.answer = reply.Append(nil, x.head)
	x.head = nil
	x.mu.Unlock()
	x.trunk.state.metrics.out.response(message.Message, code)
	_ = e.transmit(actSend{ // a lost answer is asked for again
		trunk: x.trunk, socket: x.socket, over: x.over, conn: x.conn, to: x.to, data: x.answer,
		method: message.Message, code: code,
	}, 0)
	x.texts.settle(x.trunk, inbound, fate)
	e.timers.clear(&x.alarm)
	e.timers.set(&x.alarm, e.now().Add(t64)) // timer J
}

// textCode is the answer to a MESSAGE. 202 says that it was accepted, and not yet
// that it was read. RFC 3428 §7.
func textCode(d routing.Delivery) int {
	if d.Verdict != routing.Forward && d.Verdict != routing.OptOutFull && d.Fate != routing.FateDelivered {
		return refusalFor(d.Verdict, d.Answer).code
	}
	switch d.Fate {
	case routing.FateDelivered:
		return 202
	case routing.FateNoReceiver:
		return 404
	case routing.FateTooLong:
		return 413
	case routing.FateTemporary:
		return 480 // not 503: it would take the whole trunk out of use
	case routing.FateUnknown:
		return 504 // not 408, which others on the way would take for their own. RFC 4320 §4.2
	default:
		return 403
	}
}
